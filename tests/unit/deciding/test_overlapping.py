"""What becomes of a fire while as many executions of its job go on as may, policy by policy."""

from typing import Any

import pytest

from schemas.base import Message
from schemas.commands import PauseJob, StopJob, UpdateJob
from schemas.events.executions import (
    AttemptDispatched,
    CancellationRequested,
    ExecutionBlocked,
    ExecutionCancelled,
    ExecutionSkipped,
    Reason,
)
from schemas.events.owners import CommandAccepted, CommandRejected
from schemas.events.results import CancellationReported
from schemas.events.workers import AttemptRevoked
from tests.unit.deciding.kit import TENANT, Dispatching, at, command, definition, fire, uuid_of
from tests.unit.deciding.test_dispatching import failure, of, success

QUEUE_ONE = {"policy": "queueOne"}
QUEUE_TWO = {"policy": "queueAll", "queueMax": 2}
CANCEL = {"policy": "cancelRunning"}


def running(overlap: dict[str, Any], **changes: object) -> Dispatching:
    """A world in which the execution of second 10 (number 50) runs."""
    world = Dispatching()
    world.create(overlap=overlap, **changes)
    world.turn(9, fire(10, 50))
    world.turn(10)
    return world


def fired(world: Dispatching, *seconds: int) -> list[Message]:
    """What was written at these seconds, each with a fire (number 40 + second)."""
    return [message for second in seconds for message in world.turn(second, fire(second, 40 + second))]


def told(written: list[Message]) -> list[tuple[str, str, str | None]]:
    """Who was blocked, skipped or sent off, in order: what, which number, and by which."""
    found: list[tuple[str, str, str | None]] = []
    for message in written:
        if isinstance(message, ExecutionBlocked):
            found.append(("blocked", message.execution_id, message.blocked_by))
        elif isinstance(message, ExecutionSkipped):
            found.append((message.reason.value, message.execution_id, message.blocked_by))
        elif isinstance(message, AttemptDispatched):
            found.append(("handed out", message.execution_id, None))
    return found


def revoked(number: int, seconds: float) -> CancellationReported:
    return CancellationReported(
        tenant_id=TENANT,
        execution_id=uuid_of(number),
        job_id=uuid_of(1),
        scheduled_for=at(10),
        attempt=1,
        worker_id="worker-a",
        at=at(seconds),
        started_at=at(10),
    )


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ({"policy": "skip"}, [("overlap", 51, 50), ("overlap", 52, 50), ("overlap", 53, 50)]),
        (QUEUE_ONE, [("blocked", 51, 50), ("overlap", 52, 51), ("overlap", 53, 51)]),
        (QUEUE_TWO, [("blocked", 51, 50), ("blocked", 52, 50), ("queue_full", 53, 50)]),
        (CANCEL, [("blocked", 51, 50), ("superseded", 51, 52), ("blocked", 52, 50), ("superseded", 52, 53)]),
    ],
)
def test_fires_during_a_run_are_treated_by_the_policy(
    overlap: dict[str, Any], expected: list[tuple[str, int, int]]
) -> None:
    written = told(fired(running(overlap), 11, 12, 13))
    assert written[: len(expected)] == [(what, uuid_of(number), uuid_of(by)) for what, number, by in expected]


def test_those_that_wait_go_on_in_order_in_the_turn_in_which_a_slot_is_freed() -> None:
    world = running(QUEUE_TWO)
    fired(world, 11, 12)
    assert told(world.turn(13, success(50, 13))) == [("handed out", uuid_of(51), None)]
    assert told(world.turn(14, success(51, 14))) == [("handed out", uuid_of(52), None)]
    assert told(world.turn(15, success(52, 15))) == []


def test_room_in_the_queue_is_given_again() -> None:
    world = running(QUEUE_ONE)
    fired(world, 11)
    world.turn(12, success(50, 12))
    assert told(fired(world, 13)) == [("blocked", uuid_of(53), uuid_of(51))]


def test_what_waits_for_a_retry_keeps_its_slot() -> None:
    world = running(QUEUE_ONE, retry_config={"maxRetries": 1, "retryDelayMs": 5000})
    world.turn(10.5, failure(50, 10, 1))
    assert told(fired(world, 11)) == [("blocked", uuid_of(51), uuid_of(50))]
    assert told(world.turn(15.6)) == [("handed out", uuid_of(50), None)]


