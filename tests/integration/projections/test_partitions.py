"""The ledger's monthly partitions: there ahead of time, and no row without a place."""

import asyncio
from datetime import UTC, datetime

from projections.connections import connect
from projections.partitions import create_partitions, drop_partitions, ensure_partitions
from tests.integration.projections.world import World, project
from tests.unit.projections.facts import START, admitted

DEFAULT = "job_executions_default"
NOW = datetime(2026, 11, 15, tzinfo=UTC)
PLACED = "id::text, tableoid::regclass::text as place"
LONG_AGO = datetime(1990, 5, 1, tzinfo=UTC)


async def places(world: World) -> list[str]:
    return sorted(row["place"] for row in await world.rows("job_executions", PLACED))


async def partitions(world: World) -> list[str]:
    rows = await world.eye.fetch("select relid::regclass::text as name from pg_partition_tree('job_executions')")
    return sorted(row["name"] for row in rows if row["name"] != "job_executions")


async def test_this_month_and_the_next_two_are_created_once(world: World) -> None:
    created = ["job_executions_2026_11", "job_executions_2026_12", "job_executions_2027_01"]
    assert await ensure_partitions(world.eye, NOW) == created
    assert await ensure_partitions(world.eye, NOW) == []
    assert await partitions(world) == [*created, DEFAULT]


async def test_many_may_create_the_same_month_at_once(world: World) -> None:
    connections = [await connect(world.dsn, "test") for _ in range(3)]
    results = await asyncio.gather(*(create_partitions(c, [(2026, 3), (2026, 4)]) for c in connections))
    assert sorted(name for names in results for name in names) == ["job_executions_2026_03", "job_executions_2026_04"]
    for connection in connections:
        await connection.close()


async def test_late_row_gets_the_partition_of_its_month(world: World) -> None:
    await project(world, admitted(1), admitted(2, scheduled_for=START.replace(year=2024, month=2)))
    assert await places(world) == ["job_executions_2024_02", "job_executions_2026_03"]


async def test_row_on_the_turn_of_a_month_belongs_to_the_later_one(world: World) -> None:
    last = datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    first = datetime(2026, 4, 1, tzinfo=UTC)
    await project(world, admitted(1, scheduled_for=last), admitted(2, scheduled_for=first))
    assert await places(world) == ["job_executions_2026_03", "job_executions_2026_04"]


async def test_instants_out_of_reason_stay_in_the_default_partition(world: World) -> None:
    far = [LONG_AGO, datetime(2030, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]
    await project(world, *(admitted(number, scheduled_for=instant) for number, instant in enumerate(far)))
    assert await places(world) == [DEFAULT] * 3
    assert await partitions(world) == [DEFAULT]


async def test_waiting_rows_move_when_their_month_comes(world: World) -> None:
    await project(world, admitted(1, scheduled_for=datetime(2026, 12, 24, tzinfo=UTC)), admitted(2))
    assert DEFAULT in await places(world)
    before = await world.rows("job_executions")
    await ensure_partitions(world.eye, NOW)
    assert await places(world) == ["job_executions_2026_03", "job_executions_2026_12"]
    assert await world.rows("job_executions") == before


async def test_months_before_the_given_one_are_dropped_with_their_rows(world: World) -> None:
    instants = [START.replace(month=month) for month in (1, 2, 3)]
    await project(world, *(admitted(n, scheduled_for=i) for n, i in enumerate([*instants, LONG_AGO])))
    assert await drop_partitions(world.eye, (2026, 2)) == ["job_executions_2026_01"]
    assert await places(world) == ["job_executions_2026_02", "job_executions_2026_03"]
    assert await drop_partitions(world.eye, (2026, 2)) == []


async def test_new_partition_has_the_keys_and_indexes_of_the_ledger(world: World) -> None:
    await ensure_partitions(world.eye, NOW)
    query = "select count(*) from pg_indexes where tablename = $1"
    assert await world.eye.fetchval(query, "job_executions_2026_12") == await world.eye.fetchval(query, DEFAULT)
