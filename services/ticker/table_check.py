"""Holding the schedules in a ticker's memory against the job table in the log.

Guarantee: bounded work for each look, in slices that go through the table again and again; a difference is only told
of a job's latest record, and after it was there twice. The instants are named by the evaluator of `horolog.verify`,
which shares no code with the ticker's. Nothing is changed here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from horolog.limits import TABLE_LOOK_COUNT_MAX
from horolog.log.owner import Owner
from horolog.log.port import Log, Place, Record
from horolog.verify import Calendar, ScheduleVersion, first_owed
from horolog.verify.expression import UnreadableSchedule
from schemas.codec import RecordError, decode
from schemas.events.jobs import JobTabled
from schemas.events.owners import OwnerCheckpointed
from schemas.jobs import Job
from schemas.topics import JOB_TABLE
from services.ticker.partition import TickerPartition

SLICES_MAX = 4
"""How many partitions one look is about."""
LOOKUPS_MAX = 20
"""How many records one look asks the log about: most that differ were superseded, or are of deleted jobs."""
CHUNK_COUNT = 50
"""So many records are compared in a row, in a few milliseconds; then the fires have their turn."""
HORIZON_S = 2 * 86_400
"""Instants that are further ahead are compared when they are nearer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A schedule that the partition's memory does not have as the job table has it."""

    partition: int
    tenant_id: str
    job_id: str
    schedule_version: int
    words: str


class TableCheck:
    """Goes through the job table of every partition that the owner holds."""

    def __init__(self, log: Log, owner: Owner) -> None:
        self._log = log
        self._owner = owner
        self._calendar = Calendar()
        self._cursors: dict[int, int] = {}
        self._last = -1
        self._lookups = 0

    async def look(self, checkpoints: Mapping[int, OwnerCheckpointed]) -> Sequence[Difference]:
        """Compare the next slices; `checkpoints` are the partitions' newest ones in the log.

        Raises:
            LogError: the log does not tell.
        """
        found: list[Difference] = []
        count = self._lookups = 0
        # Those after the last one that was looked at come first.
        for partition in sorted(checkpoints, key=lambda p: (p <= self._last, p))[:SLICES_MAX]:
            if count >= TABLE_LOOK_COUNT_MAX or self._lookups >= LOOKUPS_MAX:
                break
            self._last = partition
            state, checkpoint = self._state(partition), checkpoints[partition]
            holding = self._owner.holdings.get(partition)
            if state is None or holding is None or holding.epoch != checkpoint.epoch:
                continue
            records = await self._slice(partition, checkpoint, TABLE_LOOK_COUNT_MAX - count)
            count += len(records)
            if difference := await self._compare(partition, state, records):
                found.append(difference)
        return found

    def _state(self, partition: int) -> TickerPartition | None:
        holding = self._owner.holdings.get(partition)
        state = None if holding is None else holding.state
        return state if isinstance(state, TickerPartition) and state.watermark_s is not None else None

    async def _slice(self, partition: int, checkpoint: OwnerCheckpointed, count_max: int) -> Sequence[Record]:
        """The next records of the partition's table that its owner has consumed; after the last the first again."""
        place = Place(JOB_TABLE.name, partition)
        start = (await self._log.starts([place]))[place]
        cursor, end = max(self._cursors.get(partition, start), start), checkpoint.positions.get(place.topic, start)
        self._cursors[partition] = start
        scan = self._log.scan(place, cursor, end)
        async with aclosing(scan) as batches:  # type: ignore[type-var] # the port's iterators are generators
            async for batch in batches:
                records = list(batch[:count_max])
                self._cursors[partition] = records[-1].offset + 1
                return records
        return ()

    async def _compare(self, partition: int, state: TickerPartition, records: Sequence[Record]) -> Difference | None:
        """The first difference that is one."""
        for number, record in enumerate(records):
            if number % CHUNK_COUNT == CHUNK_COUNT - 1:
                await asyncio.sleep(0)
            job = _job_in(record)
            if job is None or self._words(state, job) is None:
                continue
            if self._lookups >= LOOKUPS_MAX:
                self._cursors[partition] = record.offset
                return None
            self._lookups += 1
            latest = await self._log.latest(Place(record.topic, partition), record.key)
            # Meanwhile turns were taken, and the partition may be another's.
            if latest is None or latest.offset != record.offset or self._state(partition) is not state:
                continue
            if words := self._words(state, job):
                return Difference(partition, job.tenant_id, job.job_id, job.schedule_version, words)
        return None

    def _words(self, state: TickerPartition, job: Job) -> str | None:
        """How the memory differs from the job, if it does."""
        version, next_s = state.standing(job.job_id)
        watermark_s = state.watermark_s or 0
        if version > job.schedule_version or (next_s is not None and next_s <= watermark_s):
            return None
        horizon_s = watermark_s + HORIZON_S
        try:
            owed_s = first_owed(_version(job), self._calendar, watermark_s, horizon_s)
        except UnreadableSchedule:
            return None
        held_s = None if next_s is None or next_s > horizon_s else next_s
        if held_s == owed_s:
            return None
        return f"it would fire next at {_told(held_s)}, and owes {_told(owed_s)}"


def _job_in(record: Record) -> Job | None:
    if record.value is None:
        return None
    try:
        message = decode(record.topic, record.headers, record.value)
    except RecordError:
        return None
    return message.job if isinstance(message, JobTabled) else None


def _version(job: Job) -> ScheduleVersion:
    definition = job.definition
    start, end = definition.start_date, definition.end_date
    return ScheduleVersion(
        effective_s=job.effective_from.timestamp(),
        expression=definition.cron_expression,
        zone=definition.timezone,
        status=job.status.value,
        is_deleted=job.deleted,
        start_s=None if start is None else start.timestamp(),
        end_s=None if end is None else end.timestamp(),
    )


def _told(instant_s: int | None) -> str:
    return "nothing" if instant_s is None else datetime.fromtimestamp(instant_s, UTC).isoformat()
