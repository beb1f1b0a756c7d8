"""Reading many places of the embedded log: from the tail at once, from the file when the reader is far behind."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from horolog.log.embedded.engine import Engine
from horolog.log.embedded.tail import Tails
from horolog.log.port import Place, PlaceError, PositionLost, Record


class EmbeddedReader:
    """Implements `Reader`. Waits on a signal from the tails; while nothing is written it costs nothing."""

    def __init__(self, engine: Engine, tails: Tails) -> None:
        self._engine = engine
        self._tails = tails
        self._positions: dict[Place, int] = {}
        self._wakers: dict[Place, partial[None]] = {}
        # Places with something to read; the one that waited longest first.
        self._ready: dict[Place, None] = {}
        self._paused: frozenset[Place] = frozenset()
        self._waiter: asyncio.Future[None] | None = None

    def assign(self, positions: Mapping[Place, int]) -> None:
        for place in self._positions.keys() - positions.keys():
            self._tails[place].watchers.remove(self._wakers.pop(place))
            self._ready.pop(place, None)
        for place in positions.keys() - self._positions.keys():
            waker = self._wakers[place] = partial(self._mark_ready, place)
            self._tails[place].watchers.append(waker)
        self._positions = {place: self._positions.get(place, start) for place, start in positions.items()}
        for place, position in self._positions.items():
            if position != self._tails[place].end:
                self._mark_ready(place)

    def pause(self, places: frozenset[Place]) -> None:
        self._paused = places
        if self._ready.keys() - places:
            self._wake()

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        # Whoever always has something to read lets the others run, too.
        await asyncio.sleep(0)
        while True:
            records = await self._take(record_count_max)
            remaining = deadline - loop.time()
            if records or remaining <= 0:
                return records
            await self._wait(remaining)

    def is_behind(self, place: Place) -> bool:
        return self._positions[place] < self._tails[place].end

    def lag(self, place: Place) -> int:
        return max(0, self._tails[place].end - self._positions[place])

    def position(self, place: Place) -> int:
        """Where the next record of an assigned place will be looked for."""
        return self._positions[place]

    async def close(self) -> None:
        self.assign({})
        self._wake()

    async def _take(self, count_max: int) -> list[Record]:
        taken: list[Record] = []
        for place in [place for place in self._ready if place not in self._paused]:
            if len(taken) >= count_max:
                break
            if self._needs_care(place):
                # What was taken from other places is handed out first: their positions have moved already.
                if taken:
                    break
                return await self._read_cold(place, count_max)
            found, position = self._tails[place].read(self._positions[place], count_max - len(taken))
            taken += found
            self._advance(place, position)
        return taken

    def _needs_care(self, place: Place) -> bool:
        tail, position = self._tails[place], self._positions[place]
        return not max(tail.start, tail.floor) <= position <= tail.end

    async def _read_cold(self, place: Place, count_max: int) -> list[Record]:
        position = self._positions[place]
        self._refuse_lost(place, position, self._tails[place].start)
        cold = await self._engine.read(place, position, count_max)
        if self._positions.get(place) != position or place in self._paused:
            return []
        self._refuse_lost(place, position, cold.start)
        self._advance(place, cold.position)
        return list(cold.records)

    def _refuse_lost(self, place: Place, position: int, start: int) -> None:
        if position < start:
            raise PositionLost(place, f"begins at {start}, after {position}")
        if position > self._tails[place].end:
            raise PlaceError(place, f"ends before {position}: records were lost")

    def _advance(self, place: Place, position: int) -> None:
        self._positions[place] = position
        del self._ready[place]
        if position < self._tails[place].end:
            self._ready[place] = None

    def _mark_ready(self, place: Place) -> None:
        self._ready[place] = None
        if place not in self._paused:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self, seconds: float) -> None:
        if self._ready.keys() - self._paused:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
