"""What silence brings about: leases that lapse, attempts that outstay their timeout."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from horolog.limits import CANCEL_GRACE_S, TIMEOUT_BACKSTOP_S
from schemas.base import Message
from schemas.events.executions import Failure
from schemas.jobs import ErrorType
from services.dispatcher.book import Book
from services.dispatcher.endings import FailedAttempt, cancelled, failed, lost, revoke

SWEEP_INTERVAL = timedelta(seconds=1)


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
