"""A worker that beats but takes or starts nothing gets nothing more; one that merely may look so is left in peace."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.base import Message
from schemas.commands import CancelExecution
from schemas.events.executions import AttemptDispatched, AttemptStarted, ExecutionFailed, RetryScheduled
from schemas.events.results import CancellationReported, StartReported
from schemas.events.workers import AttemptRevoked, HeldAttempt, Stall, TaskAssigned, WorkerBeat, WorkerState
from services.dispatcher.worker_slot import WorkerSlot
from tests.unit.deciding.kit import START, TENANT, Dispatching, at, command, fire, uuid_of
from tests.unit.deciding.test_dispatching import of, success

A, B = "worker-a", "worker-b"


class Pair(Dispatching):
    """Two workers whose beats the test writes; the first is the less loaded one until it holds something."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = True

    def hear(self, worker_id: str, seconds: float, *held: tuple[int, int], late: float = 0.0, **fields: Any) -> None:
        """A beat sent then, and heard so much later."""
        common = {"inbox": 3, "state": WorkerState.READY, "capacity": 10, "prefetch": 5, "started_at": START}
        names = tuple(HeldAttempt(execution_id=uuid_of(number), attempt=attempt) for number, attempt in held)
        beat = WorkerBeat.model_validate(
            {"worker_id": worker_id, "held": names, "at": at(seconds), **common, **fields},
        )
        self.partition.note_beat(beat, at(seconds + late))

    def seconds(self, begin: int, end: int, *held: tuple[int, int], **fields: Any) -> list[Message]:
        """The worker beats once a second, as does one that works, and each time there is a turn."""
        written = []
        for second in range(begin, end):
            self.hear(A, second, *held, **fields)
            theirs = [(e.execution_id, e.attempt) for e in self.partition.book.in_flight() if e.worker_id == B]
            self.hear(B, second, *((int(name[:8], 16), attempt) for name, attempt in theirs), running_count=len(theirs))
            written += self.turn(second + 0.1)
        return written

    def slot(self) -> WorkerSlot:
        return self.partition.book.workers[A]


def handed(**definition: Any) -> Pair:
    """The first worker was handed the first attempt of execution 50 at second 10."""
    world = Pair()
    world.create(max_concurrent=50, **definition)
    world.hear(A, 9)
    world.turn(9, fire(10, 50))
    (task,) = of(TaskAssigned, world.turn(9.9))
    assert task.worker_id == A
    return world


def stalled(*held: tuple[int, int], **definition: Any) -> Pair:
    """The first worker was found to stall with execution 50, which the other one has now."""
    world = handed(**definition)
    world.seconds(10, 18, *held)
    assert world.partition.set_aside == {A: Stall.STARTS_NOTHING if held else Stall.TAKES_NOTHING}
    return world


def started(attempt: int, seconds: float) -> StartReported:
    return StartReported(**_report(attempt, seconds), started_at=at(seconds))


def handed_back(attempt: int, seconds: float) -> CancellationReported:
    return CancellationReported(**_report(attempt, seconds))


def _report(attempt: int, seconds: float) -> dict[str, Any]:
    return {
        "tenant_id": TENANT,
        "execution_id": uuid_of(50),
        "job_id": uuid_of(1),
        "scheduled_for": at(10),
        "attempt": attempt,
        "worker_id": A,
        "at": at(seconds),
    }


@pytest.mark.parametrize("held", [[], [(50, 1)]], ids=["not taken", "not started"])
def test_what_a_worker_leaves_alone_is_revoked_and_handed_to_another(held: Sequence[tuple[int, int]]) -> None:
    world = handed()
    written = world.seconds(10, 18, *held)
    (revoked,), (dispatched,) = of(AttemptRevoked, written), of(AttemptDispatched, written)
    assert (revoked.worker_id, revoked.attempt, revoked.only_waiting) == (A, 1, False)
    assert (dispatched.worker_id, dispatched.attempt) == (B, 2)
    assert written.index(revoked) < written.index(dispatched)
    assert at(15) < dispatched.at < at(18)
    (retry,) = of(RetryScheduled, written)
    assert retry.failure.code == "WORKER_STALLED"


