"""The live read models against a copy from the log: equal when they are, and the first row that is not is named."""

import asyncio
from typing import Any

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.port import PositionLost
from projections.partitions import drop_partitions
from projections.projector import Projector, ProjectorSettings
from projections.rebuild import COPY_SCHEMA, READ_MODELS, RebuildRefused, alone, rebuild
from projections.verification_tables import TABLES, Difference, TableReport, verify_projections
from tests.integration.projections.test_rebuilding import live_through
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, StillClock, World, project
from tests.integration.projections.world import TABLES as ALL_TABLES
from tests.unit.projections.facts import OTHER_TENANT, START, TENANT, admitted, beat, changed, job, uuid_of

EXECUTION = admitted().execution_id


async def compared(world: World) -> dict[str, TableReport]:
    reports = await verify_projections(world.log, world.dsn, StillClock())
    return {report.table: report for report in reports}


async def differences(world: World) -> list[Difference]:
    return [one for report in (await compared(world)).values() for one in report.differences]


async def schemas_of(world: World) -> list[str]:
    rows = await world.eye.fetch("select nspname from pg_namespace where nspname like 'horolog%'")
    return [row["nspname"] for row in rows]


async def test_every_read_model_but_the_positions_is_compared(world: World) -> None:
    tables = await world.eye.fetch(
        "select relname::text as name from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
        " and relname not in ('schema_migrations', 'planned_zone_data', 'audit_sink_positions')"
    )
    assert {row["name"] for row in tables} == set(READ_MODELS) == set(ALL_TABLES)
    assert {table.name for table in TABLES} == set(READ_MODELS) - {"projection_offsets"}


async def test_live_rows_are_equal_to_what_the_log_says_and_the_copy_is_dropped(world: World) -> None:
    await live_through(world)
    reports = await compared(world)
    assert not any(report.differences or report.forgotten_count for report in reports.values())
    assert (reports["job_executions"].row_count, reports["scheduled_jobs"].tenant_count) == (2, 2)
    assert [report.digest for report in reports.values()] == [r.digest for r in (await compared(world)).values()]
    assert await schemas_of(world) == []


async def test_months_that_are_not_kept_are_no_difference_for_whoever_knows(world: World) -> None:
    await project(world, admitted(1), admitted(2, scheduled_for=START.replace(year=START.year - 2)))
    assert len(await drop_partitions(world.eye, (START.year - 1, START.month))) == 1
    (missing,) = await differences(world)
    assert (missing.table, missing.live) == ("job_executions", False)
    reports = await verify_projections(world.log, world.dsn, StillClock(), ledger_months_kept=12)
    assert [one for report in reports for one in report.differences] == []
    await world.eye.execute("update job_executions set result = '1'")
    reports = await verify_projections(world.log, world.dsn, StillClock(), ledger_months_kept=12)
    assert [one.column for report in reports for one in report.differences] == ["result"]


@pytest.mark.parametrize(
    ("sql", "table", "column", "values"),
    [
        ("update job_executions set result = '1'", "job_executions", "result", (1, {"z": 1, "a": [2]})),
        ("update scheduled_jobs set execution_count = 7", "scheduled_jobs", "execution_count", (7, 1)),
        ("update audit_chain set reason = 'a'", "audit_chain", "reason", ("a", None)),
        ("update workers set host = 'a'", "workers", "host", ("a", "host")),
        ("delete from job_executions", "job_executions", None, (False, True)),
        ("delete from workers", "workers", None, (False, True)),
    ],
)
async def test_first_row_and_column_that_differ_are_named(
    world: World, sql: str, table: str, column: str | None, values: tuple[Any, Any]
) -> None:
    await live_through(world)
    await world.eye.execute(sql)
    found = (await differences(world))[0]
    assert (found.table, found.column) == (table, column)
    assert found.live == values[0]
    if table != "workers" or column is None:
        assert found.rebuilt == values[1]


