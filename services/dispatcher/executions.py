"""Deciding on fires, triggers, cancellations and reports: the life of one execution."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json

from horolog.domain.execution import Execution, begun
from horolog.domain.identity import triggered_execution_id
from horolog.domain.misfire import paced
from horolog.domain.overlap import waiting_max
from horolog.domain.schedule import governs
from horolog.limits import PARAMETERS_BYTES_MAX
from schemas.base import Message
from schemas.codec import RecordError
from schemas.commands import CancelExecution, TriggerJob
from schemas.events.executions import (
    AttemptProgressed,
    AttemptStarted,
    ExecutionAdmitted,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionMissed,
    LateResultRecorded,
    Reason,
    RetryScheduled,
    TriggerType,
)
from schemas.events.fires import FireDue, FireMissed
from schemas.events.owners import CommandAccepted
from schemas.events.results import (
    AttemptReport,
    CancellationReported,
    FailureReported,
    ProgressReported,
    StartReported,
    SuccessReported,
)
from schemas.jobs import Job, JobStatus, JobType, OverlapPolicy
from services.dispatcher.book import Book
from services.dispatcher.endings import FailedAttempt, cancel, cancelled, failed, lost, skipped
from services.dispatcher.jobs import SETTLE
from services.dispatcher.rejections import (
    QUOTA_EXCEEDED,
    reject,
    reject_job,
    reject_unknown_execution,
    reject_unknown_job,
)

WORKER_LOST_CODES = frozenset({"WORKER_STOPPED", "LEASE_LOST"})
"""The codes of attempts that ended only because their worker was stopped, or could not reach the log for a lease."""


def decide_fire(book: Book, fire: FireDue, now: datetime) -> Sequence[Message]:
    """Admit the fire; whether it may run is decided when its instant comes. A void fire has no effect.

    One that catches up gets its turn; what is too much to wait for its turn, or for its minute, is skipped at once. So
    is what a deleted job owed before its deletion took effect.
    """
    if fire.fire_id in book.executions or book.settled.knows(fire.fire_id):
        return ()
    known = _known(book, fire)
    job = next((job for job in known if governs(job, fire.schedule_version, fire.scheduled_for)), None)
    if job is None:
        return ()
    admitted = _admitted(job, fire.fire_id, fire.scheduled_for, TriggerType.SCHEDULED, now)
    if job.deleted:
        return [_never_begun(book, job, admitted, Reason.DELETED, now)]
    if not fire.catch_up:
        has_fires_left = book.tenants.has_fires_left(job.tenant_id, fire.scheduled_for, now)
        return [admitted if has_fires_left else _never_begun(book, job, admitted, Reason.QUOTA, now)]
    if book.queued_count(job.tenant_id) >= book.tenants.queued_max(job.tenant_id):
        return [_never_begun(book, job, admitted, Reason.QUOTA, now)]
    line = book.line(job.job_id)
    newest = book.executions[next(reversed(line.catching_up))] if line is not None and line.catching_up else None
    turn = paced(job.definition.misfire, newest, now)
    if not book.tenants.has_fires_left(job.tenant_id, turn, now):
        return [_never_begun(book, job, admitted, Reason.QUOTA, now)]
    return [admitted.model_copy(update={"catch_up": True, "not_before": turn})]


def _known(book: Book, fire: FireDue | FireMissed) -> list[Job]:
    """The job that a fire is of, and one of the same id that was deleted while its ticker was behind."""
    found = (book.jobs.get(fire.job_id), book.jobs.deleted(fire.job_id))
    return [job for job in found if job is not None and job.tenant_id == fire.tenant_id]


def _never_begun(book: Book, job: Job, admitted: ExecutionAdmitted, reason: Reason, now: datetime) -> Message:
    ended = skipped(book, begun(admitted, 0), reason, now)
    return ended.model_copy(update={"seq": 1, "job_version": job.version})


def decide_missed(book: Book, missed: FireMissed, now: datetime) -> Sequence[Message]:
    """Enter the missed range into the ledger: one row with its count."""
    known = _known(book, missed)
    if not known:
        return ()
    job = known[0]
    return [
        ExecutionMissed(
            tenant_id=job.tenant_id,
            execution_id=missed.miss_id,
            job_id=job.job_id,
            scheduled_for=missed.first,
            seq=1,
            at=now,
            job_version=job.version,
            job_type=job.definition.job_type,
            missed_until=missed.last,
            missed_count=missed.count,
        )
    ]


def decide_trigger(book: Book, command: TriggerJob, now: datetime) -> Sequence[Message]:
    """Run the job now, unless it may not."""
    job = book.jobs.get(command.job_id)
    if job is None or job.tenant_id != command.tenant_id:
        return [reject_unknown_job(command, command.job_id, now)]
    if command.expected_version is not None and command.expected_version != job.version:
        return [reject(command, now, "VERSION_CONFLICT", f"the job is at version {job.version}; read it again")]
    if job.status is JobStatus.INACTIVE:
        return [reject(command, now, "JOB_NOT_ACTIVE", "the job is inactive; resume it first")]
    if (rejection := reject_job(book, command, job, now)) is not None:
        return [rejection]
    if command.parameters is not None and job.definition.job_type is not JobType.FUNCTION:
        return [reject(command, now, "INVALID_JOB_CONFIG", "only a function job takes parameters")]
    if len(to_json(command.parameters)) > PARAMETERS_BYTES_MAX:
        text = f"the parameters take more than the {PARAMETERS_BYTES_MAX} bytes allowed"
        return [reject(command, now, "INVALID_JOB_CONFIG", text)]
    if (why := _why_no_slot(book, job)) is not None:
        return [reject(command, now, "JOB_ALREADY_RUNNING", why)]
    if (why := _why_over_quota(book, job, now)) is not None:
        return [reject(command, now, QUOTA_EXCEEDED, why)]
    execution_id = triggered_execution_id(command.command_id)
    admitted = _admitted(job, execution_id, now, TriggerType.MANUAL, now).model_copy(
        update={"triggered_by": command.actor, "parameters": command.parameters}
    )
    return [admitted, _accepted(command, admitted, admitted.seq, now, now)]


def _why_over_quota(book: Book, job: Job, now: datetime) -> str | None:
    """Why the tenant may not have one more execution waiting, or beginning in this minute."""
    most = book.tenants.queued_max(job.tenant_id)
    if book.queued_count(job.tenant_id) >= most:
        return f"{most} executions of this tenant are waiting already"
    if not book.tenants.has_fires_left(job.tenant_id, now, now):
        return "as many executions of this tenant have begun in this minute as may"
    return None


def _why_no_slot(book: Book, job: Job) -> str | None:
    """Why one more execution of the job could neither go on nor wait; what catches up is in nobody's way."""
    line = book.line(job.job_id)
    if line is None or job.definition.overlap.policy is OverlapPolicy.CANCEL_RUNNING:
        return None
    most, waiting_most = job.definition.max_concurrent, waiting_max(job)
    if line.timely_count < most + waiting_most:
        return None
    if waiting_most == 0:
        return f"{line.timely_count} of at most {most} executions are going on"
    return f"{most} executions are going on, and {waiting_most} of at most {waiting_most} wait for them"


