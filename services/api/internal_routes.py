"""The internal API: other services of the platform, by `X-Service-Token`, each call for one tenant.

The tenant is named by the body's `tenantId` or by the header `X-Tenant-Id`; both must agree when both are there.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from horolog.domain.identity import command_id, created_job_id
from schemas.base import UUID_PATTERN
from schemas.commands import CreateJob, PauseJob, ResumeJob
from schemas.http import (
    SERVICE_NAME,
    BatchCreateBody,
    InternalBatchAnswer,
    InternalCreateBody,
    InternalExecutionAnswer,
    InternalJobAnswer,
    InternalReasonBody,
    InternalStatusAnswer,
    InternalTriggerBody,
)
from schemas.http_resume import InternalResumeBody
from services.api.answers import Answer
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, JobOperator, JobReader, JobWriter
from services.api.documents import definition_body, errors
from services.api.errors import ApiError
from services.api.finer_permissions import demand_for, told_of
from services.api.job_routes import RawBody, read_execution, read_job, trigger_command
from services.api.ports import Principal
from services.api.requests import Identity, identity_of, known_uuid, origin_of
from services.api.schedules import next_execution
from services.api.sealing import config_of
from services.api.sending import Settled
from services.api.validation import read_definition

router = APIRouter(prefix="/internal", tags=["internal"], route_class=JsonRoute)
TenantHeader = Annotated[str | None, Header(alias="X-Tenant-Id", description="The tenant that the call speaks for.")]
RUNNING_COUNT_MAX = 1000


@router.post(
    "/jobs/create",
    status_code=201,
    responses=errors(InternalJobAnswer, 201, internal=True),
    openapi_extra=definition_body(InternalCreateBody),
)
async def create_job(
    request: Request, api: Api, caller: JobWriter, body: RawBody = None, x_tenant_id: TenantHeader = None
) -> Response:
    """Create a job for a tenant."""
    definition = (
        {name: value for name, value in body.items() if name != "tenantId"} if isinstance(body, Mapping) else body
    )
    acting = _acting(caller, x_tenant_id, body.get("tenantId") if isinstance(body, Mapping) else None)
    checked = read_definition(definition, api.settings.job_timeout_s)
    await demand_for(request, checked)
    hashable = await api.sealing.hashable(acting.tenant_id, body, [config_of(body)])
    identity = identity_of(request, api, acting, hashable)
    job_id = created_job_id(identity["command_id"])
    sealed = await api.sealing.sealed(acting.tenant_id, job_id, checked)
    command = CreateJob(**identity, job_id=job_id, definition=sealed)
    await api.desk.settle(command, origin_of(request))
    return _answer(api, await _job(api, acting, job_id), 201)


@router.post("/jobs/batch-create", responses=errors(InternalBatchAnswer, internal=True))
async def create_jobs(
    request: Request, api: Api, caller: JobWriter, body: BatchCreateBody, x_tenant_id: TenantHeader = None
) -> Response:
    """Create up to 100 jobs for a tenant; each is judged by itself."""
    acting = _acting(caller, x_tenant_id, body.tenant_id)
    hashable = await api.sealing.hashable(acting.tenant_id, body.to_dict(), map(config_of, body.jobs))
    identity = identity_of(request, api, acting, hashable)
    commands: dict[int, CreateJob] = {}
    results: dict[int, dict[str, Any]] = {}
    for index, definition in enumerate(body.jobs):
        try:
            commands[index] = await _numbered(request, api, identity, index, definition)
        except ApiError as error:
            results[index] = _failed(index, error)
    settled = await api.desk.settle_all(list(commands.values()), origin_of(request))
    judged = zip(commands.items(), settled, strict=True)
    created_items = (_created(api, acting, index, command, outcome) for (index, command), outcome in judged)
    results.update({item["index"]: item for item in await asyncio.gather(*created_items)})
    items = [results[index] for index in sorted(results)]
    created = sum(1 for item in items if item["success"])
    return _answer(api, {"createdCount": created, "failedCount": len(items) - created, "items": items})


@router.post("/jobs/{job_id}/trigger", status_code=201, responses=errors(InternalExecutionAnswer, 201, internal=True))
async def trigger_job(
    request: Request,
    api: Api,
    caller: JobOperator,
    job_id: str,
    body: InternalTriggerBody | None = None,
    x_tenant_id: TenantHeader = None,
) -> Response:
    """Run a tenant's job once, now."""
    wish = body or InternalTriggerBody()
    acting = _acting(caller, x_tenant_id, wish.tenant_id)
    command = await trigger_command(request, api, acting, job_id, wish)
    outcome = await api.desk.settle(command, origin_of(request))
    execution = await read_execution(api, acting, outcome.execution_id)
    return _answer(api, await told_of(request, execution), 201)


