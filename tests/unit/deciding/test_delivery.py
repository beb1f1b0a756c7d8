"""At most once: an attempt that may have begun is never handed out again."""

from datetime import datetime
from typing import Any

import pytest

from schemas.base import Message
from schemas.events.executions import AttemptDispatched, ExecutionFailed, Failure
from schemas.events.jobs import JobExhausted
from schemas.events.results import CancellationReported, FailureReported, SuccessReported
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType
from tests.unit.deciding.kit import TENANT, Dispatching, at, fire, uuid_of
from tests.unit.deciding.test_dispatching import of, success


def running(delivery: str = "at_most_once") -> Dispatching:
    world = Dispatching()
    world.create(delivery=delivery)
    world.turn(9, fire(10, 50))
    world.turn(10)
    return world


def given_up(code: str, started_at: datetime | None) -> FailureReported:
    return FailureReported(
        **IDENTITY,
        started_at=started_at,
        failure=Failure(type=ErrorType.SYSTEM_ERROR, code=code, message="the worker is gone"),
    )


def handed_back(started_at: datetime | None) -> CancellationReported:
    return CancellationReported(**IDENTITY, started_at=started_at)


IDENTITY: dict[str, Any] = {
    "tenant_id": TENANT,
    "execution_id": uuid_of(50),
    "job_id": uuid_of(1),
    "scheduled_for": at(10),
    "attempt": 1,
    "worker_id": "worker-a",
    "at": at(11),
}


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (given_up("WORKER_STOPPED", at(10)), "WORKER_STOPPED"),
        (given_up("LEASE_LOST", at(10)), "LEASE_LOST"),
        (handed_back(at(10)), "HANDED_BACK"),
    ],
)
def test_an_attempt_that_began_and_was_lost_fails(report: Message, code: str) -> None:
    written = running().turn(11, report)
    (failed,) = of(ExecutionFailed, written)
    assert (failed.failure.code, failed.attempt) == (code, 1)
    assert not of(AttemptDispatched, written)


@pytest.mark.parametrize("report", [given_up("WORKER_STOPPED", None), given_up("LEASE_LOST", None), handed_back(None)])
def test_an_attempt_that_its_worker_never_began_is_handed_out_again(report: Message) -> None:
    (dispatched,) = of(AttemptDispatched, running().turn(11, report))
    assert dispatched.attempt == 2


def test_the_last_run_of_a_limited_job_that_is_handed_back_is_handed_out_again() -> None:
    world = Dispatching()
    world.create(max_executions=1)
    world.turn(9, fire(10, 50))
    assert of(JobExhausted, world.turn(10))
    (dispatched,) = of(AttemptDispatched, world.turn(11, handed_back(None)))
    assert dispatched.attempt == 2


@pytest.mark.parametrize("delivery", ["at_most_once", "at_least_once"])
@pytest.mark.parametrize("report", [given_up("WORKER_STOPPED", None), handed_back(None)])
def test_a_fire_that_comes_back_before_its_instant_is_handed_out_for_its_instant_again(
    report: Message, delivery: str
) -> None:
    world = Dispatching()
    world.create(delivery=delivery)
    world.turn(9, fire(10, 50))
    assert of(TaskAssigned, world.turn(9.8))
    (task,) = of(TaskAssigned, [*world.turn(9.85, report), *world.turn(10)])
    assert (task.attempt, task.not_before) == (2, at(10))


def test_an_attempt_whose_worker_fell_silent_fails_and_its_late_success_changes_nothing() -> None:
    world = running()
    world.silent = True
    world.turn(16)
    (failed,) = of(ExecutionFailed, world.turn(22))
    assert failed.failure.code == "WORKER_LOST"
    world.silent = False
    assert [m.TYPE for m in world.turn(23, success(50, 10))] == ["io.horolog.execution.late-result-recorded.v1"]


def test_at_least_once_hands_out_again_what_began_and_was_lost() -> None:
    (dispatched,) = of(AttemptDispatched, running("at_least_once").turn(11, given_up("WORKER_STOPPED", at(10))))
    assert dispatched.attempt == 2


def test_a_success_ends_it_as_ever() -> None:
    report = SuccessReported(**IDENTITY, started_at=at(10))
    assert [m.TYPE for m in running().turn(11, report)] == ["io.horolog.execution.completed.v1"]
