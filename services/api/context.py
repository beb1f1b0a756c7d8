"""What a handler works with: the ports, the settings, and the parts built from them; and who is calling.

Guarantee: a handler gets its caller only through `Allowed`, which has checked the permission that the route declares.
Where the caller's grant holds for certain tags only, the handler gets the read models without all other jobs, whether
it has thought of that or not.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from projections.views import ReadModel
from services.api.accounts.built_in import BuiltIn
from services.api.errors import ApiError
from services.api.health import HealthCheck
from services.api.narrowing import NarrowHistory, NarrowReadModel
from services.api.owner_bars import OwnerBars
from services.api.permissions import WITHIN_TAGS, Permission
from services.api.ports import ApiPorts, DecisionsUnavailable, Principal
from services.api.sealing import Sealing
from services.api.sending import CommandDesk
from services.api.settings import ApiSettings
from services.api.streams.desk import StreamDesk


@dataclass(frozen=True, slots=True)
class ApiContext:
    """One running API."""

    settings: ApiSettings
    ports: ApiPorts
    desk: CommandDesk
    health: HealthCheck
    sealing: Sealing
    streams: StreamDesk
    bars: OwnerBars | None = None
    """None where the built-in issuer is off."""

    @property
    def read_model(self) -> ReadModel:
        """The read models."""
        return self.ports.read_model

    def within(self, tags: tuple[str, ...]) -> "ApiContext":
        """The same for a caller who reaches only jobs with one of the tags."""
        read_model = NarrowReadModel(self.ports.read_model, tags)
        history = NarrowHistory(self.ports.history, read_model)
        return replace(self, ports=replace(self.ports, read_model=read_model, history=history))


def context_of(request: Request) -> ApiContext:
    """The API that serves the request."""
    context = request.app.state.context
    assert isinstance(context, ApiContext)
    return context


async def _context(request: Request) -> ApiContext:
    context, principal = context_of(request), request.scope["principal"]
    assert isinstance(principal, Principal)
    return context if principal.tags is None else context.within(principal.tags)


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
            ApiError: as `demand` does.
        """
        return await demand(request, self.permission)


async def demand(request: Request, permission: Permission) -> Principal:
    """The caller, if it has the permission.

    Raises:
        ApiError: FORBIDDEN, or AUTH_UNAVAILABLE when the service that decides does not answer.
    """
    principal = request.scope["principal"]
    assert isinstance(principal, Principal)
    is_beyond_tags = principal.tags is not None and permission not in WITHIN_TAGS
    if permission not in principal.permissions or is_beyond_tags:
        raise ApiError("FORBIDDEN")
    decisions = context_of(request).ports.decisions
    # Other services come without a tenant; what they may do is said with their token.
    if decisions is not None and principal.tenant_id:
        try:
            allowed = await decisions.allows(principal, permission)
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
OutputReader = Annotated[Principal, Depends(Allowed(Permission.EXECUTIONS_READ_OUTPUT))]
ExecutionCanceller = Annotated[Principal, Depends(Allowed(Permission.EXECUTIONS_CANCEL))]
UserManager = Annotated[Principal, Depends(Allowed(Permission.USERS_MANAGE))]
TenantManager = Annotated[Principal, Depends(Allowed(Permission.TENANTS_MANAGE))]
TenantEraser = Annotated[Principal, Depends(Allowed(Permission.TENANTS_ERASE))]
AuditReader = Annotated[Principal, Depends(Allowed(Permission.AUDIT_READ))]
SecretKeeper = Annotated[Principal, Depends(Allowed(Permission.SECRETS_WRITE))]
NotificationReader = Annotated[Principal, Depends(Allowed(Permission.NOTIFICATIONS_READ))]
NotificationWriter = Annotated[Principal, Depends(Allowed(Permission.NOTIFICATIONS_WRITE))]
SystemReader = Annotated[Principal, Depends(Allowed(Permission.SYSTEM_READ))]
