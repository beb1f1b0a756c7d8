"""Figures by the minute in the read models: the newest telling counts, and all of it is a fold."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from projections.connections import open_pool
from projections.pruning import Pruner
from projections.rebuild import rebuild
from projections.tenant_windows import PostgresWindows
from projections.verification_tables import verify_projections
from tests.integration.projections.world import StillClock, World, project
from tests.unit.projections.facts import OTHER_TENANT, START, TENANT, at, measured

HOUR = timedelta(hours=1)


class Later(StillClock):
    """A week and a minute after the facts began."""

    def now(self) -> datetime:
        return START + timedelta(days=7, minutes=1)


@pytest.fixture
async def windows(world: World) -> AsyncIterator[PostgresWindows]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresWindows(pool)
    await pool.close()


async def test_windows_are_read_by_tenant_and_range_oldest_first(world: World, windows: PostgresWindows) -> None:
    theirs = measured(1, tenant=OTHER_TENANT, admitted=9)
    await project(world, measured(2, failed=1), measured(1, completed=2), measured(0), theirs)
    found = await windows.windows(TENANT, at(60), at(180), 10)
    assert [(row.window_start, row.completed, row.failed) for row in found] == [(at(60), 2, 0), (at(120), 0, 1)]
    assert (found[0].late_count, found[0].late_sum_ms, found[0].late_max_ms) == (1, 20, 20)
    assert len(await windows.windows(TENANT, START, START + HOUR, 2)) == 2
    assert [row.admitted for row in await windows.windows(OTHER_TENANT, START, START + HOUR, 10)] == [9]


@pytest.mark.parametrize("at_once", [True, False])
async def test_of_two_tellings_the_one_that_counted_further_stands(
    world: World, windows: PostgresWindows, at_once: bool
) -> None:
    newer, older = measured(through=9, admitted=5), measured(through=8, admitted=4)
    for batch in [(newer, older)] if at_once else [(newer,), (older,)]:
        await project(world, *batch)
    [row] = await windows.windows(TENANT, START, START + HOUR, 10)
    assert row.admitted == 5


async def test_the_windows_are_a_fold_of_the_log(world: World) -> None:
    await project(world, measured(0), measured(1), measured(1, through=8, failed=2))
    before = await world.rows("tenant_windows")
    await rebuild(world.log, world.dsn, StillClock())
    assert await world.rows("tenant_windows") == before
    reports = await verify_projections(world.log, world.dsn, StillClock())
    assert [report.differences for report in reports if report.table == "tenant_windows"] == [()]


async def test_windows_are_removed_once_what_told_them_is_gone(world: World) -> None:
    await project(world, measured(0), measured(2))

    assert await Pruner(Later()).look(world.eye) == 1
    assert [row["window_start"] for row in await world.rows("tenant_windows", "window_start")] == [at(120)]
