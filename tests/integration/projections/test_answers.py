"""What the API is told of statistics, queues, workers, owners and outcomes."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from projections.connections import open_pool
from projections.queries import PostgresReadModel
from projections.views import OutcomeView, QueueView, ReadModelUnavailable
from schemas.events.executions import AttemptStarted, ExecutionCompleted, ExecutionFailed, RetryScheduled
from schemas.events.jobs import JobPaused, JobUpdated
from schemas.events.owners import CommandRejected, WorkerSetAside
from schemas.events.workers import Resource, Stall
from schemas.jobs import JobStatus
from tests.integration.projections.world import World, project
from tests.unit.projections.facts import (
    FAILURE,
    OTHER_TENANT,
    START,
    TENANT,
    accepted,
    admitted,
    at,
    beat,
    changed,
    checkpoint,
    event,
    job,
    uuid_of,
)

TOMORROW = START + timedelta(days=1)
BOUNDED = (Resource.MEMORY, Resource.CPU)
THEIRS = {"tenant_id": OTHER_TENANT, "job_id": uuid_of(90)}


@pytest.fixture
async def model(world: World) -> AsyncIterator[PostgresReadModel]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresReadModel(pool)
    await pool.close()


def ran(number: int, duration_s: float) -> ExecutionCompleted:
    over = {"started_at": at(number), "completed_at": at(number + duration_s)}
    return event(ExecutionCompleted, number, 2, 0, attempt=1, worker_id="w", **over)


def failed(number: int, attempt: int) -> ExecutionFailed:
    return event(ExecutionFailed, number, 2, 0, attempt=attempt, completed_at=at(number + 1), failure=FAILURE)


async def test_statistics_count_what_is_in_the_range_of_one_tenant(world: World, model: PostgresReadModel) -> None:
    told = [*(admitted(n) for n in range(1, 6)), ran(1, 1), ran(2, 2), ran(3, 3), failed(4, 2)]
    await project(world, *told, admitted(6, **THEIRS), admitted(7, scheduled_for=TOMORROW))
    view = await model.statistics(TENANT, None, START, TOMORROW)
    assert (view.total, view.by_status) == (5, {"completed": 3, "failed": 1, "pending": 1})
    assert (view.average_duration_ms, view.p50_duration_ms, view.p95_duration_ms) == (2000, 2000, 2900)
    assert (view.timeout_count, view.retried_count, view.failures_by_type) == (1, 1, {"TIMEOUT": 1})
    assert (await model.statistics(TENANT, uuid_of(2), START, TOMORROW)).total == 0
    assert await model.daily_counts(TENANT, date(2026, 3, 2)) == {"pending": 1}


async def test_statistics_of_nothing_are_zeros(model: PostgresReadModel) -> None:
    view = await model.statistics(TENANT, None, START, TOMORROW)
    assert (view.total, view.by_status, view.average_duration_ms, view.failures_by_type) == (0, {}, None, {})


async def test_queue_tells_the_waiting_the_delayed_and_the_running_apart(
    world: World, model: PostgresReadModel
) -> None:
    retry = {"attempt": 1, "completed_at": at(4), "failure": FAILURE, "retry_at": at(60)}
    await project(
        world,
        *(admitted(n) for n in range(1, 5)),
        event(AttemptStarted, 1, 2, attempt=1, worker_id="w", started_at=at(1)),
        event(RetryScheduled, 2, 2, 0, **retry),
        ran(3, 1),
        admitted(9, **THEIRS),
    )
    assert await model.queue(TENANT) == QueueView(1, 1, 1, at(2))
    assert await model.queue(None) == QueueView(2, 1, 1, at(2))
    assert await model.running_executions(TENANT, uuid_of(1), 10) == [uuid_of(1001), uuid_of(1002), uuid_of(1004)]


async def test_jobs_are_counted_by_status_without_the_deleted(world: World, model: PostgresReadModel) -> None:
    paused = job(2).model_copy(update={"status": JobStatus.PAUSED})
    gone = job(3).model_copy(update={"deleted": True})
    await project(world, changed(job(1)), changed(paused), changed(gone), changed(job(90, tenant=OTHER_TENANT)))
    assert await model.job_counts(TENANT) == {"active": 1, "paused": 1}
    assert await model.job_counts(None) == {"active": 2, "paused": 1}


async def test_job_and_execution_are_told_as_the_facts_have_them(world: World, model: PostgresReadModel) -> None:
    definition: dict[str, Any] = {"tags": ("a",), "description": "Grüße", "priority": 3}
    await project(world, changed(job(**definition)), changed(job(version=2, **definition), JobUpdated))
    await project(world, admitted(1, triggered_by="user:1"), ran(1, 1.5))
    view, execution = await model.job(TENANT, uuid_of(1)), await model.execution(TENANT, uuid_of(1001))
    assert view is not None
    assert (view.version, view.status, view.execution_count, view.last_execution_at) == (2, "active", 1, at(1))
    assert view.definition == job(**definition).definition.to_dict()
    assert execution is not None
    assert (execution.status, execution.duration_ms, execution.retry_count) == ("completed", 1500, 0)
    assert (execution.triggered_by, execution.started_at, execution.progress) == ("user:1", at(1), 100)


async def test_workers_heard_of_lately_are_listed_by_name(world: World, model: PostgresReadModel) -> None:
    told: dict[str, Any] = {"control_groups": BOUNDED, "functions": ("billing.close_month",)}
    await project(world, beat("b", 5), beat("a", 6, host="here", pid=7, **told), beat("gone", 1))
    found = await model.workers(at(1))
    assert [(worker.worker_id, worker.host, worker.last_beat_at) for worker in found] == [
        ("a", "here", at(6)),
        ("b", "", at(5)),
    ]
    assert [worker.control_groups for worker in found] == [list(BOUNDED), []]
    assert [worker.functions for worker in found] == [["billing.close_month"], None]


async def test_workers_are_told_with_the_partitions_that_hand_them_nothing(
    world: World, model: PostgresReadModel
) -> None:
    aside = WorkerSetAside(worker_id="a", stall=Stall.STARTS_NOTHING)
    by_two = [checkpoint(1, role="dispatcher", partition=partition, set_aside=(aside,)) for partition in (2, 1)]
    await project(world, beat("a", 5), beat("b", 5), *by_two, checkpoint(1, partition=3))
    assert {worker.worker_id: worker.set_aside for worker in await model.workers(at(0))} == {
        "a": [{"partition": 1, "stall": "starts_nothing"}, {"partition": 2, "stall": "starts_nothing"}],
        "b": [],
    }
    await project(world, checkpoint(1, 1, role="dispatcher", partition=1))
    (left, _) = await model.workers(at(0))
    assert left.set_aside == [{"partition": 2, "stall": "starts_nothing"}]


async def test_owners_are_listed_by_role_and_partition(world: World, model: PostgresReadModel) -> None:
    await project(world, checkpoint(1, partition=2), checkpoint(4, partition=1), checkpoint(2, role="dispatcher"))
    found = [(owner.role, owner.partition, owner.epoch) for owner in await model.owners()]
    assert found == sorted(found)
    assert ("ticker", 1, 4) in found


def visibility(outcomes: list[OutcomeView]) -> dict[str, bool]:
    return {outcome.command_id: outcome.visible for outcome in outcomes}


async def test_outcome_is_visible_once_all_that_it_speaks_of_is(world: World, model: PostgresReadModel) -> None:
    created, updated, triggered, rejected, unknown = (uuid_of(number) for number in range(1, 6))
    refusal = CommandRejected(tenant_id=TENANT, command_id=rejected, at=START, code="NO", message="no")
    outcomes = [
        accepted(1, job_id=uuid_of(1), job_version=1),
        accepted(2, job_id=uuid_of(1), job_version=2),
        accepted(3, job_id=uuid_of(1), execution_id=uuid_of(1001)),
        refusal,
    ]
    asked = [created, updated, triggered, rejected, unknown]
    await project(world, *outcomes)
    hidden = visibility(list(await model.outcomes(asked)))
    assert hidden == {created: False, updated: False, triggered: False, rejected: True}
    await project(world, changed(job()))
    assert visibility(list(await model.outcomes(asked))) == {**hidden, created: True}
    await project(world, admitted(), changed(job(version=2), JobPaused))
    assert all(visibility(list(await model.outcomes(asked))).values())


async def test_outcome_waits_for_the_very_event_that_its_command_brought_about(
    world: World, model: PostgresReadModel
) -> None:
    cancel = uuid_of(9)
    await project(world, changed(job()), admitted(), accepted(9, execution_id=uuid_of(1001), execution_seq=2))
    assert visibility(list(await model.outcomes([cancel]))) == {cancel: False}
    await project(world, ran(1, 1.5))
    assert visibility(list(await model.outcomes([cancel]))) == {cancel: True}


async def test_database_that_is_gone_is_reported_as_gone(world: World) -> None:
    pool = await open_pool(world.dsn, 1)
    model = PostgresReadModel(pool)
    await model.ping()
    await pool.close()
    with pytest.raises(ReadModelUnavailable):
        await model.owners()


async def test_question_with_an_argument_that_is_none_is_no_outage(model: PostgresReadModel) -> None:
    with pytest.raises(asyncpg.DataError):
        await model.job(TENANT, "not an id")
