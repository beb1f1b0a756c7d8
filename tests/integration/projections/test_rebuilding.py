"""Dropping the read models and applying the log again gives the rows that were there."""

import pytest

from horolog.log.port import Outgoing
from projections.rebuild import rebuild, rebuild_copy
from schemas.events.executions import (
    AttemptStarted,
    ExecutionCompleted,
    ExecutionSkipped,
    LateResultRecorded,
    RetryScheduled,
)
from schemas.events.jobs import JobDeleted, JobUpdated
from tests.integration.projections.world import StillClock, World, applying, catch_up, project
from tests.unit.projections.facts import (
    FAILURE,
    OTHER_TENANT,
    accepted,
    admitted,
    at,
    beat,
    changed,
    checkpoint,
    event,
    job,
    measured,
    outgoing,
    tenant_created,
    uuid_of,
)

WHY = {"trigger_type": "scheduled", "job_version": 1, "job_type": "function", "reason": "overlap"}
OVER = {"attempt": 1, "worker_id": "w", "started_at": at(1), "completed_at": at(2)}
STEPS = (
    [admitted(), changed(job(), command=1)],
    [event(AttemptStarted, 1, 2, attempt=1, worker_id="w", started_at=at(1)), admitted(2), beat(), checkpoint(1)],
    [event(RetryScheduled, 1, 3, 0, **OVER, failure=FAILURE, retry_at=at(3)), accepted(1, job_id=uuid_of(1))],
    [changed(job(version=2, seconds=4, name="two"), JobUpdated), event(ExecutionSkipped, 2, 2, 0, **WHY)],
    [event(ExecutionCompleted, 1, 4, 0, **{**OVER, "attempt": 2}, result={"z": 1, "a": [2]}), beat(seconds=5)],
    [changed(job(2, tenant=OTHER_TENANT)), accepted(2, OTHER_TENANT), checkpoint(2, role="dispatcher")],
    [tenant_created(), measured(), event(LateResultRecorded, 1, 0, attempt=1, worker_id="w", reported="success")],
    [changed(job(version=3, seconds=8).model_copy(update={"deleted": True}), JobDeleted)],
)
POISON = Outgoing("jobs.v1", 0, b"key", b"{", ())


async def live_through(world: World) -> None:
    """Every step by an applier of its own, as it happens; one poisonous record among them."""
    for step in STEPS:
        await project(world, *step)
    await world.log.append([POISON])
    await project(world)


async def test_rebuilding_in_place_gives_the_same_rows(world: World) -> None:
    await live_through(world)
    live = await world.snapshot()
    assert all(live.values()), "each table has something to lose"
    await rebuild(world.log, world.dsn, StillClock())
    assert await world.snapshot() == live


async def test_copy_beside_the_live_rows_equals_them(world: World) -> None:
    await live_through(world)
    live = await world.snapshot()
    for _ in range(2):
        await rebuild_copy(world.log, world.dsn, StillClock(), "second look")
    assert await world.snapshot('"second look"') == live
    assert await world.snapshot() == live


async def test_copy_shows_a_row_that_is_wrong(world: World) -> None:
    await live_through(world)
    await world.eye.execute("update job_executions set result = '1' where id = $1", admitted().execution_id)
    await rebuild_copy(world.log, world.dsn, StillClock(), "copy")
    assert (await world.snapshot("copy"))["job_executions"] != (await world.snapshot())["job_executions"]


async def test_rebuilding_tells_no_letter_again(world: World) -> None:
    await live_through(world)
    await rebuild(world.log, world.dsn, StillClock())
    await rebuild_copy(world.log, world.dsn, StillClock(), "copy")
    assert len(await world.letters()) == 1


async def test_rebuilding_goes_as_far_as_the_live_rows_and_the_projector_further(world: World) -> None:
    await live_through(world)
    live = await world.snapshot()
    await world.write(admitted(7))
    await world.log.append([POISON])
    await rebuild(world.log, world.dsn, StillClock())
    assert await world.snapshot() == live
    await project(world)
    assert admitted(7).execution_id in [row["id"] for row in await world.rows("job_executions", "id::text")]
    assert len(await world.letters()) == 2


async def test_projector_goes_on_where_the_rebuilding_ended(world: World) -> None:
    await live_through(world)
    await rebuild(world.log, world.dsn, StillClock())
    await project(world, admitted(8))
    assert len(await world.rows("job_executions")) == 3


async def test_deleted_job_keeps_its_executions_versions_and_audit_trail(world: World) -> None:
    await live_through(world)
    assert len(await world.rows("job_executions", "id")) == 2
    versions = await world.rows("job_versions", "version, valid_from, valid_to, change")
    ours = sorted((v["version"], v["valid_to"]) for v in versions if v["valid_from"] != at(0) or v["valid_to"])
    assert ours == [(1, at(4)), (2, at(8)), (3, None)]
    assert JobDeleted.TYPE in [row["action"] for row in await world.rows("audit_chain", "action")]


@pytest.mark.parametrize("kept", range(1, 4))
async def test_execution_whose_earlier_events_are_gone_ends_like_any_other(world: World, kept: int) -> None:
    told = [
        admitted(),
        event(AttemptStarted, 1, 2, attempt=1, worker_id="w", started_at=at(1)),
        event(ExecutionCompleted, 1, 3, 0, **OVER),
    ]
    await world.log.append([outgoing(changed(job())), *map(outgoing, told[-kept:])])
    async with applying(world) as applier:
        await catch_up(world, applier)
    assert await world.row("job_executions", "status, attempt, worker_id, started_at, completed_at") == (
        "completed",
        1,
        "w",
        at(1),
        at(2),
    )
    assert await world.row("scheduled_jobs", "execution_count") == (1,)
