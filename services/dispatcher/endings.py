"""Ending executions: by request, by a job's pause, stop or deletion, by a failure, by the loss of a worker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from horolog.domain.execution import Execution
from horolog.domain.retry import retry_at
from horolog.limits import LOST_ATTEMPT_COUNT_MAX
from schemas.base import Json, JsonObject, Message
from schemas.events.executions import (
    CancellationRequested,
    ExecutionCancelled,
    ExecutionFailed,
    ExecutionSkipped,
    Failure,
    Reason,
    RetryScheduled,
    TriggerType,
    Usage,
)
from schemas.events.workers import AttemptRevoked
from schemas.jobs import Delivery, ErrorType, Job, JobStatus
from services.dispatcher.book import Book

NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """How an attempt failed: as its worker reported, or as the dispatcher concluded."""

    failure: Failure
    completed_at: datetime
    started_at: datetime | None = None
    usage: Usage = NO_USAGE
    result: Json = None
    metadata: JsonObject | None = None


def revoke(execution: Execution, now: datetime, only_waiting: bool = False) -> AttemptRevoked:
    """Take the latest attempt back from its worker."""
    return AttemptRevoked(
        tenant_id=execution.tenant_id,
        execution_id=execution.execution_id,
        attempt=execution.attempt,
        worker_id=execution.worker_id or "",
        only_waiting=only_waiting,
        at=now,
    )


def cancel(
    book: Book,
    execution: Execution,
    reason: Reason,
    actor: str | None,
    now: datetime,
    superseded_by: str | None = None,
) -> Sequence[Message]:
    """End the execution: at once when it waits, through its worker when one has it."""
    if not execution.in_flight:
        if (
            execution.attempt == 0
            and execution.trigger_type is TriggerType.SCHEDULED
            and reason is not Reason.REQUESTED
        ):
            return [skipped(book, execution, reason, now)]
        return [cancelled(replace(execution, superseded_by=superseded_by), reason, actor, now)]
    revocation = revoke(execution, now)
    if execution.cancel_reason is not None:
        return [revocation]
    request = CancellationRequested(
        **execution.next_event(now),
        attempt=execution.attempt,
        reason=reason,
        requested_by=actor,
        blocked_by=superseded_by,
    )
    return [request, revocation]


def withdraw(book: Book, execution: Execution, reason: Reason, actor: str | None, now: datetime) -> Sequence[Message]:
    """End the execution unless it runs: what only waits in its worker's hands is taken back, the rest is left alone."""
    if execution.in_flight:
        return [] if execution.started_at is not None else [revoke(execution, now, only_waiting=True)]
    return cancel(book, execution, reason, actor, now)


def given_up(
    book: Book, execution: Execution, reason: Reason, now: datetime, blocked_by: str | None = None
) -> ExecutionSkipped | ExecutionCancelled:
    """The end of an execution that waited for a slot: of a fire a skip, of a trigger a cancellation."""
    if execution.trigger_type is TriggerType.SCHEDULED:
        return skipped(book, execution, reason, now, blocked_by)
    return cancelled(replace(execution, superseded_by=blocked_by), reason, None, now)


def skipped(
    book: Book, execution: Execution, reason: Reason, now: datetime, blocked_by: str | None = None
) -> ExecutionSkipped:
    """The end of an execution that was admitted, but will not run."""
    job = book.jobs.get(execution.job_id)
    return ExecutionSkipped(
        **execution.next_event(now),
        trigger_type=execution.trigger_type,
        job_version=job.version if job is not None else 0,
        job_type=execution.job_type,
        reason=reason,
        blocked_by=blocked_by,
    )


def cancelled(
    execution: Execution,
    reason: Reason,
    actor: str | None,
    now: datetime,
    started_at: datetime | None = None,
    usage: Usage = NO_USAGE,
) -> ExecutionCancelled:
    """The end of an execution that was ended from outside."""
    return ExecutionCancelled(
        **execution.next_event(now),
        attempt=execution.attempt,
        worker_id=execution.worker_id,
        started_at=started_at or execution.started_at,
        completed_at=now,
        usage=usage,
        reason=reason,
        cancelled_by=actor,
        blocked_by=execution.superseded_by,
    )


def lost(
    book: Book, execution: Execution, code: str, message: str, now: datetime, was_unstarted: bool = False
) -> Message:
    """What follows when the latest attempt came to nothing through no doing of the job: the next attempt at once.

    The job's own retry rules do not count here: an admitted fire runs at least once. After so many losses in a row
    that the job itself must be the cause, it fails. So does, at once, one that is to run at most once, unless its
    worker itself says that it never began.
    """
    failure = Failure(type=ErrorType.SYSTEM_ERROR, code=code, message=message)
    job = book.jobs.get(execution.job_id)
    if _is_withdrawn(execution) and (reason := _why_withdrawn(book, job)) is not None:
        return cancelled(execution, execution.cancel_reason or reason, execution.cancelled_by, now)
    retry_config = job.definition.retry_config if job is not None else None
    allowed = LOST_ATTEMPT_COUNT_MAX + (retry_config.max_retries if retry_config is not None else 0)
    is_last = execution.attempt > allowed or not (was_unstarted or may_repeat(book, execution))
    if execution.cancel_reason is not None or is_last:
        return failed(book, execution, FailedAttempt(failure, completed_at=now), now)
    return RetryScheduled(
        **execution.next_event(now),
        attempt=execution.attempt,
        worker_id=execution.worker_id,
        started_at=execution.started_at,
        completed_at=now,
        failure=failure,
        retry_at=_next_turn(execution, now),
    )


def _next_turn(execution: Execution, now: datetime) -> datetime:
    """At once, but for a fire that was handed out ahead of its instant: that is kept."""
    return max(now, execution.due_at) if execution.trigger_type is TriggerType.SCHEDULED else now


def _why_withdrawn(book: Book, job: Job | None) -> Reason | None:
    if job is None:
        return None
    return Reason.PAUSED if job.status is JobStatus.PAUSED else book.tenants.why_not(job)


def _is_withdrawn(execution: Execution) -> bool:
    """Whether a pause took it back from a worker that was never heard to begin it, and did not answer."""
    return execution.started_at is None and execution.trigger_type is TriggerType.SCHEDULED


def may_repeat(book: Book, execution: Execution) -> bool:
    """Whether it may run again although an attempt of it may have begun."""
    job = book.jobs.get(execution.job_id)
    return job is None or job.definition.delivery is not Delivery.AT_MOST_ONCE


def failed(book: Book, execution: Execution, attempt: FailedAttempt, now: datetime) -> Message:
    """What follows the failure of the latest attempt: the next attempt, or the end."""
    started_at = attempt.started_at or execution.started_at
    if execution.cancel_reason is not None:
        reason, actor = execution.cancel_reason, execution.cancelled_by
        return cancelled(execution, reason, actor, now, started_at, attempt.usage)
    job = book.jobs.get(execution.job_id)
    again = retry_at(job.definition.retry_config if job is not None else None, attempt.failure, execution.attempt, now)
    if again is not None:
        return RetryScheduled(
            **execution.next_event(now),
            attempt=execution.attempt,
            worker_id=execution.worker_id,
            started_at=started_at,
            completed_at=attempt.completed_at,
            failure=attempt.failure,
            usage=attempt.usage,
            retry_at=again,
        )
    return ExecutionFailed(
        **execution.next_event(now),
        attempt=execution.attempt,
        worker_id=execution.worker_id,
        started_at=started_at,
        completed_at=attempt.completed_at,
        failure=attempt.failure,
        usage=attempt.usage,
        result=attempt.result,
        metadata=attempt.metadata,
    )