async def test_differences_are_told_for_each_tenant_with_the_key_of_the_row(world: World) -> None:
    await live_through(world)
    await world.eye.execute("update scheduled_jobs set priority = 9")
    found = await differences(world)
    assert {(one.tenant_id, one.key) for one in found} == {(TENANT, (uuid_of(1),)), (OTHER_TENANT, (uuid_of(2),))}


async def test_row_that_the_log_never_told_of_is_a_difference_unless_its_topic_forgets(world: World) -> None:
    await live_through(world)
    copied = "insert into {0} select (jsonb_populate_record(one, $1::jsonb)).* from {0} as one limit 1"
    await world.eye.execute(copied.format("job_versions"), f'{{"job_id": "{uuid_of(77)}"}}')
    await world.eye.execute(copied.format("workers"), '{"worker_id": "zz long gone"}')
    reports = await compared(world)
    (found,) = reports["job_versions"].differences
    assert (found.key, found.live, found.rebuilt) == ((uuid_of(77), "1"), True, False)
    assert (reports["workers"].differences, reports["workers"].forgotten_count) == ((), 1)


async def test_comparison_is_of_the_same_records_while_a_projector_goes_on(world: World) -> None:
    await world.write(changed(job()))
    stop = asyncio.Event()
    projector = Projector(world.log, SystemClock(), ProjectorSettings("a", world.dsn))
    running = asyncio.create_task(projector.run(stop))

    async def keep_writing() -> None:
        number = 1
        while not stop.is_set():
            await world.write(*(admitted(number + n) for n in range(20)), beat(seconds=number))
            number += 20
            await asyncio.sleep(PAUSE_S)

    writing = asyncio.create_task(keep_writing())
    try:
        for _ in range(3):
            assert await differences(world) == []
        before = await world.eye.fetchval("select count(*) from job_executions")
        await rebuild(world.log, world.dsn, StillClock())
        async with asyncio.timeout(DEADLINE_S):
            while await world.eye.fetchval("select count(*) from job_executions") <= before:
                await asyncio.sleep(PAUSE_S)
        assert await differences(world) == []
        assert projector.counters.failures == 0
    finally:
        stop.set()
        await asyncio.gather(writing, running)


async def test_rebuilding_repairs_what_was_wrong_and_leaves_nothing_behind(world: World) -> None:
    await live_through(world)
    await world.eye.execute("update job_executions set status = 'failed'")
    await world.eye.execute("create role auditor")
    try:
        await world.eye.execute("grant select on job_executions to auditor")
        assert await rebuild(world.log, world.dsn, StillClock()) > 0
        assert await differences(world) == []
        assert await schemas_of(world) == []
        assert await world.eye.fetchval("select has_table_privilege('auditor', 'job_executions', 'select')")
        assert await world.eye.fetchval("select count(*) from scheduler_locks") == 2
    finally:
        await world.eye.execute("drop owned by auditor; drop role auditor")


async def test_rebuilding_leaves_alone_what_others_have_built_on_the_tables(world: World) -> None:
    await live_through(world)
    await world.eye.execute("create view mine as select count(*) from job_executions")
    live = await world.snapshot()
    with pytest.raises(RebuildRefused, match="mine"):
        await rebuild(world.log, world.dsn, StillClock())
    assert await world.snapshot() == live
    assert await world.eye.fetchval("select * from mine") == 2
    assert await schemas_of(world) == []


async def test_one_copy_is_built_at_a_time(world: World) -> None:
    async with alone(world.dsn):
        with pytest.raises(RebuildRefused):
            await verify_projections(world.log, world.dsn, StillClock())
        with pytest.raises(RebuildRefused):
            await rebuild(world.log, world.dsn, StillClock())


async def test_log_that_has_lost_facts_is_not_rebuilt_from(world: World) -> None:
    await live_through(world)

    class Shortened:
        """The log, but for its first facts."""

        partition_count = world.log.partition_count
        ends, scan = world.log.ends, world.log.scan

        async def starts(self, places: Any) -> Any:
            return dict.fromkeys(places, 1)

    with pytest.raises(PositionLost):
        await rebuild(Shortened(), world.dsn, StillClock())
    assert await world.eye.fetchval(f"select to_regnamespace('{COPY_SCHEMA}')") is None
