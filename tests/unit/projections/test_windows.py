"""The maths of windows: which minute a fact belongs to, what it adds, and that nothing is counted twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.analytics.windows import SLOT_COUNT, WINDOW_S, Window, counted, counts, slot_key, start_of
from schemas.events.analytics import Lateness, Tally
from schemas.events.executions import (
    AttemptDispatched,
    AttemptStarted,
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    LateResultRecorded,
    RetryScheduled,
    TriggerType,
)
from schemas.jobs import JobType
from tests.unit.projections.facts import FAILURE, START, TENANT, admitted, at, event

JOB: dict[str, Any] = {"job_version": 1, "job_type": JobType.HTTP}


def started(number: int, late_s: float, seconds: float = 0, attempt: int = 1) -> AttemptStarted:
    began = at(number + late_s)
    return event(AttemptStarted, number, 3, seconds, attempt=attempt, worker_id="w", started_at=began)


def ended(kind: type[ExecutionEvent], seconds: float = 0, **fields: Any) -> ExecutionEvent:
    return event(kind, 1, 4, seconds, **{"attempt": 1, "completed_at": at(seconds), **fields})


def after(*events: ExecutionEvent, first_offset: int = 10) -> Window:
    window: Window | None = None
    for offset, one in enumerate(events, first_offset):
        window = counted(window, one, offset)
    assert window is not None
    return window


def test_a_window_begins_with_its_minute() -> None:
    assert start_of(at(0)) == start_of(at(59.999)) == START
    assert start_of(at(60)) == START + timedelta(seconds=WINDOW_S)
    assert start_of(datetime(1969, 12, 31, 23, 59, 30, tzinfo=UTC)) == datetime(1969, 12, 31, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fact", "name", "count"),
    [
        (admitted(), "admitted", 1),
        (ended(ExecutionCompleted), "completed", 1),
        (ended(ExecutionFailed, failure=FAILURE), "failed", 1),
        (ended(ExecutionCancelled, reason="stopped"), "cancelled", 1),
        (event(ExecutionSkipped, 1, 1, trigger_type=TriggerType.SCHEDULED, reason="overlap", **JOB), "skipped", 1),
        (event(ExecutionMissed, 1, 1, missed_until=at(9), missed_count=9, **JOB), "missed", 9),
        (
            event(RetryScheduled, 1, 2, attempt=1, completed_at=at(0), failure=FAILURE, retry_at=at(9)),
            "retried",
            1,
        ),
    ],
)
def test_each_kind_of_fact_has_its_count(fact: ExecutionEvent, name: str, count: int) -> None:
    assert after(fact) == Window(START, 10, Tally.model_validate({name: count}))


def test_lateness_is_that_of_first_attempts_and_never_below_zero() -> None:
    window = after(started(1, 0.02), started(2, 0.13), started(3, -0.004), started(4, 9.0, attempt=2))
    assert window.tally == Tally(started=4, lateness=Lateness(count=3, sum_ms=150, max_ms=130))


def test_a_start_that_only_an_end_tells_is_counted_with_it_and_one_that_was_told_is_not_again() -> None:
    short = {"started_at": at(1.25), "tells_start": True}
    window = after(
        ended(ExecutionCompleted, 2, **short),
        ended(ExecutionCancelled, 2, reason="stopped", **short),
        event(RetryScheduled, 1, 4, 2, attempt=1, completed_at=at(2), failure=FAILURE, retry_at=at(9), **short),
        ended(ExecutionFailed, 3, failure=FAILURE, **short | {"attempt": 2}),
        started(1, 0.5),
        ended(ExecutionCompleted, 3, started_at=at(1.5)),
    )
    lateness = Lateness(count=4, sum_ms=1250, max_ms=500)
    ends = {"completed": 2, "cancelled": 1, "retried": 1, "failed": 1}
    assert window.tally == Tally(started=5, lateness=lateness, **ends)


def test_what_only_happens_in_between_does_not_count() -> None:
    assert not counts(AttemptDispatched)
    assert not counts(LateResultRecorded)
    assert counts(ExecutionAdmitted)


def test_a_record_that_was_counted_changes_nothing() -> None:
    window = after(admitted(1), admitted(2))
    assert counted(window, admitted(2), 11) == window
    assert counted(window, admitted(1), 3) == window


def test_a_newer_window_takes_the_place_of_an_older_one_and_closes_it() -> None:
    old, later = after(admitted()), SLOT_COUNT * WINDOW_S
    new = counted(old, event(ExecutionAdmitted, 1, 1, later, trigger_type=TriggerType.MANUAL, **JOB), 99)
    assert new == Window(at(later), 99, Tally(admitted=1))
    assert counted(new, admitted(), 100) is None


def test_a_tenant_has_so_many_places_and_no_more() -> None:
    keys = {slot_key(TENANT, at(WINDOW_S * number)) for number in range(5 * SLOT_COUNT)}
    assert len(keys) == SLOT_COUNT
    assert all(key.startswith(f"{TENANT}/") for key in keys)


def test_a_window_is_kept_as_json_and_comes_back() -> None:
    window = after(admitted(), started(1, 0.5), ended(ExecutionCompleted, 3))
    assert Window.from_row(window.to_row()) == window
    told = window.measured(TENANT)
    assert (told.window_start, told.window_seconds, told.through) == (START, 60, 12)
    assert told.tally == window.tally


@given(st.lists(st.integers(0, 19), max_size=60), st.data())
def test_counting_again_from_any_earlier_record_comes_to_the_same(kinds: list[int], data: st.DataObject) -> None:
    facts = [started(kind, kind / 100) if kind % 2 else admitted(kind) for kind in kinds]
    window: Window | None = None
    for offset, fact in enumerate(facts):
        window = counted(window, fact, offset)
    # What is handed over again may begin anywhere, and once more, and again.
    again = window
    for _ in range(3):
        start = data.draw(st.integers(0, len(facts)))
        for offset in range(start, len(facts)):
            again = counted(again, facts[offset], offset)
    assert again == window


def test_windows_of_one_minute_are_equal_whatever_moment_asked_for_them() -> None:
    assert replace(Window(start_of(at(5))), through=1) == Window(START, 1)
