"""Giving out the slots of jobs: whatever may have freed or wanted one is judged in the same turn.

A slot that is given is not written down. It shows when the execution is handed to a worker; until then it is judged
anew, here and by whoever takes the partition over, with the same result.
"""

from collections.abc import Iterator
from datetime import datetime

from horolog.domain.execution import Execution, Stage
from horolog.domain.overlap import Standing, Verdict, judge
from schemas.base import Message
from schemas.events.executions import ExecutionBlocked, Reason
from schemas.jobs import Job, JobStatus
from services.dispatcher.book import Book
from services.dispatcher.endings import cancel, given_up
from services.dispatcher.line import Line


def settle(book: Book, now: datetime) -> Iterator[Message]:
    """Judge every job of which something has changed. The caller applies each message before it takes the next."""
    while touched := book.take_touched():
        for job_id in touched:
            yield from _settle_job(book, job_id, now)


def _settle_job(book: Book, job_id: str, now: datetime) -> Iterator[Message]:
    line = book.line(job_id)
    if line is None or not (line.timely or line.late):
        return
    job = book.jobs.get(job_id)
    if job is None:
        for execution in _waiting(book, line):
            yield given_up(book, execution, Reason.DELETED, now)
        return
    refusal = book.tenants.why_not(job)
    if line.is_settled and refusal is None and _has_room_for_all(job, line):
        return
    standing = Standing(
        going=book.going(line),
        timely_count=line.going_timely_count,
        timely=[book.executions[i] for i in line.timely],
        late=[book.executions[i] for i in line.late],
        room=book.tenants.queued_max(job.tenant_id) - book.queued_count(job.tenant_id),
        refusal=refusal,
    )
    yield from _carry_out(book, judge(job, standing, now), now)


def _has_room_for_all(job: Job, line: Line) -> bool:
    """Whether those that wait would keep their slots if they were judged again."""
    if job.status is not JobStatus.ACTIVE or job.definition.max_executions is not None:
        return False
    return len(line.going) + line.ready_count <= job.definition.max_concurrent


def _waiting(book: Book, line: Line) -> list[Execution]:
    return [book.executions[i] for i in (*line.timely, *line.late)]


def _carry_out(book: Book, verdict: Verdict, now: datetime) -> Iterator[Message]:
    for execution in verdict.back:
        book.move(execution, Stage.WAITING)
    for execution in verdict.ready:
        book.move(execution, Stage.READY)
    for execution in verdict.again:
        book.alarm(execution.execution_id, execution.due_at)
    for ending in verdict.endings:
        execution = book.executions[ending.execution.execution_id]
        yield given_up(book, execution, ending.reason, now, ending.blocked_by)
    for waiting, blocked_by in verdict.blocked:
        execution = book.executions[waiting.execution_id]
        yield ExecutionBlocked(**execution.next_event(now), blocked_by=blocked_by)
    if verdict.superseded is not None:
        replaced, newcomer = verdict.superseded
        yield from cancel(book, replaced, Reason.SUPERSEDED, None, now, newcomer)