@router.get("/jobs/{job_id}/status", responses=errors(InternalStatusAnswer, internal=True))
async def get_job_status(api: Api, caller: JobReader, job_id: str, x_tenant_id: TenantHeader = None) -> Response:
    """The state of a tenant's job, and what of it waits or runs."""
    acting = _acting(caller, x_tenant_id, None)
    job = await read_job(api, acting, job_id)
    running = await api.read_model.running_executions(acting.tenant_id, job_id, RUNNING_COUNT_MAX)
    state = {
        "jobId": job.id,
        "name": job.name,
        "status": job.status,
        "version": job.version,
        "nextExecutionAt": next_execution(job, api.ports.clock.now()),
        "lastExecutionAt": job.last_execution_at,
        "executionCount": job.execution_count,
        "runningExecutions": list(running),
    }
    return _answer(api, state)


@router.post("/jobs/{job_id}/pause", responses=errors(InternalJobAnswer, internal=True))
async def pause_job(
    request: Request,
    api: Api,
    caller: JobOperator,
    job_id: str,
    body: InternalReasonBody | None = None,
    x_tenant_id: TenantHeader = None,
) -> Response:
    """Pause a tenant's job."""
    return await _operate(request, api, caller, PauseJob, (job_id, body, x_tenant_id))


@router.post("/jobs/{job_id}/resume", responses=errors(InternalJobAnswer, internal=True))
async def resume_job(
    request: Request,
    api: Api,
    caller: JobOperator,
    job_id: str,
    body: InternalResumeBody | None = None,
    x_tenant_id: TenantHeader = None,
) -> Response:
    """Resume a tenant's job; with `catchUp`, make up for the time between by its misfire policy."""
    return await _operate(request, api, caller, ResumeJob, (job_id, body, x_tenant_id))


async def _operate(
    request: Request,
    api: ApiContext,
    caller: Principal,
    kind: type[PauseJob | ResumeJob],
    wish: tuple[str, InternalReasonBody | InternalResumeBody | None, str | None],
) -> Response:
    job_id, body, header = wish
    acting = _acting(caller, header, body.tenant_id if body else None)
    command = kind(
        **identity_of(request, api, acting, body.to_dict() if body else None),
        job_id=known_uuid(job_id, "JOB_NOT_FOUND"),
        reason=body.reason if body else None,
        **({"catch_up": True} if isinstance(body, InternalResumeBody) and body.catch_up else {}),
    )
    await api.desk.settle(command, origin_of(request))
    return _answer(api, await _job(api, acting, job_id))


def _acting(caller: Principal, header: str | None, named: object) -> Principal:
    """The service, acting for the tenant that the call names."""
    tenants = [tenant for tenant in (header, named) if tenant is not None]
    tenant = tenants[0] if tenants and tenants[0] == tenants[-1] else None
    if not isinstance(tenant, str) or not re.fullmatch(UUID_PATTERN, tenant):
        raise ApiError("INVALID_PARAMETER", "Name one tenant by its UUID, in X-Tenant-Id or in the body's tenantId.")
    return Principal(tenant, caller.actor, caller.permissions)


async def _numbered(request: Request, api: ApiContext, identity: Identity, index: int, definition: Any) -> CreateJob:
    own: Identity = {**identity, "command_id": command_id(identity["tenant_id"], f"{identity['command_id']}#{index}")}
    job_id = created_job_id(own["command_id"])
    checked = read_definition(definition, api.settings.job_timeout_s)
    await demand_for(request, checked)
    sealed = await api.sealing.sealed(own["tenant_id"], job_id, checked)
    return CreateJob(**own, job_id=job_id, definition=sealed)


async def _created(
    api: ApiContext, acting: Principal, index: int, command: CreateJob, outcome: Settled
) -> dict[str, Any]:
    if isinstance(outcome, ApiError):
        return _failed(index, outcome)
    try:
        return {"index": index, "success": True, "job": await _job(api, acting, command.job_id)}
    except ApiError as error:
        # A repeat may find that the job, once created, has been deleted since.
        return _failed(index, error)


def _failed(index: int, error: ApiError) -> dict[str, Any]:
    return {
        "index": index,
        "success": False,
        "errorCode": error.code,
        "message": error.message,
        "details": error.details,
    }


async def _job(api: ApiContext, acting: Principal, job_id: str) -> dict[str, Any]:
    (body,) = await api.sealing.job_bodies([await read_job(api, acting, job_id)], api.ports.clock.now())
    return body


def _answer(api: ApiContext, data: Any, status: int = 200) -> Answer:
    body = {"success": True, "timestamp": api.ports.clock.now(), "serviceName": SERVICE_NAME, "data": data}
    return Answer(body, status)
