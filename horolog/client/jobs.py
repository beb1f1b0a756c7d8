"""Calls about jobs, and definitions of jobs in a line.

Guarantee: what is sent is what was given; whether it is good is for the API to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from horolog.client.calls import ANY, Call, Page, Wish, change, pages, part, read, remove
from schemas.http import ExecutionResponse, JobPage, JobResponse
from schemas.http_history import FiresResponse, VersionPage, VersionResponse
from schemas.http_resume import ResumePreview
from schemas.jobs import CommandConfig, FunctionConfig, HttpConfig, JobConfig, JobDefinition, JobStatus, JobType

Definition = JobDefinition | Mapping[str, Any]
"""A definition, or the body that stands for one, with the API's names."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs: all conditions must hold; `named` is looked for in the name."""

    status: JobStatus | None = None
    job_type: JobType | None = None
    tag: str | None = None
    named: str | None = None

    def query(self) -> dict[str, object]:
        """As the API takes it."""
        return {"status": self.status, "jobType": self.job_type, "tag": self.tag, "q": self.named}


EVERY_JOB = JobFilter()


def function_job(
    name: str, cron: str, function: str, parameters: Mapping[str, JsonValue] | None = None
) -> JobDefinition:
    """A job for a function that workers have registered under this name, such as `billing.close_month`."""
    module, _, called = function.rpartition(".")
    given = dict(parameters) if parameters is not None else None
    return _defined(
        name, cron, FunctionConfig(module_path=module, function_name=called, parameters=given, registered=True)
    )


def command_job(name: str, cron: str, command: str, *args: str) -> JobDefinition:
    """A job that starts a program, without a shell."""
    return _defined(name, cron, CommandConfig(command=command, args=args))


def http_job(name: str, cron: str, url: str, method: str = "GET", body: JsonValue = None) -> JobDefinition:
    """A job that sends a request."""
    return _defined(name, cron, HttpConfig.model_validate({"url": url, "method": method, "body": body}))


def definition_of(job: JobResponse) -> dict[str, JsonValue]:
    """The body that would leave the job as it is: change some of it, and update the job with that.

    What is secret in it is masked, and keeps its value when it is sent back so.
    """
    names = [field.alias or name for name, field in JobDefinition.model_fields.items()]
    told = job.to_dict()
    return {name: told[name] for name in names if name in told}


def create_job(definition: Definition, *, key: str | None = None) -> Call[JobResponse]:
    """Create a job. A repeat under the same key is answered with the same job."""
    return change("POST", "/jobs", JobResponse, _body(definition), Wish(key))


def get_job(job_id: str, *, as_of: datetime | None = None) -> Call[JobResponse]:
    """One job; with an instant, as it was then."""
    return read(_path(job_id), JobResponse, {"asOf": _instant(as_of)})


def list_jobs(where: JobFilter = EVERY_JOB, *, limit: int | None = None) -> Call[Page[JobResponse]]:
    """The tenant's jobs, newest first, page after page as they are looked at."""
    return pages("/jobs", JobPage, where.query(), limit)


def update_job(
    job_id: str, definition: Definition, *, version: int | None = None, key: str | None = None
) -> Call[JobResponse]:
    """Replace a job's whole definition; with a version, only if the job is at it (else `VersionConflict`)."""
    return change("PUT", _path(job_id), JobResponse, _body(definition), Wish(key, version))


def delete_job(job_id: str, *, version: int | None = None, key: str | None = None) -> Call[None]:
    """Delete a job: what waits or runs is cancelled; its executions stay in the ledger."""
    return remove(_path(job_id), Wish(key, version))


def pause_job(job_id: str, *, reason: str | None = None, wish: Wish = ANY) -> Call[JobResponse]:
    """Owe no more fires, and start nothing that still waits, until the job is resumed."""
    return change("POST", f"{_path(job_id)}/pause", JobResponse, {"reason": reason}, wish)


def resume_job(
    job_id: str, *, catch_up: bool = False, reason: str | None = None, wish: Wish = ANY
) -> Call[JobResponse]:
    """Be active again from now on; with `catch_up`, make up for the time between by the job's misfire policy."""
    body = {"reason": reason, "catchUp": catch_up}
    return change("POST", f"{_path(job_id)}/resume", JobResponse, body, wish)


def stop_job(job_id: str, *, reason: str | None = None, wish: Wish = ANY) -> Call[JobResponse]:
    """Become inactive; what waits or runs is cancelled."""
    return change("POST", f"{_path(job_id)}/stop", JobResponse, {"reason": reason}, wish)


def trigger_job(
    job_id: str,
    parameters: Mapping[str, JsonValue] | None = None,
    *,
    reason: str | None = None,
    key: str | None = None,
) -> Call[ExecutionResponse]:
    """Run the job once, now; the parameters are merged over a function job's own."""
    body = {"parameters": None if parameters is None else dict(parameters), "reason": reason}
    return change("POST", f"{_path(job_id)}/trigger", ExecutionResponse, body, Wish(key))


def preview_fires(
    job_id: str, *, start: datetime | None = None, end: datetime | None = None, limit: int = 50
) -> Call[FiresResponse]:
    """The instants that the job owes from `start` (default: now) on; past ones by the versions then in force."""
    query = {"from": _instant(start), "to": _instant(end), "limit": limit}
    return read(f"{_path(job_id)}/fires", FiresResponse, query)


def preview_resume(job_id: str) -> Call[ResumePreview]:
    """What a resume would do now, without and with catching up."""
    return read(f"{_path(job_id)}/resume-preview", ResumePreview)


def list_versions(job_id: str, *, limit: int | None = None) -> Call[Page[VersionResponse]]:
    """A job's versions, newest first, each with what it changed."""
    return pages(f"{_path(job_id)}/versions", VersionPage, {}, limit)


def roll_back_job(job_id: str, to_version: int, *, reason: str | None = None, wish: Wish = ANY) -> Call[JobResponse]:
    """Give a job the definition of an earlier version, as a new change."""
    body = {"toVersion": to_version, "reason": reason}
    return change("POST", f"{_path(job_id)}/rollback", JobResponse, body, wish)


def _defined(name: str, cron: str, config: JobConfig) -> JobDefinition:
    types = {HttpConfig: JobType.HTTP, FunctionConfig: JobType.FUNCTION, CommandConfig: JobType.COMMAND}
    return JobDefinition(name=name, cron_expression=cron, job_type=types[type(config)], config=config)


def _body(definition: Definition) -> Mapping[str, Any]:
    return definition.to_dict() if isinstance(definition, JobDefinition) else definition


def _path(job_id: str) -> str:
    return f"/jobs/{part(job_id)}"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
