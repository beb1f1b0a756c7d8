"""Building the read models anew from the log: as a copy beside the live ones, or in their place.

Guarantee: from the same log come the same rows. A copy is built while a projector goes on with the live tables,
and up to the very records that these have taken in. Taking their place is one transaction: the projectors of all
partitions are held up by the locks that each of their batches takes, the copy takes in the last records, the tables
change their schemas, and the projectors go on where they were. Whoever asks meanwhile sees the old tables or the
new ones, never half of both. Outcomes and signs of life older than their topics keep are gone afterwards.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import asyncpg

from horolog.log.port import Place, PositionLost, Record
from horolog.ports import Clock
from projections.applier import Applier
from projections.connections import COPY_LOCK, PARTITION_LOCK, connect
from projections.fold import SOURCES, Refusal
from projections.migrate import apply_migrations
from projections.partitions import ensure_partitions
from projections.statements import statement
from projections.writer import Writer
from schemas.topics import KEEP_FOR_EVER

READ_MODELS = (
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
"""Every table that is a fold of the log; the partitions of `job_executions` and the `VIEWS` go with them."""
VIEWS = ("scheduler_locks",)
COPY_SCHEMA = "horolog_copy"
_REPLACED_SCHEMA = "horolog_replaced"
_LOCK_TIMEOUT = "5s"
_ROUNDS_MAX = 5
_TRIES_MAX = 3
_NEAR_RECORD_COUNT = 1000
_TIMEOUT_S = 3600.0

Positions = Mapping[Place, int]


@runtime_checkable
class History(Protocol):
    """What is needed of a log to tell its story again; every `Log` has it."""

    @property
    def partition_count(self) -> int: ...

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]: ...

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]: ...

    def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]: ...


class RebuildRefused(Exception):
    """Nothing was changed: another one is under way, or something of the database's owner depends on the tables."""


class _Untold:
    """Tells of no refused record: the live projector has told, or will."""

    async def tell(self, refusals: Sequence[Refusal], positions: Positions) -> None:
        """Nothing happens."""


@dataclass(slots=True)
class Copy:
    """Read models that are built a second time, in a schema of their own, through `connection`."""

    log: History
    connection: asyncpg.Connection
    applier: Applier

    async def advance(self, positions: Positions) -> int:
        """Take in the log up to these positions, as far as it reaches; returns how many offsets that were.

        Raises:
            LogError, or one of `projections.connections.UNAVAILABLE`: the copy is incomplete.
        """
        ends = await self.log.ends(list(self.applier.positions))
        before = sum(self.applier.positions.values())
        for place in list(ends):
            end = min(positions.get(place, 0), ends[place])
            async for records in self.log.scan(place, self.applier.positions[place], end):
                await self.applier.apply(records)
        return sum(self.applier.positions.values()) - before


@asynccontextmanager
async def copy_of(log: History, dsn: str, clock: Clock, schema: str = COPY_SCHEMA) -> AsyncIterator[Copy]:
    """An empty copy; what stood in the schema before is dropped. Its tables stay, for the caller to drop or use.

    No dead letters are told: the live projector does that.

    Raises:
        PositionLost: the log has lost facts that are to be kept for ever; a copy would lack them.
        one of `projections.connections.UNAVAILABLE`.
    """
    places = [Place(topic.name, partition) for topic in SOURCES for partition in range(log.partition_count)]
    starts = await log.starts(places)
    _refuse_losses(starts)
    connection = await connect(dsn, "horolog-rebuild", schema)
    try:
        await drop_schema(connection, schema)
        await connection.execute(f"create schema {_quoted(schema)}")
        await apply_migrations(connection)
        await ensure_partitions(connection, clock.now())
        writer = Writer(connection, COPY_LOCK)
        applier = Applier(writer, _Untold(), clock, log.partition_count, await writer.positions(starts))
        yield Copy(log, connection, applier)
    finally:
        await connection.close()


async def rebuild_copy(log: History, dsn: str, clock: Clock, schema: str) -> None:
    """Build the read models a second time, in `schema`, as far as the log reaches now; the live ones stay as they are.

    Raises:
        as `copy_of` and `Copy.advance`.
    """
    async with copy_of(log, dsn, clock, schema) as copy:
        await copy.advance(await log.ends(list(copy.applier.positions)))


