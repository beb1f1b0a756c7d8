"""The watch's questions to PostgreSQL: which schedules are in force, and of which fires the ledger does not tell."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from horolog.log.port import Place
from projections.connections import open_pool
from projections.queries import PostgresReadModel
from projections.views import OwedFire
from schemas.events.executions import ExecutionMissed, TriggerType
from schemas.events.jobs import JobResumed
from schemas.jobs import JobStatus
from tests.integration.projections.world import World, project
from tests.unit.projections.facts import OTHER_TENANT, START, admitted, at, changed, checkpoint, event, job, uuid_of

LONG_AGO = START - timedelta(days=1)
NOBODY = uuid_of(0)


@pytest.fixture
async def model(world: World) -> AsyncIterator[PostgresReadModel]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresReadModel(pool)
    await pool.close()


def fire(number: int, job_number: int = 1) -> OwedFire:
    return OwedFire(uuid_of(1000 + number), uuid_of(job_number), at(number))


async def test_active_schedules_of_all_tenants_come_in_pages(world: World, model: PostgresReadModel) -> None:
    paused = job(2).model_copy(update={"status": JobStatus.PAUSED})
    gone = job(3).model_copy(update={"deleted": True})
    others = [job(4, tenant=OTHER_TENANT, timezone="Europe/Vienna", end_date=at(9)), job(5)]
    await project(world, *map(changed, [job(1), paused, gone, *others]))
    first = await model.active_schedules(NOBODY, 2)
    assert [one.job_id for one in first] == [uuid_of(1), uuid_of(4)]
    assert (first[1].tenant_id, first[1].timezone, first[1].end_date) == (OTHER_TENANT, "Europe/Vienna", at(9))
    assert [one.job_id for one in await model.active_schedules(uuid_of(4), 2)] == [uuid_of(5)]


async def test_fire_is_accounted_for_by_its_row_or_by_a_range_that_covers_it(
    world: World, model: PostgresReadModel
) -> None:
    missed = event(
        ExecutionMissed,
        20,
        1,
        job_type="function",
        job_version=1,
        missed_until=at(30),
        missed_count=3,
        reason="misfire",
    )
    manual = [admitted(n, trigger_type=TriggerType.MANUAL) for n in range(21, 29)]
    await project(world, changed(job()), admitted(1), missed, *manual)
    asked = [fire(1), fire(2), fire(10), fire(29), fire(30), fire(31), fire(29, job_number=2)]
    found = await model.unaccounted_fires(asked, LONG_AGO)
    assert sorted(found) == sorted(one.fire_id for one in (fire(2), fire(10), fire(31), fire(29)))


async def test_job_resumed_of_late_is_left_out_until_its_past_is_dealt_with(
    world: World, model: PostgresReadModel
) -> None:
    await project(world, changed(job()), changed(job(version=2, seconds=50), JobResumed))
    assert await model.unaccounted_fires([fire(1)], at(49)) == []
    assert await model.unaccounted_fires([fire(1)], at(50)) == [fire(1).fire_id]


async def test_positions_and_owners_inputs_are_told(world: World, model: PostgresReadModel) -> None:
    told = checkpoint(3, partition=2, positions={"job-table.v1": 12})
    await project(world, changed(job()), told)
    (owner,) = await model.owners()
    assert (owner.positions, owner.zone_data) == ({"job-table.v1": 12}, [])
    positions = await model.positions()
    assert positions[Place("checkpoints.v1", 2)] == 1
    assert set(positions.values()) == {0, 1}
