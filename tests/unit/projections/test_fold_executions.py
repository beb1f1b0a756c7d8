"""Every event of an execution leads to the documented state of its row."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from projections.fold_executions import ExecutionFold
from projections.rows import BegunRow, ExecutionRow
from schemas.events.executions import (
    AttemptDispatched,
    AttemptProgressed,
    AttemptStarted,
    CancellationRequested,
    ExecutionBlocked,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    LateResultRecorded,
    RetryScheduled,
)
from schemas.registry import MESSAGES_OF_TOPIC
from schemas.topics import EXECUTIONS
from tests.unit.projections.facts import FAILURE, START, TENANT, USAGE, admitted, at, event, uuid_of

ADMITTED = admitted(triggered_by="user:7")
DISPATCHED = event(AttemptDispatched, 1, 2, attempt=1, worker_id="w")
STARTED = event(AttemptStarted, 1, 3, attempt=1, worker_id="w", started_at=at(1.25))
PROGRESSED = event(AttemptProgressed, 1, 4, attempt=1, progress=40)
ASKED = event(CancellationRequested, 1, 5, attempt=1, reason="requested", requested_by="user:7")
ENDED: dict[str, Any] = {
    "attempt": 1,
    "worker_id": "w",
    "started_at": at(1.25),
    "completed_at": at(3.5),
    "usage": USAGE,
}
RETRIED = event(RetryScheduled, 1, 6, **{**ENDED, "failure": FAILURE, "retry_at": at(9)})
COMPLETED = event(ExecutionCompleted, 1, 7, **{**ENDED, "result": {"n": 1}, "metadata": {"m": [2]}})
FAILED = event(ExecutionFailed, 1, 7, **{**ENDED, "failure": FAILURE, "result": "half"})
CANCELLED = event(ExecutionCancelled, 1, 7, **{**ENDED, "reason": "stopped", "cancelled_by": "user:7"})
LATE = event(LateResultRecorded, 1, 0, attempt=1, worker_id="w", reported="success")
WHY_NOT: dict[str, Any] = {"trigger_type": "scheduled", "job_version": 2, "job_type": "function"}
SKIPPED = event(ExecutionSkipped, 1, 2, **{**WHY_NOT, "reason": "overlap", "blocked_by": uuid_of(9)})
MISSED = event(ExecutionMissed, 1, 1, job_version=2, job_type="function", missed_until=at(61), missed_count=61)

BLOCKED = event(ExecutionBlocked, 1, 2, blocked_by=uuid_of(8))
SUPERSEDED = event(ExecutionCancelled, 1, 7, **{**ENDED, "reason": "superseded", "blocked_by": uuid_of(9)})
SKIP = {"seq": 2, "carried": 1, "status": "skipped", "reason": "overlap", "blocked_by": uuid_of(9)}

RAN: Mapping[str, object] = {
    "attempt": 1,
    "worker_id": "w",
    "started_at": at(1.25),
    "completed_at": at(3.5),
    "duration_ms": 2250,
    "memory_peak_mb": 12,
    "cpu_time_ms": 345,
}
BROKEN = {"error_type": "TIMEOUT", "error_code": "TIMED_OUT", "error_message": "too long", "error_stack": "line 1"}
ASKED_FOR: Mapping[str, object] = {"seq": 1, "carried": 3, "triggered_by": "user:7", "job_version": 1}
OVER: Mapping[str, object] = {**ASKED_FOR, **RAN, "seq": 7}
NOW_RUNNING = {"seq": 3, "status": "running", "attempt": 1, "worker_id": "w", "started_at": at(1.25)}

CASES: list[tuple[list[ExecutionEvent], Mapping[str, object]]] = [
    ([ADMITTED], ASKED_FOR),
    ([ADMITTED, DISPATCHED], ASKED_FOR),
    (
        [ADMITTED, SKIPPED],
        {**ASKED_FOR, "seq": 2, "status": "skipped", "reason": "overlap", "blocked_by": uuid_of(9)},
    ),
    ([SKIPPED], {**SKIP, "job_version": 2}),
    ([ADMITTED, BLOCKED], {**ASKED_FOR, "seq": 2, "blocked_by": uuid_of(8)}),
    ([ADMITTED, BLOCKED, STARTED], {**ASKED_FOR, **NOW_RUNNING}),
    (
        [ADMITTED, BLOCKED, SUPERSEDED],
        {**OVER, "status": "cancelled", "reason": "superseded", "blocked_by": uuid_of(9)},
    ),
    (
        [MISSED],
        {
            "seq": 1,
            "carried": 1,
            "status": "missed",
            "job_version": 2,
            "reason": "misfire",
            "missed_until": at(61),
            "missed_count": 61,
        },
    ),
    ([ADMITTED, STARTED], {**ASKED_FOR, **NOW_RUNNING}),
    ([ADMITTED, STARTED, PROGRESSED], {**ASKED_FOR, **NOW_RUNNING, "seq": 4, "progress": 40}),
    ([ADMITTED, STARTED, ASKED], {**ASKED_FOR, **NOW_RUNNING}),
    (
        [ADMITTED, STARTED, PROGRESSED, RETRIED],
        {
            **ASKED_FOR,
            **RAN,
            **BROKEN,
            "seq": 6,
            "status": "pending",
            "completed_at": None,
            "duration_ms": None,
            "retry_at": at(9),
        },
    ),
    (
        [ADMITTED, RETRIED, COMPLETED],
        {**OVER, "status": "completed", "progress": 100, "result": '{"n":1}', "metadata": '{"m":[2]}'},
    ),
    (
        [ADMITTED, STARTED, PROGRESSED, FAILED],
        {**OVER, **BROKEN, "status": "failed", "progress": 40, "result": '"half"'},
    ),
    ([ADMITTED, CANCELLED], {**OVER, "status": "cancelled", "reason": "stopped", "cancelled_by": "user:7"}),
    (
        [ADMITTED, COMPLETED, LATE, LATE],
        {**OVER, "status": "completed", "progress": 100, "result": '{"n":1}', "metadata": '{"m":[2]}', "late_count": 2},
    ),
]


def row_of(events: list[ExecutionEvent]) -> ExecutionRow:
    fold = ExecutionFold()
    for one in events:
        fold.add(one)
    (row,) = fold.rows()
    return row


@pytest.mark.parametrize(("events", "expected"), CASES)
def test_events_lead_to_the_documented_row(events: list[ExecutionEvent], expected: Mapping[str, object]) -> None:
    row = row_of(events)
    blank = ExecutionRow(uuid_of(1001), at(1), TENANT, uuid_of(1), START)
    differing = {f.name: getattr(row, f.name) for f in fields(row) if getattr(row, f.name) != getattr(blank, f.name)}
    assert differing == {name: value for name, value in expected.items() if value != getattr(blank, name)}


def test_every_event_type_of_the_ledger_is_covered() -> None:
    covered = {type(one) for events, _ in CASES for one in events}
    assert covered == set(MESSAGES_OF_TOPIC[EXECUTIONS])


def test_late_report_after_the_end_leaves_the_end_as_it_is() -> None:
    assert row_of([COMPLETED, LATE]).seq == COMPLETED.seq


def test_late_report_during_the_run_counts_and_takes_its_place_in_the_sequence() -> None:
    row = row_of([ADMITTED, STARTED, LATE.model_copy(update={"seq": 4})])
    assert (row.seq, row.late_count, row.status) == (4, 1, "running")


def test_event_told_again_changes_nothing() -> None:
    assert row_of([ADMITTED, STARTED, COMPLETED, STARTED, COMPLETED]) == row_of([ADMITTED, STARTED, COMPLETED])


def test_event_outside_the_sequence_other_than_a_late_report_changes_nothing() -> None:
    stray = COMPLETED.model_copy(update={"seq": 0})
    assert row_of([ADMITTED, stray]) == row_of([ADMITTED])


def test_execution_whose_earlier_events_are_gone_has_what_the_later_ones_say() -> None:
    row = row_of([PROGRESSED, COMPLETED])
    assert (row.status, row.progress, row.started_at, row.job_version) == ("completed", 100, at(1.25), None)
    assert row.created_at == PROGRESSED.at


def test_execution_counts_for_its_job_once_an_attempt_of_it_is_known() -> None:
    fold = ExecutionFold()
    for one in (ADMITTED, admitted(2), event(AttemptStarted, 2, 2, attempt=1, worker_id="w", started_at=at(2))):
        fold.add(one)
    assert fold.begun() == [BegunRow(uuid_of(1002), at(2), uuid_of(1))]


def test_end_without_a_start_has_no_duration() -> None:
    row = row_of([ADMITTED, event(ExecutionCancelled, 1, 2, attempt=0, completed_at=at(2), reason="stopped")])
    assert (row.duration_ms, row.started_at, row.completed_at) == (None, None, at(2))


def test_result_that_is_not_a_number_is_kept_as_null() -> None:
    ended = COMPLETED.model_copy(update={"result": {"ratio": float("nan")}})
    assert row_of([ended]).result == '{"ratio":null}'


def test_two_instants_of_one_id_are_two_rows() -> None:
    fold = ExecutionFold()
    fold.add(ADMITTED)
    fold.add(ADMITTED.model_copy(update={"scheduled_for": at(2)}))
    assert [row.scheduled_at for row in fold.rows()] == [at(1), at(2)]


def test_first_event_is_an_admission_with_the_whole_identity() -> None:
    row = row_of([ADMITTED])
    assert (row.id, row.tenant_id, row.job_id, row.scheduled_at) == (uuid_of(1001), TENANT, uuid_of(1), at(1))