def test_a_stall_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = stalled()
    world.seconds(18, 20)
    assert [r.getMessage().split(";")[0] for r in caplog.records if r.levelno == logging.WARNING] == [
        "worker worker-a beats, but it does not take what it is handed"
    ]
    world.turn(20, handed_back(1, 20))
    world.turn(21.5)
    assert caplog.records[-1].getMessage() == "worker worker-a is gone or works again"


def test_a_stalled_worker_gets_nothing_more() -> None:
    world = stalled()
    written = world.turn(18.5, *(fire(18, 60 + n) for n in range(9)))
    assert {task.worker_id for task in of(TaskAssigned, written)} == {B}


def test_all_that_it_has_not_taken_goes_to_others_and_what_it_runs_stays() -> None:
    world = Pair()
    world.create(max_concurrent=50)
    world.hear(A, 9)
    world.turn(9, *(fire(10, 50 + n) for n in range(3)))
    world.turn(9.9)
    begun = StartReported(**{**_report(1, 10), "execution_id": uuid_of(51)}, started_at=at(10))
    world.turn(10, begun)
    written = world.seconds(10, 18, running_count=1)
    assert {m.execution_id for m in of(RetryScheduled, written)} == {uuid_of(50), uuid_of(52)}


@pytest.mark.parametrize("held", [[], [(50, 1)]], ids=["not taken", "not started"])
def test_what_is_to_run_at_most_once_is_only_asked_back_and_fails_with_its_lease(
    held: Sequence[tuple[int, int]],
) -> None:
    world = handed(delivery="at_most_once")
    written = world.seconds(10, 19, *held)
    (revoked,) = of(AttemptRevoked, written)
    assert revoked.only_waiting
    assert not of(RetryScheduled, written)
    (failed,) = of(ExecutionFailed, world.seconds(19, 29, *held))
    assert failed.failure.code == "WORKER_LOST"


def test_what_is_to_run_at_most_once_is_handed_out_again_when_its_worker_says_that_it_never_began() -> None:
    world = stalled((50, 1), delivery="at_most_once")
    (dispatched,) = of(AttemptDispatched, world.turn(18.5, handed_back(1, 18)))
    assert (dispatched.attempt, dispatched.worker_id) == (2, B)


def test_a_worker_that_starts_what_it_was_asked_back_keeps_it() -> None:
    world = stalled((50, 1), delivery="at_most_once")
    assert of(AttemptStarted, world.turn(18.5, started(1, 18)))
    assert not world.seconds(19, 40, (50, 1), running_count=1)


# -- what is no stall ---------------------------------------------------------------------------------------------


def test_a_full_worker_may_let_its_tasks_lie() -> None:
    world = handed()
    full = [(100 + n, 1) for n in range(15)]
    assert not of(AttemptRevoked, world.seconds(10, 19, *full, running_count=10))


def test_a_worker_is_given_the_whole_time_once_it_has_room() -> None:
    world = handed()
    world.seconds(10, 13, *[(100 + n, 1) for n in range(15)], running_count=10)
    assert not of(AttemptRevoked, world.seconds(13, 17))
    assert of(AttemptRevoked, world.seconds(17, 19))


def test_a_worker_at_its_capacity_may_let_what_it_holds_wait() -> None:
    world = handed()
    assert not world.seconds(10, 90, (50, 1), running_count=10)


def test_a_worker_that_runs_others_of_the_same_type_may_have_no_room_for_it() -> None:
    world = handed()
    assert not world.seconds(10, 90, (50, 1), running_count=1)


def test_a_beat_that_was_sent_before_and_heard_after_proves_nothing() -> None:
    world = handed()
    world.turn(10)
    for second in range(8):
        world.hear(A, 2 + second, late=15 - second)
        assert not of(AttemptRevoked, world.turn(17 + second / 10))


