"""The routes about tenants: for platforms' administrators, for other services, and each tenant's own.

Guarantee: a change is answered once the dispatcher has decided on it and it can be read. Whoever manages tenants has
the permission for it by name; no token of a tenant has it.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from projections.views import Cursor
from schemas.base import UtcTime, Value
from schemas.commands import (
    BarActor,
    CreateTenant,
    ResumeTenant,
    SuspendTenant,
    TenantCommand,
    UnbarActor,
    UpdateTenant,
)
from schemas.http import ReasonBody
from schemas.http_tenants import (
    CreateTenantBody,
    OwnTenantResponse,
    TenantPage,
    TenantResponse,
    UsageResponse,
)
from schemas.tenants import TenantSettings
from services.api.answers import Answer, tag_of
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, SystemReader, TenantManager
from services.api.cursors import decode_cursor, encode_cursor
from services.api.documents import definition_body, errors
from services.api.errors import ApiError
from services.api.job_routes import IfMatch, RawBody, demanded_version
from services.api.ports import Principal
from services.api.queries import PageQuery, so_long_before
from services.api.requests import identity_of, origin_of
from services.api.tenancy import acting_for, changed_settings, implicit_body, read_settings, tenant_body, usage_body

router = APIRouter(prefix="/api/v1", tags=["tenants"], route_class=JsonRoute)

Actor = Annotated[str, Path(min_length=1, max_length=200, description="As in a job's `createdBy`, such as user:42.")]
Reason = ReasonBody | None
USAGE_DAYS_DEFAULT, USAGE_DAYS_MAX = 30, 366


class UsageQuery(Value):
    """From inclusive, to exclusive (default: the last 30 days); at most 366 days."""

    start: UtcTime | None = None
    end: UtcTime | None = None

    def range(self, now: datetime) -> tuple[datetime, datetime]:
        """The time range.

        Raises:
            ApiError: INVALID_PARAMETER when it is empty, or too long.
        """
        end = self.end or now
        start = self.start or so_long_before(end, timedelta(days=USAGE_DAYS_DEFAULT))
        if not timedelta(0) < end - start <= timedelta(days=USAGE_DAYS_MAX):
            text = f"`start` must precede `end` by {USAGE_DAYS_MAX} days at most."
            raise ApiError("INVALID_PARAMETER", text)
        return start, end


@router.get("/tenant", responses=errors(OwnTenantResponse))
async def get_own_tenant(api: Api, caller: SystemReader) -> Response:
    """The caller's own tenant: its settings and quotas, and what it uses of them at present."""
    body = await body_of(api, caller.tenant_id)
    jobs, queue = await api.read_model.job_counts(caller.tenant_id), await api.read_model.queue(caller.tenant_id)
    body["usage"] = {
        "jobs": sum(jobs.values()),
        "running": queue.running_count,
        "queued": queue.pending_count + queue.delayed_count,
    }
    return Answer(body)


@router.get("/tenant/usage", responses=errors(UsageResponse))
async def get_own_usage(api: Api, caller: SystemReader, query: Annotated[UsageQuery, Query()]) -> Response:
    """What the caller's own tenant has used, day by day."""
    start, end = query.range(api.ports.clock.now())
    rows = await api.ports.tenants.usage(caller.tenant_id, start, end)
    return Answer({"start": start, "end": end, "days": usage_body(rows)})


@router.get("/tenants", responses=errors(TenantPage))
async def list_tenants(api: Api, caller: TenantManager, query: Annotated[PageQuery, Query()]) -> Response:
    """The tenants that somebody created, suspended, or barred somebody of, newest first."""
    rows = await api.ports.tenants.tenants(decode_cursor(query.cursor), query.limit + 1)
    page, more = rows[: query.limit], len(rows) > query.limit
    cursor = encode_cursor(Cursor(page[-1].created_at, page[-1].tenant_id)) if more else None
    return Answer({"items": [tenant_body(row, api.ports.tenant_defaults) for row in page], "nextCursor": cursor})


@router.post(
    "/tenants",
    status_code=201,
    responses=errors(TenantResponse, 201),
    openapi_extra=definition_body(CreateTenantBody),
)
async def create_tenant(request: Request, api: Api, caller: TenantManager, body: RawBody = None) -> Response:
    """Give a tenant settings of its own."""
    named = dict(body) if isinstance(body, dict) else {}
    acting = acting_for(caller, named.pop("tenantId", None))
    settings = read_settings(named if isinstance(body, dict) else body)
    command = CreateTenant(**identity_of(request, api, acting, body), settings=settings)
    return await _carry_out(request, api, command, 201)


