"""Whether whoever asks may still ask, judged where commands are decided on.

Guarantee: what an API process believed when it let a call in does not count here: the order of the tenant's partition
does. A command of a user who was disabled before it has no effect, however long it was under way. A caller within tags
acts on a job by the tags that the job has at that moment, and is told of any other as of one that does not exist.
"""

from datetime import datetime

from horolog.domain.tag_scopes import reaches
from schemas.commands import CancelExecution, Command, CreateJob, JobCommand, TenantCommand, UpdateJob
from schemas.events.owners import CommandRejected
from schemas.jobs import Job
from services.dispatcher.book import Book
from services.dispatcher.rejections import reject, reject_unknown_execution, reject_unknown_job

USER_DISABLED = "USER_DISABLED"
TAG_REQUIRED = "TAG_REQUIRED"


def refuse_caller(book: Book, command: Command, now: datetime) -> CommandRejected | None:
    """The rejection of a command whose caller may not give it, or not any more."""
    if isinstance(command, TenantCommand):
        # Of the platform, or of an administrator who may have no other say in the tenant.
        return None
    if book.tenants.is_disabled(command.tenant_id, command.actor):
        return reject(command, now, USER_DISABLED, "this user was disabled; nothing is done for it any more")
    return None if command.within_tags is None else _refuse_beyond(book, command, command.within_tags, now)


def _refuse_beyond(book: Book, command: Command, within: tuple[str, ...], now: datetime) -> CommandRejected | None:
    """The rejection of a command about a job that the caller does not reach, or would not reach any more."""
    if isinstance(command, CancelExecution):
        execution = book.executions.get(command.execution_id)
        is_own = execution is not None and _is_within(book.jobs.get(execution.job_id), command, within)
        return None if is_own else reject_unknown_execution(command, command.execution_id, now)
    if isinstance(command, JobCommand) and not _is_within(book.jobs.get(command.job_id), command, within):
        return reject_unknown_job(command, command.job_id, now)
    if isinstance(command, CreateJob | UpdateJob) and not reaches(within, command.definition.tags):
        text = f"a job of this caller must carry at least one of these tags: {', '.join(within)}"
        return reject(command, now, TAG_REQUIRED, text)
    return None


def _is_within(job: Job | None, command: Command, within: tuple[str, ...]) -> bool:
    return job is not None and job.tenant_id == command.tenant_id and reaches(within, job.definition.tags)
