"""What the dispatcher decides, turn by turn."""

from typing import TypeVar

import pytest

from horolog.log.port import Record
from schemas.base import Message
from schemas.commands import CancelExecution, CreateJob, PauseJob, StopJob, UpdateJob
from schemas.events.executions import (
    AttemptDispatched,
    CancellationRequested,
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionSkipped,
    Failure,
    LateResultRecorded,
    Reason,
    RetryScheduled,
)
from schemas.events.jobs import JobExhausted
from schemas.events.owners import CommandAccepted, CommandRejected, RecordRefused
from schemas.events.results import FailureReported, StartReported, SuccessReported
from schemas.events.workers import AttemptRevoked, TaskAssigned
from schemas.jobs import ErrorType
from tests.unit.deciding.kit import HOME, PARTITIONS, START, TENANT, Dispatching, at, command, definition, fire, uuid_of

M = TypeVar("M", bound=Message)


def of(kind: type[M], written: list[Message]) -> list[M]:
    return [message for message in written if isinstance(message, kind)]


def success(number: int, seconds: float, attempt: int = 1) -> SuccessReported:
    return SuccessReported(
        tenant_id=TENANT,
        execution_id=uuid_of(number),
        job_id=uuid_of(1),
        scheduled_for=at(seconds),
        attempt=attempt,
        worker_id="worker-a",
        at=at(seconds),
        started_at=at(seconds),
    )


def failure(number: int, seconds: float, attempt: int) -> FailureReported:
    return FailureReported(
        tenant_id=TENANT,
        execution_id=uuid_of(number),
        job_id=uuid_of(1),
        scheduled_for=at(seconds),
        attempt=attempt,
        worker_id="worker-a",
        at=at(seconds),
        started_at=at(seconds),
        failure=Failure(type=ErrorType.NETWORK_ERROR, code="REFUSED", message="no"),
    )


def beginning(number: int, seconds: float) -> StartReported:
    return StartReported(
        tenant_id=TENANT,
        execution_id=uuid_of(number),
        job_id=uuid_of(1),
        scheduled_for=at(seconds),
        attempt=1,
        worker_id="worker-a",
        at=at(seconds),
        started_at=at(seconds),
    )


def test_a_fire_is_admitted_at_once_and_handed_out_shortly_before_its_instant() -> None:
    world = Dispatching()
    world.create()
    assert of(ExecutionAdmitted, world.turn(9, fire(10, 50)))
    assert not of(TaskAssigned, world.turn(9.7))
    (task,) = of(TaskAssigned, world.turn(9.85))
    assert (task.not_before, task.attempt, task.worker_id) == (at(10), 1, "worker-a")
    assert of(ExecutionCompleted, world.turn(10.1, success(50, 10)))


def test_a_fire_given_twice_is_admitted_once() -> None:
    world = Dispatching()
    world.create()
    assert len(of(ExecutionAdmitted, world.turn(9, fire(10, 50), fire(10, 50)))) == 1


def test_an_overlap_is_judged_at_the_instant_and_names_what_was_in_the_way() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50), fire(11, 51))
    assert not of(ExecutionSkipped, world.turn(10.9))
    (skipped,) = of(ExecutionSkipped, world.turn(11))
    assert (skipped.reason, skipped.blocked_by) == (Reason.OVERLAP, uuid_of(50))


def test_a_fire_of_an_older_schedule_after_the_change_is_void() -> None:
    world = Dispatching()
    world.create()
    change = command(UpdateJob, 2, job_id=uuid_of(1), definition=definition(cron_expression="0 0 0 1 1 *"))
    world.turn(9.5, change)
    assert world.turn(9.6, fire(10, 50, version=1)) == []
    assert of(ExecutionAdmitted, world.turn(9.6, fire(9, 49, version=1)))


def test_a_command_has_one_effect_however_often_it_is_sent() -> None:
    world = Dispatching()
    again = command(CreateJob, 1, job_id=uuid_of(1), definition=definition())
    assert of(CommandAccepted, world.turn(0, again))
    assert world.turn(1, again) == []


def test_a_stale_version_is_rejected() -> None:
    world = Dispatching()
    world.create()
    (rejected,) = world.turn(1, command(PauseJob, 2, job_id=uuid_of(1), expected_version=7))
    assert isinstance(rejected, CommandRejected)
    assert rejected.code == "VERSION_CONFLICT"


def test_a_trigger_while_the_job_runs_is_rejected() -> None:
    world = Dispatching()
    world.create()
    world.trigger(1, 2)
    (rejected,) = world.trigger(2, 3)
    assert isinstance(rejected, CommandRejected)
    assert rejected.code == "JOB_ALREADY_RUNNING"


def test_failures_are_retried_with_growing_delays_until_the_limit() -> None:
    world = Dispatching()
    retry = {"maxRetries": 2, "retryDelayMs": 1000, "exponentialBackoff": True}
    world.create(retry_config=retry)
    world.turn(9, fire(10, 50))
    world.turn(10)
    (first,) = of(RetryScheduled, world.turn(11, failure(50, 11, 1)))
    assert first.retry_at == at(12)
    world.turn(12)
    (second,) = of(RetryScheduled, world.turn(13, failure(50, 13, 2)))
    assert second.retry_at == at(15)
    world.turn(15)
    assert of(ExecutionFailed, world.turn(16, failure(50, 16, 3)))


