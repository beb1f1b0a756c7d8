"""Fires that make up for a time when nobody was there: their pace, their place behind what is timely, and resuming."""

from datetime import datetime

from horolog.limits import QUEUED_PER_TENANT_COUNT_MAX
from schemas.commands import PauseJob, ResumeJob, StopJob, TriggerJob
from schemas.events.executions import AttemptDispatched, ExecutionAdmitted, ExecutionBlocked, ExecutionSkipped, Reason
from schemas.events.jobs import JobResumed
from schemas.events.owners import CommandAccepted
from schemas.events.workers import TaskAssigned
from tests.unit.deciding.kit import Dispatching, at, command, fire, uuid_of
from tests.unit.deciding.test_dispatching import of, success

ALL = {"policy": "all", "rate": 2}


def catching_up(capacity: int = 10, **changes: object) -> Dispatching:
    """A job that makes up for the seconds 10, 11 and 12 (numbers 50, 51, 52) from second 100 on."""
    world = Dispatching(capacity)
    world.create(misfire=ALL, **changes)
    world.turn(100, *(fire(10 + n, 50 + n, catch_up=True) for n in range(3)))
    return world


def resumed(world: Dispatching, seconds: float, catch_up: bool) -> datetime:
    (change,) = of(JobResumed, world.turn(seconds, command(ResumeJob, 9, job_id=uuid_of(1), catch_up=catch_up)))
    return change.job.effective_from


def test_they_begin_at_the_rate_of_the_policy() -> None:
    world = Dispatching()
    world.create(misfire=ALL, max_concurrent=5)
    written = world.turn(100, *(fire(10 + n, 50 + n, catch_up=True) for n in range(3)))
    assert [admitted.not_before for admitted in of(ExecutionAdmitted, written)] == [at(100), at(100.5), at(101)]
    assert [task.not_before for task in of(TaskAssigned, written)] == [at(100)]
    assert len(of(TaskAssigned, world.turn(100.4))) == 1
    assert len(of(TaskAssigned, world.turn(101))) == 1


def test_the_pace_goes_on_from_one_turn_to_the_next() -> None:
    world = catching_up()
    (admitted,) = of(ExecutionAdmitted, world.turn(100.1, fire(13, 53, catch_up=True)))
    assert admitted.not_before == at(101.5)


def test_they_wait_for_a_slot_whatever_the_overlap_policy_and_tell_nobody() -> None:
    world = catching_up()
    written = world.turn(105)
    assert not of(ExecutionSkipped, written)
    assert not of(ExecutionBlocked, written)
    (dispatched,) = of(AttemptDispatched, world.turn(106, success(50, 106)))
    assert dispatched.execution_id == uuid_of(51)


def test_a_timely_fire_waits_for_one_that_runs_and_goes_before_those_that_wait() -> None:
    world = catching_up()
    (blocked,) = of(ExecutionBlocked, world.turn(102, fire(102, 70)))
    assert (blocked.execution_id, blocked.blocked_by) == (uuid_of(70), uuid_of(50))
    (dispatched,) = of(AttemptDispatched, world.turn(103, success(50, 103)))
    assert dispatched.execution_id == uuid_of(70)


def test_a_timely_fire_takes_the_slot_of_one_that_waits_for_a_worker() -> None:
    world = Dispatching(capacity=0)
    world.create(misfire=ALL)
    world.turn(100, fire(10, 50, catch_up=True))
    world.turn(102, fire(102, 70))
    world.capacity = 1
    assert [d.execution_id for d in of(AttemptDispatched, world.turn(103))] == [uuid_of(70)]
    assert [d.execution_id for d in of(AttemptDispatched, world.turn(104, success(70, 104)))] == [uuid_of(50)]


def test_a_second_timely_fire_overlaps_with_the_first_as_ever() -> None:
    world = catching_up()
    world.turn(102, fire(102, 70))
    (skipped,) = of(ExecutionSkipped, world.turn(103, fire(103, 71)))
    assert (skipped.execution_id, skipped.reason) == (uuid_of(71), Reason.OVERLAP)


def test_a_worker_s_room_goes_to_what_is_timely_first() -> None:
    world = Dispatching(capacity=0)
    world.create(misfire=ALL, max_concurrent=9, priority=5)
    world.turn(100, fire(10, 50, catch_up=True))
    world.turn(101, fire(101, 70))
    world.capacity = 1
    assert [d.execution_id for d in of(AttemptDispatched, world.turn(102))] == [uuid_of(70)]


def test_a_trigger_is_not_rejected_because_of_what_only_catches_up() -> None:
    world = catching_up()
    assert of(CommandAccepted, world.trigger(102, 2))


def test_a_pause_ends_those_that_wait_for_their_turn() -> None:
    world = catching_up()
    written = world.turn(100.2, command(PauseJob, 2, job_id=uuid_of(1)))
    assert [(s.execution_id, s.reason) for s in of(ExecutionSkipped, written)] == [
        (uuid_of(51), Reason.PAUSED),
        (uuid_of(52), Reason.PAUSED),
    ]


def test_no_more_of_them_wait_than_a_tenant_may_have_waiting() -> None:
    world = Dispatching(capacity=0)
    world.create(misfire=ALL)
    fires = [fire(-n, 1000 + n, version=0, catch_up=True) for n in range(QUEUED_PER_TENANT_COUNT_MAX + 2)]
    written = world.turn(100, *fires)
    refused = of(ExecutionSkipped, written)
    assert [(s.execution_id, s.reason, s.seq) for s in refused] == [
        (fires[-2].fire_id, Reason.QUOTA, 1),
        (fires[-1].fire_id, Reason.QUOTA, 1),
    ]
    (rejected,) = world.turn(101, command(TriggerJob, 3, job_id=uuid_of(1)))
    assert not isinstance(rejected, CommandAccepted)


def test_a_resume_owes_from_now_on_and_with_catch_up_from_when_the_job_was_paused() -> None:
    for catch_up, effective in ((False, at(500)), (True, at(101))):
        world = Dispatching()
        world.create()
        world.turn(100, command(PauseJob, 2, job_id=uuid_of(1)))
        assert resumed(world, 500, catch_up) == effective


def test_no_resume_owes_what_is_in_the_ledger_already() -> None:
    for catch_up in (False, True):
        world = Dispatching()
        world.create()
        world.turn(99.6, fire(101, 50))
        (skipped,) = of(ExecutionSkipped, world.turn(99.7, command(PauseJob, 2, job_id=uuid_of(1))))
        assert skipped.execution_id == uuid_of(50)
        assert resumed(world, 99.8, catch_up) == at(101)


def test_a_stop_during_a_pause_does_not_shorten_what_is_to_be_caught_up() -> None:
    world = Dispatching()
    world.create()
    world.turn(100, command(PauseJob, 2, job_id=uuid_of(1)))
    world.turn(200, command(StopJob, 3, job_id=uuid_of(1)))
    assert resumed(world, 500, catch_up=True) == at(101)


def test_the_fires_of_a_pause_are_governed_by_the_resume_that_catches_up() -> None:
    world = Dispatching()
    world.create()
    world.turn(100, command(PauseJob, 2, job_id=uuid_of(1)))
    resumed(world, 500, catch_up=True)
    assert not of(ExecutionAdmitted, world.turn(501, fire(300, 50, version=1)))
    assert of(ExecutionAdmitted, world.turn(501, fire(300, 50, version=3, catch_up=True)))