def decide_cancel(book: Book, command: CancelExecution, now: datetime) -> Sequence[Message]:
    """End the execution, if it has not ended."""
    execution = book.executions.get(command.execution_id)
    if execution is None or execution.tenant_id != command.tenant_id:
        return [reject_unknown_execution(command, command.execution_id, now)]
    ended = cancel(book, execution, Reason.REQUESTED, command.actor, now)
    seq = max((event.seq for event in ended if isinstance(event, ExecutionEvent)), default=execution.seq)
    may_yet_begin = execution.in_flight and execution.started_at is None
    return [*ended, _accepted(command, execution, seq, now, now + SETTLE if may_yet_begin else now)]


def decide_report(book: Book, report: AttemptReport, now: datetime) -> Sequence[Message]:
    """Fold a worker's report; one of an older attempt, or after the end, is kept as evidence only.

    Raises:
        RecordError: it names another tenant than the execution's; nothing of it may stand in that tenant's ledger.
    """
    execution = book.executions.get(report.execution_id)
    if execution is not None and execution.tenant_id != report.tenant_id:
        raise RecordError("the report is about an execution of another tenant")
    if execution is None or not _current(execution, report):
        return _late(execution, report, now)
    if isinstance(report, StartReported):
        if execution.started_at is not None:
            return ()
        return [
            AttemptStarted(
                **execution.next_event(now),
                attempt=report.attempt,
                worker_id=report.worker_id,
                started_at=report.started_at,
            )
        ]
    if isinstance(report, ProgressReported):
        return [AttemptProgressed(**execution.next_event(now), attempt=report.attempt, progress=report.progress)]
    return [_with_start(book, execution, _ended(book, execution, report, now))]


