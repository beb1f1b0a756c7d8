"""Whether whoever asks may ask, and still may, judged where commands are decided on.

Guarantee: a command that was not sealed by who may give it is a stranger's record. It goes to the dead letters and has
no outcome, so that nobody can answer, or use up, a command of somebody else's by its id. What an API process believed
when it let a call in does not count here: the order of the tenant's partition does. A command of a user who was
disabled before it has no effect, however long it was under way. A caller within tags acts on a job by the tags that the
job has at that moment, and is told of any other as of one that does not exist.
"""

from datetime import datetime

from horolog.domain.command_rights import objection
from horolog.domain.command_seals import CommandSeals, is_sealed
from horolog.domain.tag_scopes import reaches
from horolog.log.port import Record
from schemas.codec import RecordError, type_of
from schemas.commands import CancelExecution, Command, CreateJob, JobCommand, TenantCommand, UpdateJob
from schemas.events.owners import CommandRejected
from schemas.jobs import Job
from services.dispatcher.book import Book
from services.dispatcher.rejections import reject, reject_unknown_execution, reject_unknown_job

USER_DISABLED = "USER_DISABLED"
TAG_REQUIRED = "TAG_REQUIRED"


def check_seal(seals: CommandSeals, command: Command, record: Record, *, is_upgrading: bool) -> None:
    """Let a command pass that was sealed by a key that is for it. The release before seals none: while its APIs may
    still be at work, what has no seal passes as well.

    Raises:
        RecordError: it was not.
    """
    if is_upgrading and not is_sealed(record.headers):
        return
    key = seals.holder_of(record.headers, type_of(record.headers) or "", record.value or b"")
    if key is None:
        raise RecordError("nobody who may give commands has sealed the record with a key that is known here")
    if (why := objection(key, command)) is not None:
        raise RecordError(why)


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