async def rebuild(log: History, dsn: str, clock: Clock) -> int:
    """Build the read models anew, and let them take the place of the live ones; returns how many offsets they hold.

    They reach as far as the live ones did; a projector takes them further, and tells of what it cannot use.

    Raises:
        RebuildRefused, or as `copy_of` and `Copy.advance`: the live tables are as they were.
    """
    async with alone(dsn) as live, copy_of(log, dsn, clock) as copy:
        count = 0
        for _ in range(_ROUNDS_MAX):
            came = await copy.advance(await live_positions(live))
            count += came
            if came <= _NEAR_RECORD_COUNT:
                break
        try:
            return count + await _take_place_patiently(live, copy)
        finally:
            await drop_schema(live, COPY_SCHEMA)


async def holds_positions(dsn: str) -> bool:
    """Whether the read models at this address have taken in anything of a log; they are of that log then, for ever.

    Raises:
        one of `projections.connections.UNAVAILABLE`.
    """
    connection = await connect(dsn, "horolog-restore")
    try:
        return any(position > 0 for position in (await live_positions(connection)).values())
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()


@asynccontextmanager
async def alone(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the live tables, while nobody else builds them anew.

    Raises:
        RebuildRefused: somebody else does.
        one of `projections.connections.UNAVAILABLE`.
    """
    connection = await connect(dsn, "horolog-rebuild")
    try:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", COPY_LOCK):
            raise RebuildRefused("the read models are being built anew or compared already")
        yield connection
    finally:
        await connection.close()


async def live_positions(connection: asyncpg.Connection) -> dict[Place, int]:
    """How far the live read models have come, as of the connection's snapshot."""
    rows = await connection.fetch("select topic, partition, next from projection_offsets")
    return {Place(row["topic"], row["partition"]): row["next"] for row in rows}


async def drop_schema(connection: asyncpg.Connection, schema: str) -> None:
    """Drop the schema with all that is in it, if there is one."""
    await connection.execute(f"drop schema if exists {_quoted(schema)} cascade", timeout=_TIMEOUT_S)


async def _take_place_patiently(live: asyncpg.Connection, copy: Copy) -> int:
    """As `_take_place`, which gives way to readers that hold the tables for long, a few times."""
    for _ in range(_TRIES_MAX - 1):
        with contextlib.suppress(asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            return await _take_place(live, copy)
    return await _take_place(live, copy)


async def _take_place(live: asyncpg.Connection, copy: Copy) -> int:
    """Let the copy take the live tables' place; returns how many offsets it took in before."""
    schema = await live.fetchval("select current_schema()")
    async with live.transaction():
        # In their order, as every batch takes them: from here on no projector writes, until this transaction ends.
        partitions = list(range(copy.log.partition_count))
        await live.execute(statement("lock_partitions"), PARTITION_LOCK, partitions, timeout=_TIMEOUT_S)
        count = await copy.advance(await live_positions(live))
        await live.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        await live.execute(f"create schema {_quoted(_REPLACED_SCHEMA)}")
        for grant in await live.fetch(statement("grants"), schema, list(READ_MODELS), COPY_SCHEMA):
            await live.execute(grant["sql"])
        replaced = await _move(live, schema, _REPLACED_SCHEMA)
        await _move(live, COPY_SCHEMA, schema)
        await _drop(live, replaced)
    return count


async def _drop(live: asyncpg.Connection, replaced: Sequence[tuple[str, str]]) -> None:
    """Drop the tables whose place was taken; what somebody else has built on them is not for us to drop.

    Raises:
        RebuildRefused: there is such a thing.
    """
    try:
        for kind, name in replaced:
            await live.execute(f"drop {kind} {_quoted(_REPLACED_SCHEMA)}.{_quoted(name)}")
        await live.execute(f"drop schema {_quoted(_REPLACED_SCHEMA)}")
    except asyncpg.DependentObjectsStillExistError as error:
        raise RebuildRefused(f"drop what depends on the tables first: {error.detail or error}") from error


async def _move(live: asyncpg.Connection, source: str, target: str) -> list[tuple[str, str]]:
    """Move the read models from one schema to another; returns kind and name of each, views first."""
    rows = await live.fetch(statement("relations"), source, list(READ_MODELS), list(VIEWS))
    relations = [(row["kind"], row["name"]) for row in rows]
    for kind, name in relations:
        await live.execute(f"alter {kind} {_quoted(source)}.{_quoted(name)} set schema {_quoted(target)}")
    return relations


def _refuse_losses(starts: Positions) -> None:
    forever = {topic.name for topic in SOURCES if topic.retention_ms == KEEP_FOR_EVER and not topic.compacted}
    for place, start in starts.items():
        if start > 0 and place.topic in forever:
            raise PositionLost(place, f"begins at {start}: its facts cannot be told again")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
