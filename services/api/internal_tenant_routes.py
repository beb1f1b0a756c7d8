"""The internal routes about tenants: other services stop and resume one, or bar an actor whose access has ended.

A service needs the permission `tenants:manage`, by its name.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from schemas.commands import BarActor, ResumeTenant, SuspendTenant, TenantCommand, UnbarActor
from schemas.http import SERVICE_NAME
from schemas.http_tenants import InternalTenantAnswer
from services.api.answers import Answer
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, TenantManager
from services.api.documents import errors
from services.api.ports import Principal
from services.api.requests import origin_of
from services.api.tenancy import acting_for
from services.api.tenant_routes import Actor, Reason, body_of, command_of, known_body

router = APIRouter(prefix="/internal", tags=["internal"], route_class=JsonRoute)
_ANSWERS = errors(InternalTenantAnswer, internal=True)


@router.get("/tenants/{tenant_id}", responses=_ANSWERS)
async def get_tenant(api: Api, caller: TenantManager, tenant_id: str) -> Response:
    """One tenant that somebody created."""
    return _answer(api, await known_body(api, acting_for(caller, tenant_id).tenant_id))


@router.post("/tenants/{tenant_id}/suspend", responses=_ANSWERS)
async def suspend_tenant(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, body: Reason = None
) -> Response:
    """Start nothing of the tenant until it is resumed: what waits is withdrawn, what runs goes on."""
    return await _operate(request, api, caller, SuspendTenant, (tenant_id, body))


@router.post("/tenants/{tenant_id}/resume", responses=_ANSWERS)
async def resume_tenant(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, body: Reason = None
) -> Response:
    """Let the tenant's jobs run again, from now on."""
    return await _operate(request, api, caller, ResumeTenant, (tenant_id, body))


@router.post("/tenants/{tenant_id}/barred-actors/{actor}", responses=_ANSWERS)
async def bar_actor(
    request: Request, api: Api, caller: TenantManager, tenant_id: str, actor: Actor, body: Reason = None
) -> Response:
    """Run no job any more that this actor created."""
    return await _operate(request, api, caller, BarActor, (tenant_id, body), barred_actor=actor)


@router.delete("/tenants/{tenant_id}/barred-actors/{actor}", responses=_ANSWERS)
async def unbar_actor(request: Request, api: Api, caller: TenantManager, tenant_id: str, actor: Actor) -> Response:
    """Run the jobs that this actor created again, from now on."""
    return await _operate(request, api, caller, UnbarActor, (tenant_id, None), barred_actor=actor)


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
    await api.desk.settle(command_of(request, api, acting, kind, body, **fields), origin_of(request))
    return _answer(api, await body_of(api, acting.tenant_id))


def _answer(api: ApiContext, data: dict[str, object]) -> Answer:
    return Answer({"success": True, "timestamp": api.ports.clock.now(), "serviceName": SERVICE_NAME, "data": data})
