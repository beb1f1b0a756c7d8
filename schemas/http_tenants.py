"""The bodies of the REST API about tenants.

A body that creates a tenant, or changes one, has the fields of `TenantSettings`; in a change those that are left out
stay as they are, and a quota that is null is no longer set.
"""

from datetime import date, datetime

from schemas.base import Body, Uuid, Value
from schemas.http import InternalAnswer
from schemas.tenants import TenantSettings, TenantState


class CreateTenantBody(TenantSettings):
    """Whose settings these are: the id by which the tenant's tokens name it."""

    tenant_id: Uuid


class TenantResponse(TenantSettings):
    """A tenant. One that nobody created has the system's own settings (`ownSettings` is false).

    It is at version 0 until something is decided about it. `disabledOwners` are disabled users whose jobs do not run.
    """

    tenant_id: Uuid
    state: TenantState
    version: int
    own_settings: bool
    disabled_owners: list[str]
    created_by: str | None
    created_at: datetime | None
    updated_at: datetime | None


class TenantPage(Value):
    """Tenants, newest first; `nextCursor` is null on the last page."""

    items: list[TenantResponse]
    next_cursor: str | None


class PresentUse(Value):
    """What a tenant uses at present: jobs, executions that run, and those that wait or are to be tried again."""

    jobs: int
    running: int
    queued: int


class OwnTenantResponse(TenantResponse):
    """The caller's own tenant."""

    usage: PresentUse


class DayOfUse(Value):
    """What became of the executions of one UTC day of their instants, and how long they ran, in milliseconds."""

    day: date
    total: int
    by_status: dict[str, int]
    duration_ms: int


class UsageResponse(Value):
    """The days on which there was anything, oldest first."""

    start: datetime
    end: datetime
    days: list[DayOfUse]


class InternalTenantAnswer(InternalAnswer):
    """One tenant."""

    data: TenantResponse


class EraseTenantBody(Body):
    """Whose key and secrets are to be erased for good: the id that stands in the address as well."""

    tenant_id: Uuid


class ErasedTenantResponse(Value):
    """What was encrypted for the tenant can never be read again; `hadAny`: whether there was a key or a secret."""

    tenant_id: str
    erased: bool
    had_any: bool
