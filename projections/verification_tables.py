"""Comparing the live read models with a copy that is built from the log: the proof that they are its fold.

Guarantee: both sides are compared as of the same records of every partition, while the projectors go on. Tables are
compared by a hash for each tenant; where the hashes differ, row by row, and the first row and column that differ are
named. Of tables whose topics do not keep for ever, rows that the log no longer tells of are counted and left out.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

import asyncpg

from horolog.ports import Clock
from projections.partitions import kept_since
from projections.pruning import Pruner
from projections.rebuild import COPY_SCHEMA, Copy, History, alone, copy_of, drop_schema, live_positions

PART_COUNT = 5000
DIFFERENCES_MAX = 100
TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class ComparedTable:
    """A read model, its key, and whether it is kept by tenant; `is_forgetful` when its topic does not keep it all.

    With `since`, rows of earlier instants are not looked at: they were dropped, or are about to be.
    """

    name: str
    key: tuple[str, ...]
    has_tenant: bool = True
    is_forgetful: bool = False
    since: datetime | None = None

    @property
    def source(self) -> str:
        """What is compared, as it stands in a statement."""
        if self.since is None:
            return self.name
        return f"(select * from {self.name} where scheduled_at >= '{self.since.isoformat()}')"  # noqa: S608 - a name of the table below and an instant


LEDGER = "job_executions"
TABLES = (
    ComparedTable("scheduled_jobs", ("id",)),
    ComparedTable("job_versions", ("job_id", "version")),
    ComparedTable("audit_chain", ("tenant_id", "chain", "seq")),
    ComparedTable(LEDGER, ("id", "scheduled_at")),
    ComparedTable("tenants", ("tenant_id",)),
    ComparedTable("tenant_changes", ("tenant_id", "version")),
    ComparedTable("command_outcomes", ("command_id",), is_forgetful=True),
    ComparedTable("tenant_windows", ("tenant_id", "window_start"), is_forgetful=True),
    ComparedTable("workers", ("worker_id",), has_tenant=False, is_forgetful=True),
    ComparedTable("partition_owners", ("role", "partition"), has_tenant=False, is_forgetful=True),
)
"""All of `READ_MODELS` but the positions, which are made equal before anything is compared."""
_TEXT_KEYS = frozenset({"worker_id", "role", "chain"})
_Row = tuple[tuple[Any, ...], str]
"""A row's key, and the hash of its text."""


class Side(Enum):
    """Who has a row."""

    LIVE = "live"
    REBUILT = "rebuilt"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row of a tenant in which a table is not what the log says. Without a `column` a whole row is.

    `live` and `rebuilt` are the values as JSON data; of a whole row, which side has it (True or False).
    """

    table: str
    tenant_id: str
    key: tuple[str, ...]
    column: str | None
    live: Any
    rebuilt: Any


@dataclass(frozen=True, slots=True)
class TableReport:
    """What came of one table: rows of the copy, its hash over all tenants, and rows that only the live one has left."""

    table: str
    tenant_count: int
    row_count: int
    digest: str
    forgotten_count: int
    differences: tuple[Difference, ...]


async def verify_projections(
    log: History, dsn: str, clock: Clock, ledger_months_kept: int | None = None
) -> Sequence[TableReport]:
    """Build a copy, bring it to where the live read models are, compare, drop it.

    Of the ledger, months that are not kept by what the projectors were told are not looked at.

    Raises:
        RebuildRefused: another copy is being built.
        LogError, or one of `projections.connections.UNAVAILABLE`.
    """
    async with alone(dsn) as live:
        try:
            async with copy_of(log, dsn, clock) as copy:
                await copy.advance(await live_positions(live))
                return await _compare(live, copy, clock, ledger_months_kept)
        finally:
            await drop_schema(live, COPY_SCHEMA)


async def _compare(
    live: asyncpg.Connection, copy: Copy, clock: Clock, months_kept: int | None
) -> Sequence[TableReport]:
    since = None if months_kept is None else kept_since(clock.now(), months_kept)
    tables = [replace(table, since=since) if table.name == LEDGER else table for table in TABLES]
    async with live.transaction(isolation="repeatable_read", readonly=True):
        # The first statement fixes what this transaction sees: these positions, and the rows that belong to them.
        await copy.advance(await live_positions(live))
        while await Pruner(clock).look(copy.connection):
            continue
        async with copy.connection.transaction(isolation="repeatable_read", readonly=True):
            return [await _compare_table(live, copy.connection, table) for table in tables]


async def _compare_table(live: asyncpg.Connection, copy: asyncpg.Connection, table: ComparedTable) -> TableReport:
    hashes, wanted = await _hashes(live, table), await _hashes(copy, table)
    differences: list[Difference] = []
    forgotten = 0
    for tenant_id in sorted(hashes.keys() | wanted.keys()):
        if hashes.get(tenant_id) != wanted.get(tenant_id) and len(differences) < DIFFERENCES_MAX:
            difference, count = await _first_difference(live, copy, table, tenant_id)
            forgotten += count
            differences += [difference] if difference is not None else []
    digest = sum(int(value) for _, value in wanted.values()) % (1 << 64)
    rows = sum(count for count, _ in wanted.values())
    return TableReport(table.name, len(wanted), rows, f"{digest:016x}", forgotten, tuple(differences))


async def _hashes(connection: asyncpg.Connection, table: ComparedTable) -> dict[str, tuple[int, str]]:
    """For each tenant the number of rows, and the sum of the rows' hashes, which does not depend on their order."""
    tenant = "tenant_id::text" if table.has_tenant else "''"
    sql = f"""select {tenant} as tenant, count(*) as count,
        sum(('x' || left(md5(one::text), 15))::bit(60)::bigint)::text as digest
    from {table.source} as one group by 1"""  # noqa: S608 - names of the table above only
    rows = await connection.fetch(sql, timeout=TIMEOUT_S)
    return {row["tenant"]: (row["count"], row["digest"]) for row in rows}


