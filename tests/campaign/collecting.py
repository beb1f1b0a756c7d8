"""Reads the evidence of a round: rows from PostgreSQL, and the log twice, as committed and as anybody wrote it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from horolog.log.kafka import KafkaLog
from horolog.log.port import Place, Record
from schemas.base import Message
from schemas.codec import RecordError, decode
from schemas.events.executions import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
)
from schemas.events.fires import FireDue
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS, EXECUTIONS, FIRES
from tests.campaign.evidence import Dump, Event, Fire, Row, Sign
from tests.campaign.system import PARTITION_COUNT, PREFIX, System

TOPICS = (EXECUTIONS, FIRES, CHECKPOINTS)
PLACES = tuple(Place(topic.name, partition) for topic in TOPICS for partition in range(PARTITION_COUNT))
STATUS_AFTER: Mapping[type[Message], str] = {
    ExecutionCompleted: "completed",
    ExecutionFailed: "failed",
    ExecutionCancelled: "cancelled",
    ExecutionSkipped: "skipped",
    ExecutionMissed: "missed",
}
POLL_MS = 200
READ_S_MAX = 60.0
_ROWS = """select id::text, job_id::text, status, attempt, coalesce(reason, error_code, '') as why,
    extract(epoch from scheduled_at)::bigint as first_s,
    extract(epoch from coalesce(missed_until, scheduled_at))::bigint as last_s
from job_executions where job_id = any($1::uuid[])"""


async def rows_of(system: System, jobs: Collection[str]) -> list[Row]:
    """The ledger of these jobs."""
    connection = await asyncpg.connect(system.dsn)
    try:
        found = await connection.fetch(_ROWS, list(jobs))
    finally:
        await connection.close()
    return [
        Row(r["id"], r["job_id"], r["first_s"], r["last_s"], r["status"], r["attempt"] or 0, r["why"]) for r in found
    ]


async def value(system: System, query: str, *arguments: object) -> object:
    """The single value that the database answers with."""
    connection = await asyncpg.connect(system.dsn)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def ends_of(system: System) -> Mapping[Place, int]:
    """Where the log ends now."""
    log = await system.open_log()
    try:
        return await log.ends(PLACES)
    finally:
        await log.close()


async def dump(system: System, since: Mapping[Place, int], jobs: Collection[str]) -> Dump:
    """What was written from these positions on, about these jobs and by the owners."""
    log = await system.open_log()
    try:
        ends = await log.ends(PLACES)
        committed = [record for place in PLACES for record in await _scanned(log, place, since[place], ends[place])]
        raw, hidden = await _uncommitted(system, since, ends)
    finally:
        await log.close()
    seen = {(record.topic, record.partition, record.offset) for record in committed}
    messages = [(record, message) for record in committed if (message := _decoded(record)) is not None]
    return Dump(
        fires=[_fire(m) for _, m in messages if isinstance(m, FireDue) and m.job_id in jobs],
        events=[_event(m) for _, m in messages if isinstance(m, ExecutionEvent) and m.job_id in jobs],
        signs=[_sign(r, m) for r, m in messages if isinstance(m, OwnerCheckpointed)],
        aborted_count=len(raw - seen),
        hidden=hidden,
        vanished=[f"{topic}/{partition}@{offset}" for topic, partition, offset in sorted(seen - raw)],
    )


async def _scanned(log: KafkaLog, place: Place, start: int, end: int) -> list[Record]:
    return [record async for batch in log.scan(place, start, end) for record in batch]


async def _uncommitted(
    system: System, since: Mapping[Place, int], ends: Mapping[Place, int]
) -> tuple[set[tuple[str, int, int]], Sequence[str]]:
    """The coordinates of everything up to the committed ends, and the places that go on behind them for good."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=system.bootstrap,
        enable_auto_commit=False,
        isolation_level="read_uncommitted",
        auto_offset_reset="none",
    )
    await consumer.start()
    try:
        partitions = {TopicPartition(PREFIX + place.topic, place.partition): place for place in PLACES}
        consumer.assign(list(partitions))
        for partition, place in partitions.items():
            consumer.seek(partition, since[place])
        async with asyncio.timeout(READ_S_MAX):
            found = await _read_until(consumer, partitions, ends)
        return found, await _hidden(system, consumer, partitions)
    finally:
        await consumer.stop()


async def _read_until(
    consumer: AIOKafkaConsumer, partitions: Mapping[TopicPartition, Place], ends: Mapping[Place, int]
) -> set[tuple[str, int, int]]:
    found: set[tuple[str, int, int]] = set()
    while any([await consumer.position(partition) < ends[place] for partition, place in partitions.items()]):
        for partition, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
            place = partitions[partition]
            found |= {(place.topic, place.partition, r.offset) for r in records if r.offset < ends[place]}
    return found


async def _hidden(
    system: System, consumer: AIOKafkaConsumer, partitions: Mapping[TopicPartition, Place]
) -> Sequence[str]:
    """Places where the committed end does not reach what is written by now, however long one waits."""
    written = await consumer.end_offsets(list(partitions))
    behind = list(PLACES)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READ_S_MAX
    while behind and loop.time() < deadline:
        ends = await ends_of(system)
        behind = [place for partition, place in partitions.items() if ends[place] < written[partition]]
    return [f"{place.topic}/{place.partition}" for place in behind]


def _decoded(record: Record) -> Message | None:
    """The message; None for a record that a fault has put there, which has a dead letter instead."""
    try:
        return decode(record.topic, record.headers, record.value)
    except RecordError:
        return None


def _fire(message: FireDue) -> Fire:
    return Fire(message.fire_id, message.job_id, int(message.scheduled_for.timestamp()))


def _event(message: ExecutionEvent) -> Event:
    attempt = int(getattr(message, "attempt", 0))
    return Event(type(message).__name__, message.execution_id, attempt, STATUS_AFTER.get(type(message), ""))


def _sign(record: Record, message: OwnerCheckpointed) -> Sign:
    return Sign(message.role, message.partition, message.owner, message.epoch, record.timestamp_ms / 1000)