@router.get("/tenants/{tenant_id}", responses=errors(TenantResponse))
async def get_tenant(api: Api, caller: TenantManager, tenant_id: str) -> Response:
    """One tenant that somebody created."""
    return _answer(await known_body(api, acting_for(caller, tenant_id).tenant_id))


@router.patch("/tenants/{tenant_id}", responses=errors(TenantResponse), openapi_extra=definition_body(TenantSettings))
async def update_tenant(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, body: RawBody = None, if_match: IfMatch = None
) -> Response:
    """Change a tenant's settings; what is left out stays as it is."""
    acting = acting_for(caller, tenant_id)
    present = await known_body(api, acting.tenant_id)
    stored = {name: present[name] for name in TenantSettings().model_dump(by_alias=True)}
    command = UpdateTenant(
        **identity_of(request, api, acting, body),
        expected_version=demanded_version(if_match) or present["version"],
        settings=changed_settings(stored, body),
    )
    return await _carry_out(request, api, command)


@router.post("/tenants/{tenant_id}/suspend", responses=errors(TenantResponse))
async def suspend_tenant(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, body: Reason = None
) -> Response:
    """Start nothing of the tenant until it is resumed: what waits is withdrawn, what runs goes on."""
    return await _operate(request, api, caller, SuspendTenant, (tenant_id, body))


@router.post("/tenants/{tenant_id}/resume", responses=errors(TenantResponse))
async def resume_tenant(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, body: Reason = None
) -> Response:
    """Let the tenant's jobs run again, from now on."""
    return await _operate(request, api, caller, ResumeTenant, (tenant_id, body))


@router.post("/tenants/{tenant_id}/barred-actors/{actor}", responses=errors(TenantResponse))
async def bar_actor(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, actor: Actor, body: Reason = None
) -> Response:
    """Run no job any more that this actor created."""
    return await _operate(request, api, caller, BarActor, (tenant_id, body), barred_actor=actor)


@router.delete("/tenants/{tenant_id}/barred-actors/{actor}", responses=errors(TenantResponse))
async def unbar_actor(request: Request, api: Api, caller: TenantManager, tenant_id: str, actor: Actor) -> Response:
    """Run the jobs that this actor created again, from now on."""
    return await _operate(request, api, caller, UnbarActor, (tenant_id, None), barred_actor=actor)


def command_of(
    request: Request, api: ApiContext, acting: Principal, kind: type[TenantCommand], body: Reason, **fields: str
) -> TenantCommand:
    """The command about the tenant that the caller speaks for."""
    identity = identity_of(request, api, acting, body.to_dict() if body else None)
    return kind.model_validate({**identity, "reason": body.reason if body else None, **fields})


async def body_of(api: ApiContext, tenant_id: str) -> dict[str, Any]:
    """The tenant as it is read now, created by somebody or not."""
    found, defaults = await api.ports.tenants.tenant(tenant_id), api.ports.tenant_defaults
    return implicit_body(tenant_id, defaults) if found is None else tenant_body(found, defaults)


async def known_body(api: ApiContext, tenant_id: str) -> dict[str, Any]:
    """A tenant about which something was ever decided.

    Raises:
        ApiError: TENANT_NOT_FOUND
    """
    found = await api.ports.tenants.tenant(tenant_id)
    if found is None:
        raise ApiError("TENANT_NOT_FOUND")
    return tenant_body(found, api.ports.tenant_defaults)


async def _operate(
    request: Request,
    api: ApiContext,
    caller: Principal,
    kind: type[TenantCommand],
    wish: tuple[str, Reason],
    **fields: str,
) -> Response:
    tenant_id, body = wish
    acting = acting_for(caller, tenant_id)
    return await _carry_out(request, api, command_of(request, api, acting, kind, body, **fields))


async def _carry_out(request: Request, api: ApiContext, command: TenantCommand, status: int = 200) -> Response:
    """Send the command, and answer with the tenant once that can be read."""
    await api.desk.settle(command, origin_of(request))
    return _answer(await body_of(api, command.tenant_id), status)


def _answer(body: dict[str, Any], status: int = 200) -> Answer:
    place = {"Location": f"/api/v1/tenants/{body['tenantId']}"} if status == 201 else {}
    return Answer(body, status, {**tag_of(body["version"]), **place})
