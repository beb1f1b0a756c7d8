"""The second line: one row for each instant of a job. What violates it is told, counted, and stops nothing."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from projections.applier import Applier
from schemas.base import Message
from schemas.events.executions import (
    AttemptStarted,
    ExecutionAdmitted,
    ExecutionCompleted,
    ExecutionMissed,
    ExecutionSkipped,
    RetryScheduled,
    TriggerType,
)
from tests.integration.projections.world import World, applying, catch_up, unread
from tests.unit.projections.facts import FAILURE, admitted, at, event, uuid_of

WHO: dict[str, Any] = {"attempt": 1, "worker_id": "w"}
OVER: dict[str, Any] = {**WHO, "started_at": at(5), "completed_at": at(6)}


def twin(number: int, of: int, **fields: Any) -> ExecutionAdmitted:
    """Another execution of the same job and instant."""
    return admitted(number, scheduled_for=at(of), **fields)


async def applied(world: World, *batches: Sequence[Message]) -> Applier:
    """The applier that took in the batches one after the other, and heard each violation."""
    heard: list[str] = []
    async with applying(world) as applier:
        applier.on_violation = heard.append
        for batch in batches:
            await world.write(*batch)
            await catch_up(world, applier)
        assert await unread(world, applier) == []
    assert len(heard) == applier.counters.violations
    assert set(heard) <= {"instant"}
    return applier


async def ids(world: World) -> list[str]:
    return sorted(row["id"] for row in await world.rows("job_executions", "id::text"))


@pytest.mark.parametrize("cut", [1, 2, 3], ids=["before the double", "after it", "all at once"])
async def test_second_row_of_an_instant_is_told_counted_and_passed_over(
    world: World, caplog: pytest.LogCaptureFixture, cut: int
) -> None:
    history = [admitted(1), twin(7, of=1), admitted(2)]
    applier = await applied(world, history[:cut], history[cut:])
    assert await ids(world) == [uuid_of(1001), uuid_of(1002)]
    (letter,) = await world.letters()
    assert (letter.topic, letter.offset) == ("executions.v1", 1)
    assert "job_id_scheduled_at_idx" in letter.reason
    assert (applier.counters.violations, applier.counters.refused) == (1, 1)
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "a unique constraint (instant) is violated" in errors[0]
    assert uuid_of(1) in errors[0]


async def test_doubles_later_events_are_told_as_well_and_change_nothing_of_the_first(world: World) -> None:
    double: dict[str, Any] = {"scheduled_for": at(1)}
    started = event(AttemptStarted, 7, 2, **WHO, started_at=at(5), **double)
    ended = event(ExecutionCompleted, 7, 3, **OVER, result="twice", **double)
    applier = await applied(world, [admitted(1)], [twin(7, of=1), started, ended])
    assert await world.row("job_executions", "id::text, status") == (uuid_of(1001), "pending")
    assert applier.counters.violations == len(await world.letters()) == 3


async def test_double_is_found_whatever_became_of_the_first(world: World) -> None:
    why: dict[str, Any] = {"trigger_type": "scheduled", "job_version": 1, "job_type": "function", "reason": "overlap"}
    ended = [admitted(1), event(ExecutionSkipped, 1, 2, **why), admitted(2), event(ExecutionCompleted, 2, 2, **OVER)]
    applier = await applied(world, ended, [twin(7, of=1), twin(8, of=2)])
    assert await ids(world) == [uuid_of(1001), uuid_of(1002)]
    assert applier.counters.violations == 2


async def test_double_is_found_in_the_default_partition_as_well(world: World) -> None:
    far = at(0).replace(year=1990)
    applier = await applied(world, [admitted(1, scheduled_for=far), admitted(2, scheduled_for=far)])
    assert applier.counters.violations == 1


async def test_attempts_triggers_missed_ranges_and_other_jobs_may_share_an_instant(world: World) -> None:
    what: dict[str, Any] = {"job_version": 1, "job_type": "function", "missed_until": at(9), "missed_count": 9}
    missed = event(ExecutionMissed, 3, 1, scheduled_for=at(1), **what)
    retried = event(RetryScheduled, 1, 2, **OVER, failure=FAILURE, retry_at=at(7))
    again = event(AttemptStarted, 1, 3, attempt=2, worker_id="v", started_at=at(8))
    manual = [twin(number, of=1, trigger_type=TriggerType.MANUAL) for number in (4, 5)]
    other = twin(6, of=1, job_id=uuid_of(2))
    history = [admitted(1), missed, retried, again, *manual, other]
    applier = await applied(world, history, [event(ExecutionCompleted, 4, 2, **OVER, scheduled_for=at(1))])
    assert len(await ids(world)) == 5
    assert (applier.counters.violations, applier.counters.refused) == (0, 0)