def test_a_task_that_took_long_to_be_written_is_not_held_against_its_worker() -> None:
    world = handed()
    for second in range(10, 17):
        world.hear(A, second)
    assert not of(AttemptRevoked, world.turn(17))


def test_nothing_is_concluded_while_records_wait_to_be_read() -> None:
    world = handed()
    world.turn(10)
    for second in range(10, 30):
        world.hear(A, second)
        assert not of(AttemptRevoked, world.turn(second + 0.1, is_behind=True))


@pytest.mark.parametrize("off", [-3600.0, 3600.0])
def test_a_clock_that_is_wrong_hides_no_stall_and_makes_none(off: float) -> None:
    world = handed()
    world.hear(A, 10 + off, late=-off, started_at=at(off))
    world.turn(10)
    for second in range(11, 15):
        world.hear(A, second + off, late=-off, started_at=at(off))
        assert not of(AttemptRevoked, world.turn(second))
    world.hear(A, 16 + off, late=-off, started_at=at(off))
    assert of(AttemptRevoked, world.turn(16))


def test_what_may_be_over_with_its_report_under_way_is_waited_for() -> None:
    world = handed()
    world.hear(A, 10.5, (50, 1))
    assert not of(AttemptRevoked, world.seconds(11, 70, (50, 1), finished_count=1))
    assert of(AttemptRevoked, world.seconds(70, 73, (50, 1), finished_count=1))


def test_an_attempt_that_is_being_cancelled_is_no_sign_of_a_stall() -> None:
    world = handed()
    world.hear(A, 10, (50, 1))
    world.turn(10, command(CancelExecution, 5, execution_id=uuid_of(50)))
    world.seconds(11, 19, (50, 1))
    assert world.partition.set_aside == {}


def test_a_new_owner_gives_every_worker_the_whole_time() -> None:
    world = handed()
    world.turn(10)
    del world.partition.book.workers[A]
    world.hear(A, 20)
    world.partition.book.renew_all(at(20))
    assert not of(AttemptRevoked, world.seconds(20, 25))
    assert of(AttemptRevoked, world.seconds(25, 27))


# -- coming back --------------------------------------------------------------------------------------------------


def test_a_worker_that_names_or_reports_what_it_had_left_alone_works_again() -> None:
    world = stalled()
    world.hear(A, 18, (50, 1))
    assert world.slot().room == 15
    world = stalled()
    world.turn(18.5, handed_back(1, 18))
    assert world.slot().room == 15


def test_only_a_start_shows_that_a_worker_starts_again() -> None:
    world = stalled((50, 1))
    world.turn(18.5, handed_back(1, 18))
    world.hear(A, 19, (50, 1))
    assert world.slot().room == 0
    world.turn(19.5, started(1, 19))
    assert world.slot().room == 15


def test_the_report_of_something_else_shows_nothing() -> None:
    world = stalled()
    world.turn(18.5, success(77, 18))
    assert world.slot().room == 0


def test_a_worker_that_begins_anew_is_given_work() -> None:
    world = stalled()
    world.hear(A, 19, started_at=at(18.5))
    assert world.slot().room == 15


def test_after_its_rest_a_worker_is_tried_with_one_attempt_and_after_a_failure_rests_longer() -> None:
    world = stalled()
    world.seconds(18, 28)
    assert world.slot().room == 1
    tasks = of(TaskAssigned, world.turn(28, *(fire(28, 60 + n) for n in range(5))))
    assert [task.worker_id for task in tasks].count(A) == 1
    revoked = of(AttemptRevoked, world.seconds(28, 36))
    assert [m.worker_id for m in revoked] == [A]
    world.seconds(36, 50)
    assert world.slot().room == 0
    world.seconds(50, 56)
    assert world.slot().room == 1


def test_a_worker_that_takes_what_it_is_tried_with_gets_more() -> None:
    world = stalled()
    world.seconds(18, 28)
    world.turn(28, fire(28, 60))
    world.hear(A, 29, (60, 1), running_count=1)
    assert world.slot().room == 14
