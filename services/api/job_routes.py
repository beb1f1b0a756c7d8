"""The public routes of jobs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from starlette.responses import Response

from horolog.domain.identity import created_job_id
from projections.views import Cursor, ExecutionFilter, ExecutionView, JobFilter, JobView, OutcomeView
from schemas.base import UtcTime
from schemas.commands import CreateJob, DeleteJob, JobCommand, PauseJob, ResumeJob, StopJob, TriggerJob, UpdateJob
from schemas.http import (
    ExecutionPage,
    ExecutionResponse,
    JobPage,
    JobResponse,
    ReasonBody,
    TriggerBody,
    ValidationResponse,
)
from schemas.http_resume import ResumeBody
from schemas.jobs import JobDefinition, JobType
from services.api.answers import Answer, expected_version, names_version, nothing, tag_of
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, ExecutionReader, JobOperator, JobReader, JobWriter
from services.api.cursors import decode_cursor, encode_cursor
from services.api.documents import definition_body, errors
from services.api.errors import ApiError
from services.api.finer_permissions import demand_for, told_of
from services.api.ports import Principal
from services.api.queries import JobExecutionQuery, JobQuery
from services.api.requests import PREFIX, carry_out, identity_of, known_uuid
from services.api.schedules import preview
from services.api.sealing import config_of, has_mask, trigger_config
from services.api.shapes import execution_summary
from services.api.validation import judge, read_definition

router = APIRouter(prefix=PREFIX, tags=["jobs"], route_class=JsonRoute)
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The version to change, as its ETag; 412 if the job moved on.")
]
AsOf = Annotated[UtcTime | None, Query(alias="asOf", description="An instant; 404 where the job did not exist.")]
RawBody = Annotated[Any, Body()]
"""Judged by the handler, so that a missing body is told like every other problem."""


async def read_job(api: ApiContext, caller: Principal, job_id: str, as_of: datetime | None = None) -> JobView:
    """The caller's job; with an instant, as it was then.

    Raises:
        ApiError: JOB_NOT_FOUND, also for the job of another tenant.
    """
    known = known_uuid(job_id, "JOB_NOT_FOUND")
    if as_of is None:
        job = await api.read_model.job(caller.tenant_id, known)
    else:
        job = await api.ports.history.job(caller.tenant_id, known, as_of)
    if job is None:
        raise ApiError("JOB_NOT_FOUND")
    return job


async def job_answer(api: ApiContext, caller: Principal, job_id: str, status: int = 200) -> Answer:
    """The job as an answer with its entity tag."""
    job = await read_job(api, caller, job_id)
    headers = tag_of(job.version)
    if status == 201:
        headers["Location"] = f"{PREFIX}/jobs/{job_id}"
    (body,) = await api.sealing.job_bodies([job], api.ports.clock.now())
    return Answer(body, status, headers)


@router.post("/jobs", status_code=201, responses=errors(JobResponse, 201), openapi_extra=definition_body())
async def create_job(request: Request, api: Api, caller: JobWriter, body: RawBody = None) -> Response:
    """Create a job. With an Idempotency-Key, a repeat is answered with the same job."""
    definition = read_definition(body, api.settings.job_timeout_s)
    await demand_for(request, definition)
    hashable = await api.sealing.hashable(caller.tenant_id, body, [config_of(body)])
    identity = identity_of(request, api, caller, hashable)
    job_id = created_job_id(identity["command_id"])
    definition = await api.sealing.sealed(caller.tenant_id, job_id, definition)
    command = CreateJob(**identity, job_id=job_id, definition=definition)
    return await carry_out(request, api, command, lambda _: job_answer(api, caller, job_id, 201))


@router.post("/jobs/validate", responses=errors(ValidationResponse), openapi_extra=definition_body())
async def validate_definition(api: Api, caller: JobReader, body: RawBody = None) -> Response:
    """Judge a definition without writing anything: every problem at once, or the next ten instants."""
    return _judged(api, body)


@router.get("/jobs", responses=errors(JobPage))
async def list_jobs(api: Api, caller: JobReader, query: Annotated[JobQuery, Query()]) -> Response:
    """The tenant's jobs, newest first."""
    where = JobFilter(query.status, query.job_type, query.tag, query.q)
    rows = await api.read_model.jobs(caller.tenant_id, where, decode_cursor(query.cursor), query.limit + 1)
    page, more = rows[: query.limit], len(rows) > query.limit
    cursor = encode_cursor(Cursor(page[-1].created_at, page[-1].id)) if more else None
    items = await api.sealing.job_bodies(page, api.ports.clock.now())
    return Answer({"items": items, "nextCursor": cursor})


