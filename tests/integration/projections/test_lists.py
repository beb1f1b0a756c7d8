"""The lists of the API: newest first, page by page, filtered, and never of another tenant."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from projections.connections import open_pool
from projections.queries import PostgresReadModel
from projections.views import Cursor, ExecutionFilter, ExecutionView, JobFilter, JobView
from schemas.base import Message
from schemas.events.executions import AttemptStarted, ExecutionMissed
from schemas.events.jobs import JobDeleted, JobPaused
from schemas.jobs import HttpConfig, JobStatus, JobType
from tests.integration.projections.world import World, project
from tests.unit.projections.facts import OTHER_TENANT, TENANT, admitted, at, changed, event, job, uuid_of

ALL_JOBS, ALL_EXECUTIONS = JobFilter(), ExecutionFilter()
WEB: dict[str, Any] = {"job_type": JobType.HTTP, "config": HttpConfig(url="http://a", method="GET")}


@dataclass(frozen=True, slots=True)
class Lists:
    """The read model, and the world behind it."""

    world: World
    read_model: PostgresReadModel

    async def jobs(self, where: JobFilter = ALL_JOBS, tenant: str = TENANT) -> list[str]:
        return [view.name for view in await self.read_model.jobs(tenant, where, None, 100)]

    async def executions(self, where: ExecutionFilter = ALL_EXECUTIONS, tenant: str = TENANT) -> list[int]:
        return [_number(view) for view in await self.read_model.executions(tenant, where, None, 100)]


@pytest.fixture
async def lists(world: World) -> AsyncIterator[Lists]:
    pool = await open_pool(world.dsn, 2)
    yield Lists(world, PostgresReadModel(pool))
    await pool.close()


def _number(view: ExecutionView) -> int:
    return int(view.execution_id[:8], 16) - 1000


def theirs(number: int, scheduled_for: datetime) -> Message:
    fields = {"tenant_id": OTHER_TENANT, "job_id": uuid_of(90), "scheduled_for": scheduled_for}
    return admitted(number, **fields)


async def paged_jobs(lists: Lists, limit: int, between: Sequence[Message] = ()) -> list[str]:
    """Every page, with something written after the first."""
    found: list[JobView] = list(await lists.read_model.jobs(TENANT, ALL_JOBS, None, limit))
    await project(lists.world, *between)
    page: Sequence[JobView] = found
    while page:
        page = await lists.read_model.jobs(TENANT, ALL_JOBS, Cursor(found[-1].created_at, found[-1].id), limit)
        found += page
    return [view.name for view in found]


async def paged_executions(lists: Lists, limit: int, between: Sequence[Message] = ()) -> list[int]:
    found = list(await lists.read_model.executions(TENANT, ALL_EXECUTIONS, None, limit))
    await project(lists.world, *between)
    page: Sequence[ExecutionView] = found
    while page:
        cursor = Cursor(found[-1].scheduled_at, found[-1].execution_id)
        page = await lists.read_model.executions(TENANT, ALL_EXECUTIONS, cursor, limit)
        found += page
    return [_number(view) for view in found]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_of_jobs_join_without_a_gap_though_jobs_are_added(lists: Lists, limit: int) -> None:
    await project(lists.world, *(changed(job(number)) for number in range(1, 8)))
    newer = [changed(job(number)) for number in (8, 9)]
    assert await paged_jobs(lists, limit, newer) == [f"job {number}" for number in range(7, 0, -1)]


async def test_jobs_created_at_the_same_instant_are_ordered_by_id_and_none_is_lost(lists: Lists) -> None:
    same = [job(number).model_copy(update={"created_at": at(0)}) for number in (3, 1, 2, 5, 4)]
    await project(lists.world, *map(changed, same))
    assert await paged_jobs(lists, 2) == [f"job {number}" for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_pages_of_executions_join_though_some_are_added_and_others_change(lists: Lists, limit: int) -> None:
    await project(lists.world, *(admitted(number) for number in range(1, 8)))
    between = [
        admitted(8),
        event(AttemptStarted, 3, 2, attempt=1, worker_id="w", started_at=at(3)),
        event(AttemptStarted, 7, 2, attempt=1, worker_id="w", started_at=at(7)),
    ]
    assert await paged_executions(lists, limit, between) == [7, 6, 5, 4, 3, 2, 1]


async def test_executions_of_one_instant_are_ordered_by_id_and_none_is_lost(lists: Lists) -> None:
    one = {"scheduled_for": at(0), "trigger_type": "manual"}
    await project(lists.world, *(admitted(number, **one) for number in (3, 1, 2, 5, 4)))
    assert await paged_executions(lists, 2) == [5, 4, 3, 2, 1]


async def test_pages_go_on_over_the_turn_of_a_month(lists: Lists) -> None:
    months = [at(0).replace(month=month) for month in (1, 2, 3)]
    await project(lists.world, *(admitted(n, scheduled_for=instant) for n, instant in enumerate(months)))
    assert await paged_executions(lists, 1) == [2, 1, 0]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (JobFilter(), [4, 3, 2, 1]),
        (JobFilter(status="paused"), [2]),
        (JobFilter(status="inactive"), []),
        (JobFilter(job_type="http"), [3]),
        (JobFilter(tag="red"), [3, 1]),
        (JobFilter(tag="re"), []),
        (JobFilter(text="REPORT"), [4]),
        (JobFilter(text="50%"), [4]),
        (JobFilter(text="_"), [3]),
        (JobFilter(text="\\"), [2]),
        (JobFilter(status="active", job_type="http", tag="red", text="b_"), [3]),
        (JobFilter(status="paused", tag="red"), []),
    ],
)
async def test_jobs_are_filtered_by_all_that_is_given(lists: Lists, where: JobFilter, expected: list[int]) -> None:
    paused = job(2, version=2, name="c\\d").model_copy(update={"status": JobStatus.PAUSED})
    gone = job(5, version=2, tags=("red",)).model_copy(update={"deleted": True})
    told = [
        changed(job(1, name="a", tags=("red", "blue"))),
        changed(paused, JobPaused),
        changed(job(3, name="b_c", tags=("red",), **WEB)),
        changed(job(4, name="Report 50% done")),
        changed(gone, JobDeleted),
    ]
    await project(lists.world, *told)
    found = await lists.read_model.jobs(TENANT, where, None, 100)
    assert [int(view.id[:8], 16) for view in found] == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ExecutionFilter(), [5, 4, 3, 2, 1]),
        (ExecutionFilter(status="running"), [2]),
        (ExecutionFilter(status="missed"), [5]),
        (ExecutionFilter(job_id=uuid_of(2)), [4]),
        (ExecutionFilter(job_id=uuid_of(99)), []),
        (ExecutionFilter(tag="red"), [4]),
        (ExecutionFilter(trigger_type="manual"), [3]),
        (ExecutionFilter(scheduled_from=at(2)), [5, 4, 3, 2]),
        (ExecutionFilter(scheduled_to=at(2)), [1]),
        (ExecutionFilter(scheduled_from=at(2), scheduled_to=at(4)), [3, 2]),
        (ExecutionFilter(status="pending", scheduled_from=at(2), tag="red", job_id=uuid_of(2)), [4]),
        (ExecutionFilter(status="running", trigger_type="manual"), []),
    ],
)
async def test_executions_are_filtered_by_all_that_is_given(
    lists: Lists, where: ExecutionFilter, expected: list[int]
) -> None:
    missed = {"job_version": 1, "job_type": "function", "missed_until": at(9), "missed_count": 2}
    told = [
        changed(job(1)),
        changed(job(2, tags=("red",))),
        *(admitted(1), admitted(2), admitted(3, trigger_type="manual"), admitted(4, job_id=uuid_of(2))),
        event(AttemptStarted, 2, 2, attempt=1, worker_id="w", started_at=at(2)),
        event(ExecutionMissed, 5, 1, 0, **missed),
    ]
    await project(lists.world, *told)
    assert await lists.executions(where) == expected


async def test_lists_and_single_reads_never_show_another_tenant(lists: Lists) -> None:
    told = [changed(job(1)), admitted(1), changed(job(90, tenant=OTHER_TENANT)), theirs(2, at(2))]
    await project(lists.world, *told)
    model, their_execution = lists.read_model, uuid_of(1002)
    assert (await lists.jobs(), await lists.jobs(tenant=OTHER_TENANT)) == (["job 1"], ["job 90"])
    assert (await lists.executions(), await lists.executions(tenant=OTHER_TENANT)) == ([1], [2])
    assert await lists.executions(ExecutionFilter(job_id=uuid_of(90))) == []
    assert await model.job(TENANT, uuid_of(90)) is None
    assert await model.execution(TENANT, their_execution) is None
    assert await model.running_executions(TENANT, uuid_of(90), 10) == []
    assert await model.execution(OTHER_TENANT, their_execution) is not None


async def test_deleted_job_is_not_shown_but_its_executions_are(lists: Lists) -> None:
    gone = job(version=2).model_copy(update={"deleted": True})
    await project(lists.world, changed(job(tags=("red",))), admitted(), changed(gone, JobDeleted))
    assert await lists.read_model.job(TENANT, uuid_of(1)) is None
    assert await lists.jobs() == []
    assert await lists.executions(ExecutionFilter(job_id=uuid_of(1))) == [1]


async def test_limit_is_the_most_that_is_returned(lists: Lists) -> None:
    await project(lists.world, *(admitted(number) for number in range(1, 6)))
    assert len(await lists.read_model.executions(TENANT, ALL_EXECUTIONS, None, 3)) == 3
    assert await lists.read_model.running_executions(TENANT, uuid_of(1), 2) == [uuid_of(1001), uuid_of(1002)]
