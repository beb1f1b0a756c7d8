"""What a handler works with: the ports, the settings, and the parts built from them; and who is calling.

Guarantee: a handler gets its caller only through `allowed`, which has checked the permission that the route declares.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from projections.views import ReadModel
from services.api.accounts.built_in import BuiltIn
from services.api.errors import ApiError
from services.api.health import HealthCheck
from services.api.permissions import Permission
from services.api.ports import ApiPorts, DecisionsUnavailable, Principal
from services.api.sealing import Sealing
from services.api.sending import CommandDesk
from services.api.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class ApiContext:
    """One running API."""

    settings: ApiSettings
    ports: ApiPorts
    desk: CommandDesk
    health: HealthCheck
    sealing: Sealing

    @property
    def read_model(self) -> ReadModel:
        """The read models."""
        return self.ports.read_model


def context_of(request: Request) -> ApiContext:
    """The API that serves the request."""
    context = request.app.state.context
    assert isinstance(context, ApiContext)
    return context


async def _context(request: Request) -> ApiContext:
    return context_of(request)


async def _accounts(request: Request) -> BuiltIn:
    accounts = context_of(request).ports.accounts
    assert accounts is not None, "its routes are served only where there are any"
    return accounts


class Allowed:
    """The dependency that yields the caller, if it has the permission that the route declares.

    The outside service is asked as well, where there is one.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Principal:
        """The caller.

        Raises:
            ApiError: FORBIDDEN, or AUTH_UNAVAILABLE when the service that decides does not answer.
        """
        principal = request.scope["principal"]
        assert isinstance(principal, Principal)
        if self.permission not in principal.permissions:
            raise ApiError("FORBIDDEN")
        decisions = context_of(request).ports.decisions
        # Other services come without a tenant; what they may do is said with their token.
        if decisions is not None and principal.tenant_id:
            try:
                allowed = await decisions.allows(principal, self.permission)
            except DecisionsUnavailable:
                raise ApiError("AUTH_UNAVAILABLE", "The service that decides on permissions does not answer.") from None
            if not allowed:
                raise ApiError("FORBIDDEN")
        return principal


Api = Annotated[ApiContext, Depends(_context)]
Accounts = Annotated[BuiltIn, Depends(_accounts)]
JobReader = Annotated[Principal, Depends(Allowed(Permission.JOBS_READ))]
JobWriter = Annotated[Principal, Depends(Allowed(Permission.JOBS_WRITE))]
JobOperator = Annotated[Principal, Depends(Allowed(Permission.JOBS_OPERATE))]
ExecutionReader = Annotated[Principal, Depends(Allowed(Permission.EXECUTIONS_READ))]
ExecutionCanceller = Annotated[Principal, Depends(Allowed(Permission.EXECUTIONS_CANCEL))]
UserManager = Annotated[Principal, Depends(Allowed(Permission.USERS_MANAGE))]
TenantManager = Annotated[Principal, Depends(Allowed(Permission.TENANTS_MANAGE))]
AuditReader = Annotated[Principal, Depends(Allowed(Permission.AUDIT_READ))]
SecretKeeper = Annotated[Principal, Depends(Allowed(Permission.SECRETS_WRITE))]
NotificationReader = Annotated[Principal, Depends(Allowed(Permission.NOTIFICATIONS_READ))]
NotificationWriter = Annotated[Principal, Depends(Allowed(Permission.NOTIFICATIONS_WRITE))]
SystemReader = Annotated[Principal, Depends(Allowed(Permission.SYSTEM_READ))]
