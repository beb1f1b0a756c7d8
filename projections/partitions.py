"""The monthly partitions of `job_executions`: created ahead, and dropped when their month is out of retention.

Guarantee: creating one never blocks readers for longer than it takes to attach a table, and rows that had to wait in
the default partition are moved to where they belong. Rows of no reasonable month, such as those of a clock that is
far off, stay in the default partition: they make no tables.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import asyncpg

from projections.connections import SCHEMA_LOCK

MONTHS_AHEAD_COUNT = 2
MONTHS_BEHIND_COUNT_MAX = 120

Month = tuple[int, int]
"""Year and month, in UTC."""

_CREATE = """
create table {name} (
    like job_executions including defaults including constraints including generated including storage
) with (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.2,
    autovacuum_analyze_scale_factor = 0.05
)
"""
# Asked through the parent, a partition is behind the parent's policies; by itself it is its owner's alone.
_CLOSE = "alter table {name} enable row level security"
_HOLD = "lock table job_executions_default in exclusive mode"
_MOVE = """
with moved as (
    delete from job_executions_default where scheduled_at >= '{start}' and scheduled_at < '{end}' returning {columns}
)
insert into {name} ({columns}) select {columns} from moved
"""
_ATTACH = "alter table job_executions attach partition {name} for values from ('{start}') to ('{end}')"
_EXISTS = """
select exists (
    select from pg_class as wanted
    join pg_class as parent using (relnamespace)
    where wanted.relname = $1 and parent.oid = 'job_executions'::regclass
)
"""
_STORED_COLUMNS = """
select string_agg(quote_ident(attname), ', ')
from pg_attribute
where attrelid = 'job_executions'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
"""


def month_of(instant: datetime) -> Month:
    """The month whose partition holds the instant."""
    utc = instant.astimezone(UTC)
    return utc.year, utc.month


def following(month: Month, count: int = 1) -> Month:
    """The month `count` months later."""
    year, index = divmod(month[0] * 12 + month[1] - 1 + count, 12)
    return year, index + 1


def months_ahead(now: datetime) -> list[Month]:
    """The month of `now` and those after it for which there is always to be a partition."""
    return [following(month_of(now), count) for count in range(MONTHS_AHEAD_COUNT + 1)]


def kept_since(now: datetime, months_kept: int) -> datetime:
    """The first instant that is kept when so many whole months before the present one are."""
    year, month = following(month_of(now), -months_kept)
    return datetime(year, month, 1, tzinfo=UTC)


def has_partition(month: Month, now: datetime) -> bool:
    """Whether a row of that month is reason enough for a partition; the default one takes the others."""
    present = month_of(now)
    return following(present, -MONTHS_BEHIND_COUNT_MAX) <= month <= following(present, MONTHS_AHEAD_COUNT)


def table_of(month: Month) -> str:
    """The name of the month's partition."""
    return f"job_executions_{month[0]:04}_{month[1]:02}"


async def ensure_partitions(connection: asyncpg.Connection, now: datetime) -> list[str]:
    """Create what is missing of this month's partition and the next ones; returns the names created."""
    return await create_partitions(connection, months_ahead(now))


async def create_partitions(connection: asyncpg.Connection, months: Iterable[Month]) -> list[str]:
    """Create what is missing of the months' partitions; returns the names created. Any number may do so at once."""
    created = []
    for month in sorted(set(months)):
        if await _exists(connection, table_of(month)):
            continue
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", SCHEMA_LOCK)
            if not await _exists(connection, table_of(month)):
                await _create(connection, month)
                created.append(table_of(month))
    return created


async def drop_partitions(connection: asyncpg.Connection, before: Month) -> list[str]:
    """Drop the partitions of all months before `before`, with their rows; returns the names dropped.

    Rows of those months in the default partition are deleted.
    """
    names = await connection.fetch(
        "select relid::regclass::text as name from pg_partition_tree('job_executions') where isleaf order by 1"
    )
    old = [row["name"] for row in names if row["name"] < table_of(before) and row["name"][-7:-3].isdigit()]
    for name in old:
        await connection.execute(f"drop table {name}")
    await connection.execute(f"delete from job_executions_default where scheduled_at < '{_start(before)}'")  # noqa: S608 - a month's first instant
    return old


async def _exists(connection: asyncpg.Connection, table: str) -> bool:
    # Read from the catalogue itself: PostgreSQL's cache of names may not have heard yet of a table that another
    # session created while this one waited for the lock, and `to_regclass` asks the cache.
    return bool(await connection.fetchval(_EXISTS, table))


async def _create(connection: asyncpg.Connection, month: Month) -> None:
    columns = await connection.fetchval(_STORED_COLUMNS)
    names = {"name": table_of(month), "start": _start(month), "end": _start(following(month)), "columns": columns}
    for sql in (_HOLD, _CREATE, _CLOSE, _MOVE, _ATTACH):
        await connection.execute(sql.format(**names))


def _start(month: Month) -> str:
    return f"{month[0]:04}-{month[1]:02}-01 00:00:00+00"
