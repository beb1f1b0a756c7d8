"""Several projectors begin at the same moment: each month gets its partition once, and nobody fails."""

import asyncio
from datetime import UTC, datetime

import asyncpg

from projections.connections import SCHEMA_LOCK, connect
from projections.partitions import ensure_partitions

NOW = datetime(2030, 5, 17, tzinfo=UTC)
PROJECTOR_COUNT = 3
DEADLINE_S = 30
POLL_S = 0.02


async def waiting_for_the_lock(connection: asyncpg.Connection, count: int) -> None:
    query = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    async with asyncio.timeout(DEADLINE_S):
        while await connection.fetchval(query) < count:
            await asyncio.sleep(POLL_S)


async def test_projectors_that_find_a_month_missing_together_create_it_once(migrated_database: str) -> None:
    # Given projectors that all have seen that the months are missing, and wait for the right to create them
    holder = await connect(migrated_database, "holder")
    await holder.execute("select pg_advisory_lock($1)", SCHEMA_LOCK)
    connections = [await connect(migrated_database, "projector") for _ in range(PROJECTOR_COUNT)]
    creating = [asyncio.create_task(ensure_partitions(connection, NOW)) for connection in connections]
    await waiting_for_the_lock(holder, PROJECTOR_COUNT)
    # When they may
    await holder.execute("select pg_advisory_unlock($1)", SCHEMA_LOCK)
    created = await asyncio.gather(*creating)
    # Then each month was created by one of them
    assert sorted(name for names in created for name in names) == [
        "job_executions_2030_05",
        "job_executions_2030_06",
        "job_executions_2030_07",
    ]
    for connection in (holder, *connections):
        await connection.close()
