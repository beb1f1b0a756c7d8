"""A log in memory, a migrated database, and appliers between the two."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log, LogUnavailable, Outgoing, Place, Record
from projections.applier import Applier, Notify, Silence
from projections.connections import connect
from projections.fold import SOURCES
from projections.letters import DeadLetters
from projections.writer import Writer
from schemas.base import Message
from schemas.codec import decode
from schemas.events.owners import RecordRefused
from schemas.events.workers import SYSTEM_TENANT
from schemas.topics import DLQ, partition_of
from tests.unit.projections.facts import PARTITIONS, START, outgoing

DEADLINE_S = 30.0
PAUSE_S = 0.01
TABLES = (
    "projection_offsets",
    "scheduled_jobs",
    "job_versions",
    "audit_chain",
    "job_executions",
    "workers",
    "partition_owners",
    "command_outcomes",
    "tenants",
    "tenant_changes",
    "tenant_windows",
)
PLACES = [Place(topic.name, partition) for topic in SOURCES for partition in range(PARTITIONS)]
LETTERS = Place(DLQ.name, partition_of(SYSTEM_TENANT, PARTITIONS))
Rows = list[dict[str, Any]]


class StillClock(SystemClock):
    """It is always the instant at which the facts begin."""

    def now(self) -> datetime:
        return START


class FaultyLog(EmbeddedLog):
    """A log in memory that fails once when told to: instead of appending, or after it."""

    fails_before = False
    fails_after = False

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.fails_before:
            self.fails_before = False
            raise LogUnavailable("not now")
        await super().append(records)
        if self.fails_after:
            self.fails_after = False
            raise LogUnavailable("who knows")


@dataclass(frozen=True, slots=True)
class World:
    """What a test needs; `eye` is a connection for looking."""

    dsn: str
    log: FaultyLog
    eye: asyncpg.Connection

    async def write(self, *messages: Message) -> None:
        await self.log.append([outgoing(message) for message in messages])

    async def rows(self, table: str, columns: str = "*") -> Rows:
        return await table_rows(self.eye, table, columns)

    async def row(self, table: str, columns: str = "*") -> tuple[Any, ...]:
        """The values of the only row."""
        (row,) = await self.rows(table, columns)
        return tuple(row.values())

    async def snapshot(self, schema: str = "public") -> dict[str, Rows]:
        return {table: await table_rows(self.eye, f"{schema}.{table}") for table in TABLES}

    async def letters(self) -> list[RecordRefused]:
        decoded = [decode(r.topic, r.headers, r.value) for r in await written(self.log, LETTERS)]
        return [letter for letter in decoded if isinstance(letter, RecordRefused)]

    async def locked_out(self) -> None:
        """Wait until some transaction waits for another's advisory lock."""
        query = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        async with asyncio.timeout(DEADLINE_S):
            while not await self.eye.fetchval(query):
                await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[World]:
    log = FaultyLog.open(None, SystemClock(), PARTITIONS)
    await log.create_topics()
    eye = await connect(dsn, "test")
    try:
        yield World(dsn, log, eye)
    finally:
        await eye.close()
        await log.close()


@asynccontextmanager
async def applying(world: World, notify: Notify | None = None) -> AsyncIterator[Applier]:
    """An applier with a connection of its own, where the positions are now."""
    connection = await connect(world.dsn, "test-applier")
    try:
        writer, clock = Writer(connection), StillClock()
        positions = await writer.positions(await world.log.starts(PLACES))
        letters = DeadLetters(world.log, clock)
        yield Applier(writer, letters, clock, PARTITIONS, positions, notify or Silence())
    finally:
        await connection.close(timeout=2)


async def written(log: Log, place: Place, start: int = 0) -> list[Record]:
    """What the place holds from `start` on."""
    end = (await log.ends([place]))[place]
    return [record async for batch in log.scan(place, start, end) for record in batch]


async def unread(world: World, applier: Applier) -> list[Record]:
    """Everything from the applier's positions on."""
    return [record for place in PLACES for record in await written(world.log, place, applier.positions[place])]


async def catch_up(world: World, applier: Applier) -> None:
    """Apply everything there is, in one batch."""
    if records := await unread(world, applier):
        await applier.apply(records)


async def project(world: World, *messages: Message) -> None:
    """Write the messages and apply them, by an applier that is gone afterwards."""
    await world.write(*messages)
    async with applying(world) as applier:
        await catch_up(world, applier)


async def table_rows(connection: asyncpg.Connection, table: str, columns: str = "*") -> Rows:
    rows = await connection.fetch(f"select {columns} from {table}")
    return sorted((dict(row) for row in rows), key=repr)
