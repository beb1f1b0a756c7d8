"""An instant that was decided on is not owed again: neither by a new schedule, nor after a clock was put back."""

from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from schemas.base import Message
from schemas.commands import CancelExecution, PauseJob, ResumeJob, StopJob, UpdateJob
from schemas.events.executions import ExecutionAdmitted, ExecutionCancelled, Reason, RetryScheduled
from schemas.events.jobs import JobStopped, JobUpdated
from schemas.events.owners import OwnerCheckpointed
from services.dispatcher.book import Book
from services.dispatcher.dispatcher import DispatcherRole
from tests.unit.deciding.kit import Dispatching, at, command, definition, fire, uuid_of
from tests.unit.deciding.test_dispatching import of, success


def cancelled_ahead(scheduled_s: float) -> Dispatching:
    """A fire that was admitted ahead of its instant, and cancelled before that came."""
    world = Dispatching()
    world.create()
    world.turn(8, fire(scheduled_s, 50))
    written = world.turn(9, command(CancelExecution, 2, execution_id=uuid_of(50)))
    assert of(ExecutionCancelled, written)
    return world


def updated(world: Dispatching, seconds: float) -> list[Message]:
    changed = definition(cron_expression="*/2 * * * * *")
    return world.turn(seconds, command(UpdateJob, 3, job_id=uuid_of(1), definition=changed))


def test_a_schedule_takes_effect_after_the_fire_that_ended_ahead_of_its_instant() -> None:
    world = cancelled_ahead(10)
    (change,) = of(JobUpdated, updated(world, 9.1))
    assert isinstance(change, JobUpdated)
    assert change.job.effective_from == at(10)
    assert of(ExecutionAdmitted, world.turn(9.2, fire(10, 50, version=2))) == []
    assert of(ExecutionAdmitted, world.turn(9.3, fire(12, 51, version=2)))


def test_a_fire_that_ran_is_not_admitted_again_when_a_late_ticker_owes_it_by_the_next_schedule() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    updated(world, 9.1)
    world.turn(10)
    world.turn(11, success(50, 10))
    assert of(ExecutionAdmitted, world.turn(80, fire(10, 50, version=2))) == []
    assert of(ExecutionAdmitted, world.turn(81, fire(12, 51, version=2)))


def test_a_job_that_is_stopped_owes_nothing_up_to_what_ended_ahead() -> None:
    world = cancelled_ahead(14)
    (stopped,) = of(JobStopped, world.turn(9.1, command(StopJob, 3, job_id=uuid_of(1))))
    assert isinstance(stopped, JobStopped)
    assert stopped.job.inactive_since == at(14)


def test_a_successor_reads_far_enough_back_to_know_what_ended_ahead() -> None:
    world = Dispatching()
    world.create()
    world.turn(8, fire(14, 50))
    world.partition.book.log_mark = 99
    world.turn(9, command(CancelExecution, 2, execution_id=uuid_of(50)))
    before, after = world.partition.book.replay_from(), None
    world.turn(15)
    after = world.partition.book.replay_from()
    assert (before, after) == (0, 99)


def test_no_change_takes_effect_before_what_was_decided_by_a_clock_that_was_put_back() -> None:
    world = Dispatching()
    world.create()
    world.turn(100)
    (change,) = of(JobUpdated, updated(world, 80))
    assert isinstance(change, JobUpdated)
    assert change.job.effective_from == at(100)


def test_what_an_earlier_owner_decided_by_a_clock_that_was_ahead_counts_as_well() -> None:
    book = Book(0)
    book.settled.reach(at(100))
    book.begin_turn(at(70))
    assert book.settled.in_force_from(at(70)) == at(100)
    assert book.settled.in_force_from(at(130)) == at(130)


async def test_a_successor_knows_what_was_decided_although_the_last_checkpoint_is_of_a_clock_put_back() -> None:
    world = Dispatching()
    world.partition.turn([], at(100))
    turn = world.partition.turn([], at(80))
    assert turn.decided_until == at(100)
    common = {"role": "dispatcher", "partition": 0, "owner": "a", "epoch": 1, "acquired_at": at(0), "positions": {}}
    checkpoint = OwnerCheckpointed.model_validate({**common, "at": at(80), "decided_until": turn.decided_until})
    log = EmbeddedLog.open(None, SystemClock(), 1)
    successor, _ = await DispatcherRole().rebuild(log, 0, checkpoint, at(81))
    assert successor.book.settled.in_force_from(at(81)) == at(100)
    await log.close()


def test_a_fire_of_a_schedule_that_was_changed_many_times_since_is_void() -> None:
    world = Dispatching()
    world.create()
    for number in range(20):
        kind = PauseJob if number % 2 == 0 else ResumeJob
        world.turn(20 + number / 100, command(kind, 10 + number, job_id=uuid_of(1)))
    assert of(ExecutionAdmitted, world.turn(60, fire(50, 50, version=1))) == []


def test_what_a_pause_took_back_from_a_worker_that_is_gone_is_not_handed_out_again() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    world.silent = True
    world.turn(11, command(PauseJob, 3, job_id=uuid_of(1)))
    written = [m for second in range(12, 24) for m in world.turn(second)]
    (ended,) = of(ExecutionCancelled, written)
    assert isinstance(ended, ExecutionCancelled)
    assert ended.reason is Reason.PAUSED
    assert of(RetryScheduled, written) == []
