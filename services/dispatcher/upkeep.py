"""What silence brings about: leases that lapse, workers that take no work, attempts that outstay their timeout."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from horolog.domain.execution import Execution, Stage
from horolog.limits import CANCEL_GRACE_S, FEED_LOOK_INTERVAL_S, TIMEOUT_BACKSTOP_S
from schemas.base import Message
from schemas.events.executions import Failure
from schemas.events.workers import HeldAttempt, Stall
from schemas.jobs import ErrorType
from services.dispatcher.book import Book
from services.dispatcher.endings import FailedAttempt, cancelled, failed, lost, may_repeat, revoke
from services.dispatcher.progress import STALL_WORDS
from services.dispatcher.worker_slot import WorkerSlot

SWEEP_INTERVAL = timedelta(seconds=1)
LOOK_INTERVAL = timedelta(seconds=FEED_LOOK_INTERVAL_S)
"""How soon a sweep that may not be done yet, for records wait to be read, is tried again."""


def take_back_lapsed(book: Book, now: datetime) -> Iterator[Message]:
    """Attempts whose worker has not named them for a lease are lost: retried or failed, and revoked in any case."""
    for worker_id in book.silent_workers(now):
        book.lose_worker(worker_id, now)
    for execution in book.lapsed(now):
        yield revoke(execution, now)
        message = f"worker {execution.worker_id} was lost while it held attempt {execution.attempt}"
        yield lost(book, execution, "WORKER_LOST", message, now)


def set_stalled_aside(book: Book, now: datetime) -> Iterator[Message]:
    """Workers that beat, but take or start nothing, get nothing more; what they left alone is handed to others.

    One that is to run at most once is only asked back: its worker answers, or its lease lapses.
    """
    for slot in list(book.workers.values()):
        slot.progress.pass_time(now)
        stall, left = _left_alone(book, slot, now)
        if stall is None:
            continue
        slot.progress.set_aside(stall, (HeldAttempt(execution_id=e.execution_id, attempt=e.attempt) for e in left), now)
        for execution in left:
            may_run_again = may_repeat(book, execution)
            yield revoke(execution, now, only_waiting=not may_run_again)
            if may_run_again:
                message = f"worker {slot.worker_id} was set aside: {STALL_WORDS[stall]}"
                yield lost(book, execution, "WORKER_STALLED", message, now)


def _left_alone(book: Book, slot: WorkerSlot, now: datetime) -> tuple[Stall | None, list[Execution]]:
    """In which way the worker stalls, if it does, and what it has neither started nor been found out with before."""
    held = [book.executions[i] for i in slot.held]
    running = Counter(e.job_type for e in held if e.stage is Stage.RUNNING)
    untaken: list[Execution] = []
    unstarted: list[Execution] = []
    stalls: set[Stall] = set()
    for execution in held:
        if execution.stage is Stage.RUNNING or execution.cancel_reason is not None or slot.progress.owes(execution):
            continue
        since = book.taken_since(execution.execution_id)
        if since is None:
            untaken.append(execution)
            could_take = book.untaken_since(execution.execution_id)
            if could_take is not None and slot.progress.is_untaken(could_take):
                stalls.add(Stall.TAKES_NOTHING)
        elif execution.due_at <= now:
            unstarted.append(execution)
            other_count = running.total() - running[execution.job_type]
            if slot.progress.is_unstarted(max(since, execution.due_at), other_count):
                stalls.add(Stall.STARTS_NOTHING)
    if Stall.STARTS_NOTHING in stalls:
        return Stall.STARTS_NOTHING, untaken + unstarted
    return (Stall.TAKES_NOTHING, untaken) if stalls else (None, [])


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
