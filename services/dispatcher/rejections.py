"""Rejecting commands, and what a job is rejected for whatever is asked of it.

What may not be, for it makes no sense or the tenant may not have it, is judged against the authoritative state: here,
and nowhere before.
"""

from datetime import datetime

from horolog.domain.definition import INVALID_JOB_CONFIG, definition_problems
from horolog.domain.tenancy import config_refusal, shortest_gap
from horolog.limits import DEFINITION_BYTES_MAX
from schemas.commands import Command
from schemas.events.executions import Reason
from schemas.events.owners import CommandRejected
from schemas.jobs import Job, JobDefinition
from schemas.tenants import TenantState
from services.dispatcher.book import Book

QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
TENANT_SUSPENDED = "TENANT_SUSPENDED"


def reject(command: Command, now: datetime, code: str, message: str) -> CommandRejected:
    """The outcome of a command that has no effect."""
    return CommandRejected(
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        request_hash=command.request_hash,
        at=now,
        code=code,
        message=message,
    )


def reject_unknown_job(command: Command, job_id: str, now: datetime) -> CommandRejected:
    """The rejection of a command about a job that is not there, or not the caller's: the two are told alike."""
    return reject(command, now, "JOB_NOT_FOUND", f"there is no job {job_id}")


def reject_unknown_execution(command: Command, execution_id: str, now: datetime) -> CommandRejected:
    """The same about an execution that does not go on."""
    text = f"there is no execution {execution_id} that waits or runs"
    return reject(command, now, "EXECUTION_NOT_FOUND", text)


def reject_definition(book: Book, command: Command, definition: JobDefinition, now: datetime) -> CommandRejected | None:
    """The rejection of a definition that makes no sense, that the log cannot carry, or that the tenant may not have."""
    size = len(definition.to_json())
    if size > DEFINITION_BYTES_MAX:
        text = f"the definition takes {size} bytes; at most {DEFINITION_BYTES_MAX} are allowed"
        return reject(command, now, INVALID_JOB_CONFIG, text)
    if problems := definition_problems(definition):
        return reject(command, now, problems[0].code, "; ".join(p.message for p in problems))
    if book.tenants.state(command.tenant_id) is TenantState.SUSPENDED:
        return _reject_suspended(command, now)
    settings = book.tenants.settings(command.tenant_id)
    if (refusal := config_refusal(definition.config, settings)) is not None:
        return reject(command, now, *refusal)
    return _reject_frequent(command, definition, settings.quotas.min_interval_seconds, now)


def reject_job(book: Book, command: Command, job: Job, now: datetime) -> CommandRejected | None:
    """The rejection of a command that would have a job run that may not, for reasons that lie with its tenant."""
    reason = book.tenants.why_not(job)
    if reason is None:
        return None
    if reason is Reason.TENANT_SUSPENDED:
        return _reject_suspended(command, now)
    if reason is Reason.OWNER_BARRED:
        return reject(command, now, "OWNER_BARRED", "jobs that this job's creator made are not to run any more")
    refusal = config_refusal(job.definition.config, book.tenants.settings(job.tenant_id))
    assert refusal is not None
    return reject(command, now, *refusal)


def _reject_suspended(command: Command, now: datetime) -> CommandRejected:
    return reject(command, now, TENANT_SUSPENDED, "this tenant is suspended; nothing of it starts")


def _reject_frequent(
    command: Command, definition: JobDefinition, least_s: int | None, now: datetime
) -> CommandRejected | None:
    if least_s is None:
        return None
    gap_s = shortest_gap(definition, int(now.timestamp()), least_s)
    if gap_s is None or gap_s >= least_s:
        return None
    text = f"the schedule names instants {gap_s} s apart; this tenant's must be {least_s} s apart or more"
    return reject(command, now, QUOTA_EXCEEDED, text)