def _with_start(book: Book, execution: Execution, end: Message) -> Message:
    """The end of an attempt, which tells the start if nothing has: of short ones, workers report the end alone."""
    if not isinstance(end, ExecutionEnded | RetryScheduled) or end.started_at is None:
        return end
    # While it is at work, the release before would refuse the field; then such a start is told by nothing.
    if execution.started_at is not None or book.is_upgrading:
        return end
    return end.model_copy(update={"tells_start": True})


def _ended(book: Book, execution: Execution, report: AttemptReport, now: datetime) -> Message:
    if isinstance(report, SuccessReported):
        return ExecutionCompleted(
            **execution.next_event(now),
            attempt=report.attempt,
            worker_id=report.worker_id,
            started_at=report.started_at,
            completed_at=report.at,
            usage=report.usage,
            result=report.result,
            metadata=report.metadata,
        )
    if isinstance(report, FailureReported) and report.failure.code in WORKER_LOST_CODES:
        return lost(
            book, execution, report.failure.code, report.failure.message, now, was_unstarted=report.started_at is None
        )
    if isinstance(report, FailureReported):
        attempt = FailedAttempt(
            report.failure, report.at, report.started_at, report.usage, report.result, report.metadata
        )
        return failed(book, execution, attempt, now)
    assert isinstance(report, CancellationReported)
    if execution.cancel_reason is None:
        message = f"worker {report.worker_id} handed attempt {report.attempt} back"
        return lost(book, execution, "HANDED_BACK", message, now, was_unstarted=report.started_at is None)
    return cancelled(execution, execution.cancel_reason, execution.cancelled_by, now, report.started_at, report.usage)


def _current(execution: Execution, report: AttemptReport) -> bool:
    return execution.in_flight and execution.attempt == report.attempt and execution.worker_id == report.worker_id


def _late(execution: Execution | None, report: AttemptReport, now: datetime) -> Sequence[Message]:
    if isinstance(report, StartReported | ProgressReported):
        return ()
    return [
        LateResultRecorded(
            tenant_id=report.tenant_id,
            execution_id=report.execution_id,
            job_id=report.job_id,
            scheduled_for=report.scheduled_for,
            seq=execution.seq + 1 if execution is not None else 0,
            at=now,
            attempt=report.attempt,
            worker_id=report.worker_id,
            reported=report.TYPE,
        )
    ]


def _admitted(
    job: Job, execution_id: str, scheduled_for: datetime, trigger: TriggerType, now: datetime
) -> ExecutionAdmitted:
    return ExecutionAdmitted(
        tenant_id=job.tenant_id,
        execution_id=execution_id,
        job_id=job.job_id,
        scheduled_for=scheduled_for,
        seq=1,
        at=now,
        trigger_type=trigger,
        job_version=job.version,
        job_type=job.definition.job_type,
        priority=job.definition.priority,
    )


def _accepted(
    command: TriggerJob | CancelExecution,
    execution: ExecutionAdmitted | Execution,
    seq: int,
    now: datetime,
    effective_at: datetime,
) -> CommandAccepted:
    return CommandAccepted(
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        request_hash=command.request_hash,
        at=now,
        effective_at=effective_at,
        job_id=execution.job_id,
        execution_id=execution.execution_id,
        execution_seq=seq,
    )