async def _first_difference(
    live: asyncpg.Connection, copy: asyncpg.Connection, table: ComparedTable, tenant_id: str
) -> tuple[Difference | None, int]:
    """The first difference of the tenant's rows in the order of their keys, and how many were forgotten before it."""
    async with aclosing(_rows(live, table, tenant_id)) as ours, aclosing(_rows(copy, table, tenant_id)) as theirs:
        found, key, forgotten = await _first_unequal(ours, theirs, table.is_forgetful)
    if found is None:
        return None, forgotten
    if found is Side.BOTH:
        return await _first_column(live, copy, table, tenant_id, key), forgotten
    is_live = found is Side.LIVE
    return Difference(table.name, tenant_id, _told(key), None, live=is_live, rebuilt=not is_live), forgotten


async def _first_unequal(
    ours: AsyncIterator[_Row], theirs: AsyncIterator[_Row], is_forgetful: bool
) -> tuple[Side | None, Sequence[Any], int]:
    """Which side has the first row that is not the other's too, and its key; both, when its values differ."""
    forgotten = 0
    left, right = await anext(ours, None), await anext(theirs, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None
            if not is_forgetful:
                return Side.LIVE, left[0], forgotten
            forgotten += 1
            left = await anext(ours, None)
        elif left is None or right[0] < left[0]:
            return Side.REBUILT, right[0], forgotten
        elif left[1] != right[1]:
            return Side.BOTH, left[0], forgotten
        else:
            left, right = await anext(ours, None), await anext(theirs, None)
    return None, (), forgotten


async def _rows(connection: asyncpg.Connection, table: ComparedTable, tenant_id: str) -> AsyncGenerator[_Row, None]:
    """Key and hash of each row of the tenant, in the order of keys, which is the same here and in Python."""
    key = ", ".join(f'{name} collate "C"' if name in _TEXT_KEYS else name for name in table.key)
    where = "tenant_id = $1::uuid" if table.has_tenant else "$1 = ''"
    sql = (
        f"select {', '.join(table.key)}, md5(one::text) as hash from {table.source} as one where {where} order by {key}"  # noqa: S608 - names of the table above only
    )
    cursor = await connection.cursor(sql, tenant_id)
    while rows := await cursor.fetch(PART_COUNT, timeout=TIMEOUT_S):
        for *found, hash_ in rows:
            yield tuple(found), hash_


async def _first_column(
    live: asyncpg.Connection, copy: asyncpg.Connection, table: ComparedTable, tenant_id: str, key: Sequence[Any]
) -> Difference:
    where = " and ".join(f"{name} = ${number}" for number, name in enumerate(table.key, 1))
    sql = f"select row_to_json(one)::text from {table.name} as one where {where}"  # noqa: S608 - names of the table above only
    # Numbers stay as they are written: what PostgreSQL tells apart must not become the same float.
    ours, theirs = [json.loads(await side.fetchval(sql, *key), parse_float=str) for side in (live, copy)]
    column = next(name for name in theirs if ours.get(name) != theirs[name])
    return Difference(table.name, tenant_id, _told(key), column, ours.get(column), theirs[column])


def _told(key: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(part) for part in key)
