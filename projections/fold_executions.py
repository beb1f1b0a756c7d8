"""Execution events into row changes, one row for each execution of a batch.

An event that decides the state replaces every column that describes the state's outcome; others add to the row.
`AttemptDispatched` changes nothing: where an attempt runs is told again by its start and by its end, and a row
written for every dispatch would cost as much as the rest.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json

from projections.rows import CARRIES_PROGRESS, CARRIES_STATE, BegunRow, ExecutionRow
from schemas.base import Message
from schemas.events.executions import (
    AttemptProgressed,
    AttemptStarted,
    ExecutionAdmitted,
    ExecutionBlocked,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    Failure,
    LateResultRecorded,
    RetryScheduled,
    Usage,
)

_MILLISECOND = timedelta(milliseconds=1)


def json_text(value: object) -> str | None:
    """The value as JSON text for a `jsonb` column; None stays SQL's null. Infinities become null, as on the log."""
    return None if value is None else to_json(value, inf_nan_mode="null").decode()


class ExecutionFold:
    """The executions of one batch. `add` events in the order of the log, then take `rows` and `begun`."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, datetime], ExecutionRow] = {}

    def add(self, event: ExecutionEvent) -> bool:
        """Take one event into account; says whether it is news for its row."""
        apply = _APPLY.get(type(event))
        if apply is None:
            return False
        key = (event.execution_id, event.scheduled_for)
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = ExecutionRow(*key, event.tenant_id, event.job_id, event.at)
        if event.seq > row.seq:
            row.seq = event.seq
            apply(row, event)
            return True
        if event.seq == 0 and isinstance(event, LateResultRecorded):
            _late(row, event)
        return False

    def rows(self) -> list[ExecutionRow]:
        """One row for each execution touched."""
        return list(self._rows.values())

    def begun(self) -> list[BegunRow]:
        """Those of which the batch knows an attempt."""
        return [BegunRow(row.id, row.scheduled_at, row.job_id) for row in self._rows.values() if row.attempt > 0]


def _replace_state(row: ExecutionRow, status: str) -> None:
    row.carried |= CARRIES_STATE
    row.status = status
    row.reason = row.blocked_by = row.cancelled_by = row.result = row.metadata = None
    row.error_type = row.error_code = row.error_message = row.error_stack = None
    row.completed_at = row.retry_at = row.duration_ms = row.memory_peak_mb = row.cpu_time_ms = None


def _set_progress(row: ExecutionRow, progress: int) -> None:
    row.carried |= CARRIES_PROGRESS
    row.progress = progress


def _set_usage(row: ExecutionRow, usage: Usage) -> None:
    row.memory_peak_mb, row.cpu_time_ms = usage.memory_peak_mb, usage.cpu_time_ms


def _set_failure(row: ExecutionRow, failure: Failure) -> None:
    row.error_type, row.error_code = failure.type.value, failure.code
    row.error_message, row.error_stack = failure.message, failure.stack


def _admit(row: ExecutionRow, event: ExecutionAdmitted) -> None:
    _replace_state(row, "pending")
    _set_progress(row, 0)
    row.trigger_type, row.triggered_by = event.trigger_type.value, event.triggered_by
    row.job_version = event.job_version


def _block(row: ExecutionRow, event: ExecutionBlocked) -> None:
    _replace_state(row, "pending")
    row.blocked_by = event.blocked_by


def _skip(row: ExecutionRow, event: ExecutionSkipped) -> None:
    _replace_state(row, "skipped")
    row.trigger_type = event.trigger_type.value
    # The version that it was admitted under stays; whether that is in this batch must make no difference.
    row.job_version = row.job_version or event.job_version
    row.reason, row.blocked_by = event.reason.value, event.blocked_by


def _miss(row: ExecutionRow, event: ExecutionMissed) -> None:
    _replace_state(row, "missed")
    row.job_version, row.reason = event.job_version, event.reason.value
    row.missed_until, row.missed_count = event.missed_until, event.missed_count


def _start(row: ExecutionRow, event: AttemptStarted) -> None:
    _replace_state(row, "running")
    _set_progress(row, 0)
    row.attempt = max(row.attempt, event.attempt)
    row.worker_id, row.started_at = event.worker_id, event.started_at


def _progress(row: ExecutionRow, event: AttemptProgressed) -> None:
    _set_progress(row, event.progress)


def _retry(row: ExecutionRow, event: RetryScheduled) -> None:
    _replace_state(row, "pending")
    _set_progress(row, 0)
    _attempt_over(row, event)
    _set_failure(row, event.failure)
    row.completed_at = row.duration_ms = None
    row.retry_at = event.retry_at


def _attempt_over(row: ExecutionRow, event: RetryScheduled | ExecutionEnded) -> None:
    row.attempt = max(row.attempt, event.attempt)
    row.worker_id = event.worker_id or row.worker_id
    row.started_at = event.started_at or row.started_at
    row.completed_at = event.completed_at
    if event.started_at is not None:
        row.duration_ms = (event.completed_at - event.started_at) // _MILLISECOND
    _set_usage(row, event.usage)


def _complete(row: ExecutionRow, event: ExecutionCompleted) -> None:
    _replace_state(row, "completed")
    _set_progress(row, 100)
    _attempt_over(row, event)
    row.result, row.metadata = json_text(event.result), json_text(event.metadata)


def _fail(row: ExecutionRow, event: ExecutionFailed) -> None:
    _replace_state(row, "failed")
    _attempt_over(row, event)
    _set_failure(row, event.failure)
    row.result, row.metadata = json_text(event.result), json_text(event.metadata)


def _cancel(row: ExecutionRow, event: ExecutionCancelled) -> None:
    _replace_state(row, "cancelled")
    _attempt_over(row, event)
    row.reason, row.cancelled_by, row.blocked_by = event.reason.value, event.cancelled_by, event.blocked_by


def _late(row: ExecutionRow, event: LateResultRecorded) -> None:
    row.late_count += 1


_APPLY: Mapping[type[Message], Callable[[ExecutionRow, Any], None]] = {
    ExecutionAdmitted: _admit,
    ExecutionBlocked: _block,
    ExecutionSkipped: _skip,
    ExecutionMissed: _miss,
    AttemptStarted: _start,
    AttemptProgressed: _progress,
    RetryScheduled: _retry,
    ExecutionCompleted: _complete,
    ExecutionFailed: _fail,
    ExecutionCancelled: _cancel,
    LateResultRecorded: _late,
}