def test_the_longest_running_execution_is_cancelled_for_a_newer_fire_which_then_begins() -> None:
    world = running(CANCEL, max_concurrent=2)
    fired(world, 11)
    written = fired(world, 12)
    (asked,), (taken_back,) = of(CancellationRequested, written), of(AttemptRevoked, written)
    assert (asked.execution_id, asked.reason, asked.blocked_by) == (uuid_of(50), Reason.SUPERSEDED, uuid_of(52))
    assert (taken_back.execution_id, taken_back.only_waiting) == (uuid_of(50), False)
    ended = world.turn(13, revoked(50, 13))
    (cancelled,) = of(ExecutionCancelled, ended)
    assert (cancelled.reason, cancelled.blocked_by) == (Reason.SUPERSEDED, uuid_of(52))
    assert told(ended) == [("handed out", uuid_of(52), None)]


def test_nothing_is_cancelled_before_the_newer_fire_s_instant() -> None:
    world = running(CANCEL)
    assert not of(CancellationRequested, world.turn(10.95, fire(11, 51)))
    assert of(CancellationRequested, world.turn(11))


def test_one_cancellation_under_way_is_enough() -> None:
    world = running(CANCEL, max_concurrent=2)
    written = fired(world, 11, 12, 13)
    assert [asked.execution_id for asked in of(CancellationRequested, written)] == [uuid_of(50)]


def test_what_waits_for_a_retry_is_superseded_at_once() -> None:
    world = running(CANCEL, retry_config={"maxRetries": 1, "retryDelayMs": 60_000})
    world.turn(10.5, failure(50, 10, 1))
    written = fired(world, 11)
    (cancelled,) = of(ExecutionCancelled, written)
    assert (cancelled.execution_id, cancelled.reason) == (uuid_of(50), Reason.SUPERSEDED)
    assert ("handed out", uuid_of(51), None) in told(written)


def test_triggers_wait_while_there_is_room_and_are_rejected_beyond() -> None:
    world = running(QUEUE_ONE)
    (accepted,) = of(CommandAccepted, world.trigger(11, 2))
    (rejected,) = of(CommandRejected, world.trigger(12, 3))
    assert rejected.code == "JOB_ALREADY_RUNNING"
    assert told(world.turn(13, success(50, 13))) == [("handed out", accepted.execution_id, None)]


def test_a_trigger_supersedes_what_runs_when_the_policy_says_so() -> None:
    world = running(CANCEL)
    written = world.trigger(11, 2)
    (accepted,), (asked,) = of(CommandAccepted, written), of(CancellationRequested, written)
    assert (asked.execution_id, asked.blocked_by) == (uuid_of(50), accepted.execution_id)
    assert told(world.turn(12, revoked(50, 12))) == [("handed out", accepted.execution_id, None)]


def test_a_pause_and_a_stop_end_what_waits() -> None:
    for kind, reason in ((PauseJob, "paused"), (StopJob, "stopped")):
        world = running(QUEUE_TWO)
        fired(world, 11, 12)
        ended = told(world.turn(13, command(kind, 2, job_id=uuid_of(1))))
        assert ended == [(reason, uuid_of(51), None), (reason, uuid_of(52), None)]


def test_what_waits_goes_on_when_a_change_makes_room_and_is_given_up_when_one_takes_it() -> None:
    world = running(QUEUE_TWO)
    fired(world, 11, 12)
    more = definition(overlap=QUEUE_TWO, max_concurrent=2)
    assert told(world.turn(12.5, command(UpdateJob, 2, job_id=uuid_of(1), definition=more))) == [
        ("handed out", uuid_of(51), None)
    ]
    less = definition(overlap={"policy": "skip"}, max_concurrent=2)
    assert told(world.turn(12.6, command(UpdateJob, 3, job_id=uuid_of(1), definition=less))) == [
        ("overlap", uuid_of(52), uuid_of(50))
    ]


def test_a_limited_job_lets_no_more_wait_than_it_may_still_run() -> None:
    world = running(QUEUE_TWO, max_executions=2)
    assert told(fired(world, 11, 12)) == [("blocked", uuid_of(51), uuid_of(50)), ("max_executions", uuid_of(52), None)]
