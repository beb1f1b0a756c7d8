"""How far the read models are, for whoever must not be ahead of them.

Guarantee: `reach` returns only once everything before a position shows in the read models. However many wait, the
database is asked once in `EVENT_STREAM_LOOK_S`, and not at all while nobody waits. While it does not answer, they wait.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from horolog.limits import EVENT_STREAM_LOOK_S
from horolog.log.port import Place
from horolog.ports import Clock
from projections.views import ReadModel, ReadModelUnavailable


class Frontier:
    """One for a process."""

    def __init__(self, read_model: ReadModel, clock: Clock, look_s: float = EVENT_STREAM_LOOK_S) -> None:
        self._read_model = read_model
        self._clock = clock
        self._look_s = look_s
        self._positions: Mapping[tuple[str, int], int] = {}
        self._looking = asyncio.Lock()
        self._look_count = 0
        self._due_s = float("-inf")

    async def reach(self, ends: Mapping[Place, int]) -> None:
        """Wait until the read models are at these positions, or beyond."""
        while any(self._positions.get(place, 0) < end for place, end in ends.items()):
            await self._look()

    async def _look(self) -> None:
        seen = self._look_count
        async with self._looking:
            if self._look_count != seen:
                # Somebody else has looked while this one waited.
                return
            rest_s = self._due_s - self._clock.monotonic()
            if rest_s > 0:
                await self._clock.sleep(rest_s)
            with suppress(ReadModelUnavailable):
                self._positions = await self._read_model.positions()
            self._due_s = self._clock.monotonic() + self._look_s
            self._look_count += 1
