"""Deciding on commands about jobs: create, update, pause, resume, stop, delete.

Each accepted command writes the change, the whole job for the table, what becomes of the job's executions, and the
outcome; each rejected one writes its outcome and nothing else.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import floor

from horolog.domain.schedule import resumed_from, same_instants, with_change
from horolog.limits import LOOKAHEAD_S, SCHEDULE_CHANGES_KEPT_COUNT
from schemas.base import Message
from schemas.commands import Command, CreateJob, DeleteJob, JobCommand, PauseJob, ResumeJob, StopJob, UpdateJob
from schemas.events.executions import Reason, TriggerType
from schemas.events.jobs import (
    JobChanged,
    JobCreated,
    JobDeleted,
    JobPaused,
    JobResumed,
    JobStopped,
    JobTabled,
    JobUpdated,
)
from schemas.events.owners import CommandAccepted
from schemas.jobs import Job, JobStatus, ScheduleChange
from services.dispatcher.book import Book
from services.dispatcher.endings import cancel, withdraw
from services.dispatcher.rejections import reject, reject_definition, reject_job, reject_unknown_job

SETTLE = timedelta(seconds=0.25)
"""How long a revocation may be under way before it has certainly reached a worker that answers."""


def decide_create(book: Book, command: CreateJob, now: datetime) -> Sequence[Message]:
    """Create the job, unless its id is taken, its definition makes no sense, or its tenant may not have it."""
    if book.jobs.get(command.job_id) is not None:
        return [reject(command, now, "JOB_ALREADY_EXISTS", f"a job with the id {command.job_id} exists already")]
    quota = book.tenants.settings(command.tenant_id).quotas.max_jobs
    if quota is not None and book.jobs.count_of(command.tenant_id) >= quota:
        return [reject(command, now, "QUOTA_EXCEEDED", f"this tenant may have {quota} jobs, and has as many")]
    if (rejection := reject_definition(book, command, command.definition, now)) is not None:
        return [rejection]
    job = Job(
        job_id=command.job_id,
        tenant_id=command.tenant_id,
        definition=command.definition,
        effective_from=now,
        schedule_changes=(ScheduleChange(schedule_version=1, effective_from=now),),
        created_by=command.actor,
        created_at=now,
        updated_at=now,
    )
    return _changed(JobCreated, command, None, job, now)


def decide_job_command(book: Book, command: JobCommand, now: datetime) -> Sequence[Message]:
    """Decide on a command about an existing job."""
    job = book.jobs.get(command.job_id)
    if job is None or job.tenant_id != command.tenant_id:
        return [reject_unknown_job(command, command.job_id, now)]
    if command.expected_version is not None and command.expected_version != job.version:
        text = f"the job is at version {job.version}, not {command.expected_version}; read it again"
        return [reject(command, now, "VERSION_CONFLICT", text)]
    if isinstance(command, UpdateJob):
        return _update(book, command, job, now)
    if isinstance(command, PauseJob):
        return _pause(book, command, job, now)
    if isinstance(command, ResumeJob):
        return _resume(book, command, job, now)
    if isinstance(command, StopJob):
        return _end(book, command, job, now, JobStopped, Reason.STOPPED)
    assert isinstance(command, DeleteJob)
    return _end(book, command, job, now, JobDeleted, Reason.DELETED)


def _update(book: Book, command: UpdateJob, job: Job, now: datetime) -> Sequence[Message]:
    if (rejection := reject_definition(book, command, command.definition, now)) is not None:
        return [rejection]
    after = job.model_copy(update={"definition": command.definition})
    if not same_instants(job.definition, command.definition):
        # What was admitted ahead stands. The new schedule begins after it: it might name the same instants, and its
        # ticker might say so long after they were dealt with.
        begin = max(book.settled.in_force_from(now), *_decided(book, job))
        after = with_change(after, begin, SCHEDULE_CHANGES_KEPT_COUNT)
    return _changed(JobUpdated, command, job, after, now)


def _pause(book: Book, command: PauseJob, job: Job, now: datetime) -> Sequence[Message]:
    if job.status is JobStatus.PAUSED:
        return [_accepted(command, job, now, now)]
    if job.status is JobStatus.INACTIVE:
        return [reject(command, now, "JOB_NOT_ACTIVE", "an inactive job cannot be paused; resume it first")]
    after = deactivated(book, job, JobStatus.PAUSED, now)
    withdrawn = [m for e in book.of_job(job.job_id) for m in withdraw(book, e, Reason.PAUSED, command.actor, now)]
    return [*withdrawn, *_changed(JobPaused, command, job, after, now, settle=_held(book, job))]


def _resume(book: Book, command: ResumeJob, job: Job, now: datetime) -> Sequence[Message]:
    if job.status is JobStatus.ACTIVE:
        return [_accepted(command, job, now, now)]
    if (rejection := reject_job(book, command, job, now)) is not None:
        return [rejection]
    limit = job.definition.max_executions
    if limit is not None and job.execution_count >= limit:
        text = f"the job has run {job.execution_count} of {limit} times; raise maxExecutions first"
        return [reject(command, now, "JOB_NOT_ACTIVE", text)]
    active = job.model_copy(update={"status": JobStatus.ACTIVE, "inactive_since": None})
    begin = resumed_from(job, book.settled.in_force_from(now), command.catch_up)
    after = with_change(active, begin, SCHEDULE_CHANGES_KEPT_COUNT)
    return _changed(JobResumed, command, job, after, now)


def _end(
    book: Book, command: JobCommand, job: Job, now: datetime, event: type[JobChanged], reason: Reason
) -> Sequence[Message]:
    deleted, is_held = event is JobDeleted, _held(book, job)
    cancelled = [m for e in book.of_job(job.job_id) for m in cancel(book, e, reason, command.actor, now)]
    if job.status is JobStatus.INACTIVE and not deleted:
        # It may have become so by itself, and its last runs still go on.
        return [*cancelled, _accepted(command, job, now, now + SETTLE if is_held else now)]
    after = deactivated(book, job.model_copy(update={"deleted": deleted}), JobStatus.INACTIVE, now)
    return [*cancelled, *_changed(event, command, job, after, now, settle=is_held)]


def deactivated(book: Book, job: Job, status: JobStatus, now: datetime) -> Job:
    """The job, no longer active. Instants that are in the ledger already are not to be owed again by a later resume."""
    since, begin = job.inactive_since, book.settled.in_force_from(now)
    if job.status is JobStatus.ACTIVE:
        emitted = datetime.fromtimestamp(floor(begin.timestamp() + LOOKAHEAD_S), UTC)
        since = max(emitted, *_decided(book, job))
    changed = job.model_copy(update={"status": status, "inactive_since": since})
    return with_change(changed, begin, SCHEDULE_CHANGES_KEPT_COUNT)


def _decided(book: Book, job: Job) -> list[datetime]:
    """The job's instants that have an account in the ledger, as far as they may lie ahead."""
    admitted = [e.scheduled_for for e in book.of_job(job.job_id) if e.trigger_type is TriggerType.SCHEDULED]
    return [job.created_at, *admitted, *book.settled.instants_of(job.job_id)]


def _held(book: Book, job: Job) -> bool:
    return any(e.in_flight for e in book.of_job(job.job_id))


def _changed(
    event: type[JobChanged], command: Command, before: Job | None, after: Job, now: datetime, settle: bool = False
) -> Sequence[Message]:
    if before is not None:
        after = after.model_copy(update={"version": before.version + 1, "updated_at": now})
    change = event(
        tenant_id=after.tenant_id,
        job_id=after.job_id,
        actor=command.actor,
        at=now,
        command_id=command.command_id,
        reason=command.reason,
        job=after,
        before=before,
    )
    effective_at = now + SETTLE if settle else now
    return [change, JobTabled(tenant_id=after.tenant_id, job=after), _accepted(command, after, now, effective_at)]


def _accepted(command: Command, job: Job, now: datetime, effective_at: datetime) -> CommandAccepted:
    return CommandAccepted(
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        request_hash=command.request_hash,
        at=now,
        effective_at=effective_at,
        job_id=job.job_id,
        job_version=job.version,
    )
