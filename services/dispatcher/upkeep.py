"""What time alone brings about: instants that come, leases that lapse, attempts that outstay their timeout."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from horolog.domain.execution import Execution, Stage
from horolog.limits import CANCEL_GRACE_S, QUEUED_PER_TENANT_COUNT_MAX, TIMEOUT_BACKSTOP_S
from schemas.base import Message
from schemas.events.executions import Failure, Reason, TriggerType
from schemas.jobs import ErrorType, Job, JobStatus
from services.dispatcher.book import Book
from services.dispatcher.endings import FailedAttempt, cancelled, failed, lost, revoke, skipped

SWEEP_INTERVAL = timedelta(seconds=1)


def activate_due(book: Book, now: datetime) -> Iterator[Message]:
    """Let every execution whose instant has come wait for a worker, or skip it with the reason.

    The caller applies each message before it takes the next.
    """
    for execution in book.due(now):
        if execution.stage is Stage.DELAYED or execution.trigger_type is TriggerType.MANUAL:
            book.make_ready(execution)
            continue
        reason, blocked_by = _obstacle(book, execution)
        if reason is None:
            book.make_ready(execution)
        elif reason is Reason.OVERLAP and now < execution.scheduled_for:
            # The run in the way may end before the instant comes; the instant itself decides.
            book.alarm(execution.execution_id, execution.scheduled_for)
        else:
            yield skipped(book, execution, reason, now, blocked_by)


def _obstacle(book: Book, execution: Execution) -> tuple[Reason | None, str | None]:
    job = book.jobs.get(execution.job_id)
    if job is None:
        return Reason.DELETED, None
    occupying = book.occupying(job.job_id)
    if _used_up(job, occupying):
        return Reason.MAX_EXECUTIONS, None
    if job.status is not JobStatus.ACTIVE:
        return (Reason.PAUSED if job.status is JobStatus.PAUSED else Reason.STOPPED), None
    if len(occupying) >= job.definition.max_concurrent:
        return Reason.OVERLAP, occupying[0].execution_id
    if book.ready_count(execution.tenant_id) >= QUEUED_PER_TENANT_COUNT_MAX:
        return Reason.QUOTA, None
    return None, None


def _used_up(job: Job, occupying: Sequence[Execution]) -> bool:
    limit = job.definition.max_executions
    if limit is None:
        return False
    return job.execution_count + sum(1 for e in occupying if e.attempt == 0) >= limit


def take_back_lapsed(book: Book, now: datetime) -> Iterator[Message]:
    """Attempts whose worker has not named them for a lease are lost: retried or failed, and revoked in any case."""
    for worker_id in book.silent_workers(now):
        book.lose_worker(worker_id, now)
    for execution in book.lapsed(now):
        yield revoke(execution, now)
        message = f"worker {execution.worker_id} was lost while it held attempt {execution.attempt}"
        yield lost(book, execution, "WORKER_LOST", message, now)


def end_overdue(book: Book, now: datetime) -> Iterator[Message]:
    """Attempts that outlast their timeout, or a request to end, by so much that their worker must have failed."""
    for execution in book.in_flight():
        if execution.cancel_reason is not None and execution.handed_at is not None:
            if now - execution.handed_at > timedelta(seconds=CANCEL_GRACE_S + TIMEOUT_BACKSTOP_S):
                yield cancelled(execution, execution.cancel_reason, execution.cancelled_by, now)
            continue
        job = book.jobs.get(execution.job_id)
        if execution.started_at is None or job is None:
            continue
        allowed = job.definition.timeout_s() + CANCEL_GRACE_S + TIMEOUT_BACKSTOP_S
        if now - execution.started_at > timedelta(seconds=allowed):
            yield revoke(execution, now)
            failure = Failure(
                type=ErrorType.TIMEOUT,
                code="TIMED_OUT",
                message=f"the worker did not end the attempt within its timeout of {job.definition.timeout_s():g} s",
            )
            yield failed(book, execution, FailedAttempt(failure, completed_at=now), now)
