"""The route that erases a tenant's key and secrets, so that nothing that was encrypted for it can be read again.

Guarantee: it takes a permission of its own, by name, and the tenant's id twice: nobody erases one by a slip in an
address. It is told in the audit trail like every call; the log, which holds ciphertext only, stays as it is.
"""

import logging

from fastapi import APIRouter
from starlette.responses import Response

from schemas.http import Problem
from schemas.http_tenants import ErasedTenantResponse, EraseTenantBody
from services.api.answers import Answer
from services.api.bodies import JsonRoute
from services.api.context import Api, TenantEraser
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.secret_routes import told_by_vault
from services.api.tenancy import acting_for

router = APIRouter(prefix="/api/v1", tags=["tenants"], route_class=JsonRoute)
_LOG = logging.getLogger("horolog.api")


@router.post("/tenants/{tenant_id}/erase", responses=errors(ErasedTenantResponse))
async def erase_tenant(api: Api, caller: TenantEraser, tenant_id: str, body: EraseTenantBody) -> Response:
    """Erase a tenant's key and secrets, for good: the body names the tenant once more. Repeating it is safe.

    Attempts that need what was encrypted fail within a minute; jobs, rows and the log stay.
    """
    tenant = acting_for(caller, tenant_id).tenant_id
    if body.tenant_id != tenant:
        problem = Problem(field="tenantId", message="must be the id of the tenant in the address")
        raise ApiError("INVALID_BODY", "The body has problems.", [problem.to_dict()])
    if api.ports.eraser is None:
        raise ApiError("INVALID_BODY", "There is nothing to erase: this service has no HOROLOG_MASTER_KEYS.")
    with told_by_vault():
        had_any = await api.ports.eraser.erase(tenant, api.ports.clock.now())
    _LOG.warning("a tenant's key and secrets were erased", extra={"tenant_id": tenant})
    return Answer({"tenantId": tenant, "erased": True, "hadAny": had_any})