def test_an_attempt_that_no_beat_names_for_a_lease_is_handed_out_again() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    world.silent = True
    world.turn(16)
    world.beat(21)
    written = world.turn(22)
    world.silent = False
    assert of(AttemptRevoked, written)
    assert of(RetryScheduled, written)
    (dispatched,) = of(AttemptDispatched, world.turn(22.1))
    assert dispatched.attempt == 2
    assert of(LateResultRecorded, world.turn(23, success(50, 10, attempt=1)))
    assert of(ExecutionCompleted, world.turn(24, success(50, 10, attempt=2)))


def test_nothing_is_held_to_be_lost_or_overdue_while_records_wait_to_be_read() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    world.silent = True
    assert [m for second in range(11, 60) for m in world.turn(second, is_behind=True)] == []
    assert of(ExecutionCompleted, world.turn(60, success(50, 10), is_behind=True))
    assert world.turn(61) == []


def test_a_running_execution_is_cancelled_through_its_worker() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    written = world.turn(11, command(CancelExecution, 5, execution_id=uuid_of(50)))
    assert [type(m) for m in written] == [CancellationRequested, AttemptRevoked, CommandAccepted]
    (requested,), (accepted,) = of(CancellationRequested, written), of(CommandAccepted, written)
    assert (accepted.execution_id, accepted.execution_seq) == (requested.execution_id, requested.seq)
    (ended,) = of(ExecutionCancelled, world.turn(12, failure(50, 12, 1)))
    assert ended.reason is Reason.REQUESTED


@pytest.mark.parametrize("began", [True, False], ids=["begun", "not begun"])
def test_a_cancellation_is_answered_once_it_has_reached_the_worker_that_may_yet_begin(began: bool) -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    world.turn(10.5, *([beginning(50, 10.2)] if began else []))
    (accepted,) = of(CommandAccepted, world.turn(11, command(CancelExecution, 5, execution_id=uuid_of(50))))
    assert (accepted.effective_at > at(11)) is not began


def test_a_pause_skips_what_has_not_started() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    (skipped,) = of(ExecutionSkipped, world.turn(9.5, command(PauseJob, 2, job_id=uuid_of(1))))
    assert skipped.reason is Reason.PAUSED
    assert not of(TaskAssigned, world.turn(10.5))


def test_the_last_run_of_a_limited_job_makes_it_inactive() -> None:
    world = Dispatching()
    world.create(max_executions=1)
    world.turn(9, fire(10, 50), fire(11, 51))
    assert of(JobExhausted, world.turn(10))
    world.turn(10.5, success(50, 10))
    (skipped,) = of(ExecutionSkipped, world.turn(11))
    assert skipped.reason is Reason.MAX_EXECUTIONS


def test_stopping_a_job_that_has_become_inactive_by_itself_ends_its_last_run() -> None:
    world = Dispatching()
    world.create(max_executions=1)
    world.turn(9, fire(10, 50))
    assert of(JobExhausted, world.turn(10))
    written = world.turn(11, command(StopJob, 2, job_id=uuid_of(1)))
    (request,), (revoked,) = of(CancellationRequested, written), of(AttemptRevoked, written)
    assert (request.reason, request.execution_id, revoked.execution_id) == (Reason.STOPPED, uuid_of(50), uuid_of(50))
    (accepted,) = of(CommandAccepted, written)
    assert (accepted.job_version, accepted.effective_at > at(11)) == (2, True)


def test_no_more_is_handed_out_than_a_worker_has_room_for() -> None:
    world = Dispatching(capacity=2)
    world.create(max_concurrent=5)
    world.turn(9, *(fire(10, 50 + n) for n in range(4)))
    assert len(of(TaskAssigned, world.turn(10))) == 2
    assert len(of(TaskAssigned, world.turn(11, success(50, 10)))) == 1


def test_a_worker_full_with_what_it_holds_for_other_partitions_gets_this_ones_share_and_no_more() -> None:
    world = Dispatching(capacity=2 * PARTITIONS)
    world.silent = True
    world.create(max_concurrent=5)
    world.beat(9, [(uuid_of(900 + n), 1) for n in range(2 * PARTITIONS)])
    world.turn(9, *(fire(10, 50 + n) for n in range(4)))
    assert len(of(TaskAssigned, world.turn(10))) == 2
    assert len(of(TaskAssigned, world.turn(11, success(50, 10)))) == 1


def test_a_worker_that_takes_nothing_on_has_no_share() -> None:
    world = Dispatching(capacity=0)
    world.create(max_concurrent=5)
    world.turn(9, fire(10, 50))
    assert not of(TaskAssigned, world.turn(10))


def test_what_is_not_a_record_of_ours_goes_to_the_dead_letters() -> None:
    world = Dispatching()
    junk = Record("commands.v1", HOME, 7, b"k", b"\x00not json", (("ce_type", b"x"),), 0)
    written = world.partition.turn([junk], START).outputs
    assert [o.topic for o in written] == ["dlq.v1"]


def test_a_record_in_the_wrong_partition_goes_to_the_dead_letters() -> None:
    world = Dispatching()
    stray = command(CreateJob, 1, tenant_id=uuid_of(99), job_id=uuid_of(1), definition=definition())
    written = world.turn(0, stray)
    assert [type(m) for m in written] == [RecordRefused]
