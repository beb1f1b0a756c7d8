"""What is asked within tags is answered from jobs that carry one of them, deleted ones by their last tags."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from projections.connections import open_pool
from projections.queries import PostgresReadModel
from projections.views import ExecutionFilter, JobFilter
from schemas.events.jobs import JobDeleted, JobUpdated
from services.api.narrowing import NarrowReadModel
from tests.integration.projections.world import World, project
from tests.unit.projections.facts import OTHER_TENANT, START, TENANT, admitted, changed, job, uuid_of

WITHIN = ("red", "blue")
IDS = [uuid_of(number) for number in range(1, 6)]


@pytest.fixture
async def model(world: World) -> AsyncIterator[PostgresReadModel]:
    """Jobs 1 (red), 2 (green), 3 (blue, green; deleted), 4 (no tags) and 5 (red, another tenant's), each run once."""
    gone = job(3, version=2, tags=("blue", "green")).model_copy(update={"deleted": True})
    told = [
        changed(job(1, tags=("red",))),
        changed(job(2, tags=("green",))),
        changed(job(3, tags=("blue", "green"))),
        changed(gone, JobDeleted),
        changed(job(4)),
        changed(job(5, tenant=OTHER_TENANT, tags=("red",))),
    ]
    await project(world, *told, *(admitted(number, job_id=uuid_of(number)) for number in range(1, 5)))
    pool = await open_pool(world.dsn, 2)
    yield PostgresReadModel(pool)
    await pool.close()


async def test_lists_hold_only_jobs_with_one_of_the_tags(model: PostgresReadModel) -> None:
    jobs = await model.jobs(TENANT, JobFilter(within=WITHIN), None, 100)
    executions = await model.executions(TENANT, ExecutionFilter(within=WITHIN), None, 100)
    assert [one.name for one in jobs] == ["job 1"]
    assert [one.job_id for one in executions] == [uuid_of(3), uuid_of(1)]
    both = await model.jobs(TENANT, JobFilter(tag="green", within=WITHIN), None, 100)
    assert both == []


async def test_jobs_are_told_apart_by_their_tags_deleted_ones_too(model: PostgresReadModel) -> None:
    assert sorted(await model.jobs_within(TENANT, IDS, WITHIN)) == [uuid_of(1), uuid_of(3)]
    assert await model.jobs_within(OTHER_TENANT, IDS, WITHIN) == [uuid_of(5)]
    assert await model.jobs_within(TENANT, ["nonsense"], WITHIN) == []


async def test_sums_are_over_jobs_with_one_of_the_tags(model: PostgresReadModel) -> None:
    tomorrow = START + timedelta(days=1)
    assert (await model.statistics(TENANT, None, START, tomorrow)).total == 4
    assert (await model.statistics(TENANT, None, START, tomorrow, WITHIN)).total == 2
    assert (await model.statistics(TENANT, uuid_of(2), START, tomorrow, WITHIN)).total == 0
    assert sum((await model.daily_counts(TENANT, START.date(), WITHIN)).values()) == 2


async def test_present_tags_decide(world: World, model: PostgresReadModel) -> None:
    narrow = NarrowReadModel(model, WITHIN)
    assert await narrow.job(TENANT, uuid_of(1)) is not None
    assert await narrow.execution(TENANT, uuid_of(1001)) is not None
    assert await narrow.execution(TENANT, uuid_of(1003)) is not None
    assert await narrow.execution(TENANT, uuid_of(1002)) is None
    await project(world, changed(job(1, version=2, tags=("green",)), JobUpdated))
    assert await narrow.job(TENANT, uuid_of(1)) is None
    assert await narrow.execution(TENANT, uuid_of(1001)) is None
