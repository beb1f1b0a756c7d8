"""How far the read models are known to reach: up to which instant all that was in the log has been applied.

Guarantee: what is told as reached is; a partition is only called behind when the log's end of `OVERDUE_S` ago has not
been applied yet. Offsets may have gaps, and a log may end with one, so a place whose position stands still short of
its end counts as applied when there is no record in between.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from horolog.limits import OVERDUE_S
from horolog.log.port import Log, Place, PositionLost
from horolog.ports import Clock
from projections.views import ReadModel
from schemas.topics import CHECKPOINTS, EXECUTIONS, JOBS

TOPICS = (JOBS, EXECUTIONS, CHECKPOINTS)
"""Those that tell what is owed, what came of it, and how far the owners are."""
TRIES_MAX = 3
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """The ends of a partition's places, as they were at an instant."""

    at: datetime
    monotonic_s: float
    ends: Mapping[Place, int]


class Reach:
    """Follows the read models of every partition. `reached` holds the instants, by partition."""

    def __init__(self, log: Log, read_model: ReadModel, clock: Clock) -> None:
        self.reached: dict[int, datetime] = {}
        self._log = log
        self._read_model = read_model
        self._clock = clock
        self._marks: dict[int, _Mark] = {}
        self._stood_at: Mapping[tuple[str, int], int] | None = None
        self._gaps: dict[Place, tuple[int, int]] = {}

    async def look(self) -> None:
        """Learn how far the read models are; waits a little for those that are not at the log's end.

        Raises:
            LogError, ReadModelUnavailable: one of them does not tell.
        """
        partitions = range(self._log.partition_count)
        places = [Place(topic.name, partition) for topic in TOPICS for partition in partitions]
        at, monotonic_s = self._clock.now(), self._clock.monotonic()
        ends = await self._log.ends(places)
        for trial in range(TRIES_MAX):
            if trial:
                await self._clock.sleep(RETRY_S)
            positions = await self._read_model.positions()
            await self._settle(positions)
            for partition in partitions:
                if partition not in self._marks and self.reached.get(partition) != at:
                    own = {place: ends[place] for place in places if place.partition == partition}
                    self._marks[partition] = _Mark(at, monotonic_s, own)
            await self._settle(positions)
            self._stood_at = positions
            if not self._marks:
                return

    def behind(self) -> Sequence[int]:
        """The partitions whose read models have not reached the log's end of `OVERDUE_S` ago."""
        now_s = self._clock.monotonic()
        return sorted(p for p, mark in self._marks.items() if now_s - mark.monotonic_s > OVERDUE_S)

    async def _settle(self, positions: Mapping[tuple[str, int], int]) -> None:
        for partition, mark in list(self._marks.items()):
            if all([await self._is_applied(place, end, positions) for place, end in mark.ends.items()]):
                self.reached[partition] = mark.at
                del self._marks[partition]

    async def _is_applied(self, place: Place, end: int, positions: Mapping[tuple[str, int], int]) -> bool:
        position = positions.get(place, 0)
        if position >= end or self._gaps.get(place) == (position, end):
            return True
        # While it moves it will get there; whoever reads the log for it would only take its time.
        if self._stood_at is None or self._stood_at.get(place, 0) != position:
            return False
        if not await self._is_gap(place, position, end):
            return False
        self._gaps[place] = (position, end)
        return True

    async def _is_gap(self, place: Place, position: int, end: int) -> bool:
        """Whether there is no record from `position` up to `end`."""
        records = self._log.scan(place, position, end)
        try:
            async with aclosing(records) as batches:  # type: ignore[type-var] # the port's iterators are generators
                return await anext(batches, None) is None
        except PositionLost:
            return False
