"""Opening the stream of one run: where it begins.

Guarantee: without an id it begins with all that the topic still keeps of the present attempt's output, as far as one
looks back; with the id of something that was told, right after it. The end of the execution is not missed: how far the
read models are is asked for before they are asked for the execution, and the log is read on from there. One that has
ended already is told from the read models alone.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

from horolog.limits import OUTPUT_LOOK_BACK_S, OUTPUT_LOOK_RECORD_COUNT_MAX, OUTPUT_LOOK_RECORD_COUNT_MIN
from horolog.log.port import Log, LogError, Place
from horolog.ports import Clock
from projections.views import ExecutionView, ReadModel
from schemas.topics import EXECUTIONS, OUTPUT, partition_of
from services.api.errors import ApiError
from services.api.streams.hub import Hub, Reach
from services.api.streams.older import Older
from services.api.streams.output import (
    GOING,
    RUNS,
    EndReading,
    Look,
    OutputTeller,
    Run,
    Told,
    held_for_the_end,
    told_of,
)
from services.api.streams.reading import LogReading, Sources, Stretch
from services.api.streams.spots import ForeignId
from services.api.streams.stream import Course

_WIDENING = 4
Ends = Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class AskedOutput:
    """Whose output a caller asks for; without `follow` only what there is so far."""

    tenant_id: str
    actor: str
    execution_id: str
    follow: bool = True


class OutputDesk:
    """One for a process."""

    def __init__(self, log: Log, read_model: ReadModel, clock: Clock, reach: Reach, behind_count_max: int) -> None:
        self._log = log
        self._read_model = read_model
        self._clock = clock
        self._reach = reach
        self._behind_count_max = behind_count_max
        self._sources = Sources(RUNS, Hub(log, RUNS, at_once), Older(log, RUNS), at_once)

    async def course(self, asked: AskedOutput, look: Look, last_id: str | None) -> Course:
        """What the stream consists of, of which nothing is read before its frames are.

        Raises:
            ApiError: INVALID_EVENT_ID, LOG_UNAVAILABLE, OVERLOADED; whatever `look` raises
            ReadModelUnavailable: the execution cannot be read.
        """
        count = self._log.partition_count
        run = Run(asked.tenant_id, asked.execution_id, partition_of(asked.tenant_id, count), count)
        positions = await self._read_model.positions()
        execution = await look()
        told = None if last_id is None else _told(last_id, run)
        if execution.status not in GOING:
            told = told or Told()
            return Course(EndReading(execution, (told.position, 0)), OutputTeller(run, told, look))
        executions = Place(EXECUTIONS.name, run.partition)
        try:
            ends = await self._log.ends(RUNS.places(run.partition))
            position = await self._begin(run, ends, told, execution)
        except LogError as error:
            raise ApiError("LOG_UNAVAILABLE", "The log cannot be reached at present.") from error
        shown = min(positions.get(executions, 0), ends[executions])
        if ends[executions] - shown > self._behind_count_max:
            raise ApiError("OVERLOADED", "The read models are too far behind to tell when the execution ends.")
        goal = ends[Place(OUTPUT.name, run.partition)], shown
        stretch = Stretch(run.tenant_id, run.partition, (position, shown), goal, asked.follow)
        reading = LogReading(self._sources, stretch, run.takes, held_for_the_end(self._reach, run))
        return Course(reading, OutputTeller(run, told or Told(position), look))

    async def close(self) -> None:
        """Read nothing more; idempotent."""
        await self._sources.hub.close()

    async def _begin(self, run: Run, ends: Ends, told: Told | None, execution: ExecutionView) -> int:
        """From where on the topic is read."""
        place = Place(OUTPUT.name, run.partition)
        end, start = ends[place], (await self._log.starts([place]))[place]
        first = max(start, end - OUTPUT_LOOK_RECORD_COUNT_MAX)
        if told is None:
            return await self._before(execution, place, first, end)
        if told.position > end:
            # A log that was restored, or another one.
            raise ApiError("INVALID_EVENT_ID")
        return max(first, told.position)

    async def _before(self, execution: ExecutionView, place: Place, first: int, end: int) -> int:
        """A position before everything that the run has printed. Timestamps are good enough to look by."""
        started_at = execution.started_at or self._clock.now()
        since_ms = (started_at.timestamp() - OUTPUT_LOOK_BACK_S) * 1000
        width = OUTPUT_LOOK_RECORD_COUNT_MIN
        position = max(first, end - width)
        while position > first and await self._written_ms(place, position, end) >= since_ms:
            width *= _WIDENING
            position = max(first, end - width)
        return position

    async def _written_ms(self, place: Place, start: int, end: int) -> float:
        """When the first record of the stretch was written; where there is none, that says nothing."""
        scanned = self._log.scan(place, start, end)
        async with aclosing(scanned) as batches:  # type: ignore[type-var] # the port's iterators are generators
            async for records in batches:
                if records:
                    return float(records[0].timestamp_ms)
        return float("inf")


async def at_once(_: Mapping[Place, int]) -> None:
    """What runs print is no fact of the read models, so there is nothing to wait for."""


def _told(id_: str, run: Run) -> Told:
    try:
        return told_of(id_, run)
    except ForeignId:
        raise ApiError("INVALID_EVENT_ID") from None
