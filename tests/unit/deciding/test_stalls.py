"""A dispatcher that has stalled has not listened either: what it did not hear proves nothing."""

from horolog.limits import DEAF_S, LEASE_S
from schemas.events.executions import ExecutionCompleted, RetryScheduled
from schemas.events.workers import WorkerBeat, WorkerState
from tests.unit.deciding.kit import START, Dispatching, at, fire
from tests.unit.deciding.test_dispatching import of, success


def handed_out() -> Dispatching:
    """One attempt is in the hands of a worker that is never heard again."""
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    world.silent = True
    return world


def test_a_stall_longer_than_a_lease_loses_no_attempt() -> None:
    world = handed_out()
    assert of(RetryScheduled, world.turn(10 + LEASE_S + 5)) == []


def test_an_attempt_that_stays_unheard_after_a_stall_is_lost_a_lease_later() -> None:
    world = handed_out()
    resumed_at = 10 + LEASE_S + 5
    written = [m for second in range(int(LEASE_S) + 2) for m in world.turn(resumed_at + second)]
    assert len(of(RetryScheduled, written)) == 1


def test_turns_that_follow_each_other_renew_nothing() -> None:
    world = handed_out()
    written = [m for number in range(1, 4) for m in world.turn(10 + number * (DEAF_S - 0.1))]
    assert len(of(RetryScheduled, written)) == 1


def test_a_workers_last_word_leaves_time_to_read_its_last_reports() -> None:
    world = handed_out()
    stopped = WorkerBeat(
        worker_id="worker-a", inbox=3, state=WorkerState.STOPPED, capacity=10, started_at=START, at=at(11)
    )
    world.partition.note_beat(stopped, at(11))
    assert of(RetryScheduled, world.turn(12)) == []
    assert of(ExecutionCompleted, world.turn(13, success(50, 10)))
