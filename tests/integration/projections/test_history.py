"""The past of jobs in PostgreSQL: versions, jobs as they were, and the schedules that were in force."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from projections.connections import open_pool
from projections.history import PostgresHistory
from schemas.events.executions import AttemptStarted, ExecutionSkipped, Reason, TriggerType
from schemas.events.jobs import JobChanged, JobCreated, JobDeleted, JobPaused, JobResumed, JobUpdated
from schemas.jobs import Job, JobStatus, JobType
from tests.integration.projections.world import World, project
from tests.unit.projections.facts import OTHER_TENANT, TENANT, admitted, at, changed, event, job, uuid_of

JOB = uuid_of(1)


@pytest.fixture
async def history(world: World) -> AsyncIterator[PostgresHistory]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresHistory(pool)
    await pool.close()


def step(version: int, seconds: float, kind: type[JobChanged], schedule: int, **fields: Any) -> JobChanged:
    """One version: `state` and `deleted` are the job's, everything else its definition's."""
    state, deleted = fields.pop("state", JobStatus.ACTIVE), fields.pop("deleted", False)
    made: Job = job(1, version, seconds=seconds, **fields)
    changes = {"status": state, "deleted": deleted, "schedule_version": schedule}
    return changed(made.model_copy(update=changes), kind, reason=f"step {version}")


LIFE = [
    step(1, 10, JobCreated, 1),
    step(2, 20, JobUpdated, 1, name="renamed"),
    step(3, 30, JobPaused, 2, name="renamed", state=JobStatus.PAUSED),
    step(4, 40, JobResumed, 3, name="renamed"),
    step(5, 50, JobUpdated, 4, name="renamed", cron_expression="0 30 * * * *", end_date=at(5000)),
    step(6, 60, JobDeleted, 5, name="renamed", state=JobStatus.INACTIVE, deleted=True),
]
_EFFECTIVE = {1: 10, 2: 30, 3: 40, 4: 50, 5: 60}


def life() -> list[JobChanged]:
    """The changes, each schedule in force from the change that brought it."""
    return [
        change.model_copy(
            update={
                "job": change.job.model_copy(update={"effective_from": at(_EFFECTIVE[change.job.schedule_version])})
            }
        )
        for change in LIFE
    ]


def started(number: int) -> AttemptStarted:
    return event(AttemptStarted, number, 2, attempt=1, worker_id="w", started_at=at(number))


async def test_versions_come_newest_first_and_page_by_page(world: World, history: PostgresHistory) -> None:
    await project(world, *life())
    page = await history.versions(TENANT, JOB, None, 4)
    assert [version.job.version for version in page] == [6, 5, 4, 3]
    rest = await history.versions(TENANT, JOB, 3, 4)
    assert [(v.job.version, v.at, v.until, v.reason) for v in rest] == [
        (2, at(20), at(30), "step 2"),
        (1, at(10), at(20), "step 1"),
    ]
    assert [version.job for version in (*page, *rest)] == [change.job for change in reversed(life())]
    assert await history.versions(OTHER_TENANT, JOB, None, 4) == []


@pytest.mark.parametrize(("seconds", "version"), [(9.9, None), (10, 1), (29.9, 2), (30, 3), (59, 5), (60, None)])
async def test_a_job_is_as_it_was(world: World, history: PostgresHistory, seconds: float, version: int | None) -> None:
    await project(world, *life())
    found = await history.job(TENANT, JOB, at(seconds))
    assert (found and found.version) == version
    assert await history.job(OTHER_TENANT, JOB, at(seconds)) is None
    if found is not None:
        then = next(change.job for change in life() if change.job.version == version)
        assert (found.id, found.tenant_id, found.status) == (JOB, TENANT, then.status.value)
        assert (found.definition, found.name) == (then.definition.to_dict(), then.definition.name)
        assert (found.schedule_version, found.effective_from) == (then.schedule_version, then.effective_from)
        assert (found.created_by, found.created_at, found.updated_at) == (
            then.created_by,
            then.created_at,
            then.updated_at,
        )


async def test_executions_are_counted_up_to_the_instant(world: World, history: PostgresHistory) -> None:
    begun = [message for number in (1, 2, 3) for message in (admitted(number), started(number))]
    fields: dict[str, Any] = {"trigger_type": TriggerType.SCHEDULED, "job_version": 1, "job_type": JobType.FUNCTION}
    skipped = event(ExecutionSkipped, 4, 1, reason=Reason.OVERLAP, **fields)
    await project(world, changed(job(1, 1)), *begun, skipped)
    seen = list[tuple[int, datetime | None]]()
    for seconds in (0.5, 1, 2.5, 9):
        found = await history.job(TENANT, JOB, at(seconds))
        assert found is not None
        seen.append((found.execution_count, found.last_execution_at))
    assert seen == [(0, None), (1, at(1)), (2, at(2)), (3, at(3))]


async def test_schedules_are_those_that_owe_within_the_window(world: World, history: PostgresHistory) -> None:
    await project(world, *life())

    async def spans(start: float, end: float, limit: int = 9) -> list[tuple[datetime, datetime | None]]:
        found = await history.schedules(TENANT, JOB, at(start), at(end), limit)
        return [(span.after, span.until) for span in found]

    first, second, third = (at(10), at(30)), (at(40), at(50)), (at(50), at(60))
    assert await spans(0, 100) == [first, second, third]
    assert await spans(0, 100, 2) == [first, second]
    assert await spans(0, 10) == []
    assert await spans(25, 35) == [first]
    assert await spans(30, 40) == [first]
    assert await spans(31, 40) == []
    assert await spans(45, 60) == [second, third]
    assert await spans(61, 90) == []
    (last,) = await history.schedules(TENANT, JOB, at(55), at(99), 9)
    assert (last.cron_expression, last.timezone, last.start_date, last.end_date) == (
        "0 30 * * * *",
        "UTC",
        None,
        at(5000),
    )
    assert await history.schedules(OTHER_TENANT, JOB, at(0), at(99), 9) == []