@router.get("/jobs/{job_id}", responses=errors(JobResponse))
async def get_job(
    api: Api,
    caller: JobReader,
    job_id: str,
    as_of: AsOf = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response:
    """One job; with `asOf` as it was then, and with the instant and the executions that were its next and last then."""
    job = await read_job(api, caller, job_id, as_of)
    if names_version(if_none_match, job.version):
        return nothing(304, tag_of(job.version))
    (body,) = await api.sealing.job_bodies([job], as_of or api.ports.clock.now())
    return Answer(body, 200, tag_of(job.version))


@router.put("/jobs/{job_id}", responses=errors(JobResponse), openapi_extra=definition_body())
async def update_job(
    request: Request, api: Api, caller: JobWriter, job_id: str, body: RawBody = None, if_match: IfMatch = None
) -> Response:
    """Replace a job's whole definition. What is sent back masked, as it was read, keeps its value."""
    known = known_uuid(job_id, "JOB_NOT_FOUND")
    definition, version = read_definition(body, api.settings.job_timeout_s), demanded_version(if_match)
    await demand_for(request, definition)
    hashable = await api.sealing.hashable(caller.tenant_id, body, [config_of(body)])
    identity = identity_of(request, api, caller, hashable)
    definition, version = await _sealed_update(api, caller, known, definition, version)
    command = UpdateJob(**identity, job_id=known, expected_version=version, definition=definition)
    return await carry_out(request, api, command, lambda _: job_answer(api, caller, job_id))


@router.delete("/jobs/{job_id}", status_code=204, responses=errors(None, 204))
async def delete_job(request: Request, api: Api, caller: JobWriter, job_id: str, if_match: IfMatch = None) -> Response:
    """Delete a job: what waits or runs is cancelled; its executions stay in the ledger."""
    command = DeleteJob(
        **identity_of(request, api, caller, None),
        job_id=known_uuid(job_id, "JOB_NOT_FOUND"),
        expected_version=demanded_version(if_match),
    )

    async def gone(_: OutcomeView) -> Response:
        return nothing(204)

    return await carry_out(request, api, command, gone)


@router.post(
    "/jobs/{job_id}/validate", responses=errors(ValidationResponse), openapi_extra=definition_body(required=False)
)
async def validate_job(api: Api, caller: JobReader, job_id: str, body: RawBody = None) -> Response:
    """Judge a new definition for the job, or (without a body) the one that it has."""
    job = await read_job(api, caller, job_id)
    return _judged(api, dict(job.definition), stored=True) if body is None else _judged(api, body)


@router.post("/jobs/{job_id}/trigger", status_code=201, responses=errors(ExecutionResponse, 201))
async def trigger_job(
    request: Request, api: Api, caller: JobOperator, job_id: str, body: TriggerBody | None = None
) -> Response:
    """Run the job once, now."""
    command = await trigger_command(request, api, caller, job_id, body or TriggerBody())
    return await carry_out(request, api, command, lambda outcome: triggered(request, api, caller, outcome))


@router.post("/jobs/{job_id}/pause", responses=errors(JobResponse))
async def pause_job(
    request: Request,
    api: Api,
    caller: JobOperator,
    job_id: str,
    body: ReasonBody | None = None,
    if_match: IfMatch = None,
) -> Response:
    """Owe no more fires, and start nothing that still waits, until the job is resumed."""
    return await operate(request, api, caller, PauseJob, (job_id, body, if_match))


@router.post("/jobs/{job_id}/resume", responses=errors(JobResponse))
async def resume_job(
    request: Request,
    api: Api,
    caller: JobOperator,
    job_id: str,
    body: ResumeBody | None = None,
    if_match: IfMatch = None,
) -> Response:
    """Be active again from now on; with `catchUp`, make up for the time between by the job's misfire policy."""
    return await operate(request, api, caller, ResumeJob, (job_id, body, if_match))


@router.post("/jobs/{job_id}/stop", responses=errors(JobResponse))
async def stop_job(
    request: Request,
    api: Api,
    caller: JobOperator,
    job_id: str,
    body: ReasonBody | None = None,
    if_match: IfMatch = None,
) -> Response:
    """Become inactive; what waits or runs is cancelled."""
    return await operate(request, api, caller, StopJob, (job_id, body, if_match))


@router.get("/jobs/{job_id}/executions", responses=errors(ExecutionPage))
async def list_job_executions(
    api: Api, caller: ExecutionReader, job_id: str, query: Annotated[JobExecutionQuery, Query()]
) -> Response:
    """A job's executions, latest instant first; those of a deleted job as well."""
    known = known_uuid(job_id, "JOB_NOT_FOUND")
    where = ExecutionFilter(query.status, known, None, query.trigger_type, query.start, query.end)
    items, cursor = await execution_page(api, caller, where, query)
    if not items:
        await read_job(api, caller, job_id)
    return Answer({"items": items, "nextCursor": cursor})


async def operate(
    request: Request,
    api: ApiContext,
    caller: Principal,
    kind: type[PauseJob | ResumeJob | StopJob],
    wish: tuple[str, ReasonBody | None, str | None],
) -> Response:
    """Change a job's state, and answer with the job."""
    job_id, body, if_match = wish
    command: JobCommand = kind(
        **identity_of(request, api, caller, body.to_dict() if body else None),
        job_id=known_uuid(job_id, "JOB_NOT_FOUND"),
        expected_version=demanded_version(if_match),
        reason=body.reason if body else None,
        **({"catch_up": True} if isinstance(body, ResumeBody) and body.catch_up else {}),
    )
    return await carry_out(request, api, command, lambda _: job_answer(api, caller, job_id))


async def trigger_command(
    request: Request, api: ApiContext, caller: Principal, job_id: str, wish: TriggerBody
) -> TriggerJob:
    """The command that runs a job with parameters of its own, of which those that are secret are encrypted."""
    known, parameters, hashable = known_uuid(job_id, "JOB_NOT_FOUND"), wish.parameters, wish.to_dict()
    if parameters:
        # Which of them are secret, the job says.
        job = await read_job(api, caller, known)
        hashable = await api.sealing.hashable(caller.tenant_id, hashable, [trigger_config(job, parameters)])
        if job.definition.get("jobType") != JobType.FUNCTION:
            raise ApiError("INVALID_JOB_CONFIG", "Only a function job takes parameters.")
        parameters = await api.sealing.sealed_parameters(job, parameters)
    identity = identity_of(request, api, caller, hashable)
    return TriggerJob(**identity, job_id=known, reason=wish.reason, parameters=parameters)


async def execution_page(
    api: ApiContext, caller: Principal, where: ExecutionFilter, query: JobExecutionQuery
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of executions, and the cursor of the next."""
    rows = await api.read_model.executions(caller.tenant_id, where, decode_cursor(query.cursor), query.limit + 1)
    page, more = rows[: query.limit], len(rows) > query.limit
    cursor = encode_cursor(Cursor(page[-1].scheduled_at, page[-1].execution_id)) if more else None
    return [execution_summary(row) for row in page], cursor


async def read_execution(api: ApiContext, caller: Principal, execution_id: str | None) -> ExecutionView:
    """The caller's execution.

    Raises:
        ApiError: EXECUTION_NOT_FOUND, also for the execution of another tenant.
    """
    known = known_uuid(execution_id or "", "EXECUTION_NOT_FOUND")
    execution = await api.read_model.execution(caller.tenant_id, known)
    if execution is None:
        raise ApiError("EXECUTION_NOT_FOUND")
    return execution


async def triggered(request: Request, api: ApiContext, caller: Principal, outcome: OutcomeView) -> Answer:
    """The execution that a trigger asked for."""
    execution = await read_execution(api, caller, outcome.execution_id)
    place = f"{PREFIX}/executions/{execution.execution_id}"
    return Answer(await told_of(request, execution), 201, {"Location": place})


def demanded_version(if_match: str | None) -> int | None:
    """The version that If-Match demands, if any.

    Raises:
        ApiError: VERSION_CONFLICT, when no version can be what it says.
    """
    version = expected_version(if_match)
    if version == 0:
        raise ApiError("VERSION_CONFLICT")
    return version


async def _sealed_update(
    api: ApiContext, caller: Principal, job_id: str, definition: JobDefinition, version: int | None
) -> tuple[JobDefinition, int | None]:
    """The new definition with everything secret encrypted, and the version that it is meant for.

    Raises:
        ApiError: JOB_NOT_FOUND or VERSION_CONFLICT, where masks stand for values of a job, or of a version of it,
            that is not there; and as `Sealing.sealed` does.
    """
    if not has_mask(definition):
        return await api.sealing.sealed(caller.tenant_id, job_id, definition), version
    job = await read_job(api, caller, job_id)
    if version not in (None, job.version):
        raise ApiError("VERSION_CONFLICT")
    stored = config_of(job.definition)
    kept = stored if isinstance(stored, Mapping) else {}
    return await api.sealing.sealed(caller.tenant_id, job_id, definition, kept), job.version


def _judged(api: ApiContext, body: Any, *, stored: bool = False) -> Answer:
    definition, problems = judge(body, stored=stored)
    good = isinstance(definition, JobDefinition) and not problems
    instants = preview(definition, api.ports.clock.now()) if definition is not None and good else []
    told = [problem.to_dict() for problem in problems]
    return Answer({"valid": good, "problems": told, "nextExecutions": instants})
