"""What happened to a tenant: `tenant-changes.v1`, the audit trail; and `tenants.v1`, the latest whole tenant."""

from typing import ClassVar

from schemas.base import Actor, Message, Text, UtcTime, Uuid
from schemas.tenants import Tenant


class TenantChanged(Message):
    """A change with the tenant before and after it; nothing was before one that nobody had created."""

    actor: Actor
    at: UtcTime
    command_id: Uuid
    reason: Text | None = None
    tenant: Tenant
    before: Tenant | None = None

    def message_id(self) -> str:
        return f"{self.tenant_id}/{self.tenant.version}"


class TenantCreated(TenantChanged):
    """The tenant is known by its name, and has settings of its own."""

    TYPE: ClassVar[str] = "io.horolog.tenant.created.v1"


class TenantUpdated(TenantChanged):
    """The tenant's settings were replaced."""

    TYPE: ClassVar[str] = "io.horolog.tenant.updated.v1"


class TenantSuspended(TenantChanged):
    """Nothing of the tenant starts until it is resumed."""

    TYPE: ClassVar[str] = "io.horolog.tenant.suspended.v1"


class TenantResumed(TenantChanged):
    """The tenant's jobs run again, from now on."""

    TYPE: ClassVar[str] = "io.horolog.tenant.resumed.v1"


class ActorBarred(TenantChanged):
    """Jobs that this actor created do not run any more."""

    TYPE: ClassVar[str] = "io.horolog.tenant.actor-barred.v1"


class ActorUnbarred(TenantChanged):
    """Jobs that this actor created run again, from now on."""

    TYPE: ClassVar[str] = "io.horolog.tenant.actor-unbarred.v1"


class TenantTabled(Message):
    """The latest whole tenant, keyed by its id in a compacted topic."""

    TYPE: ClassVar[str] = "io.horolog.tenant.tabled.v1"
    tenant: Tenant

    def message_id(self) -> str:
        return f"{self.tenant_id}/{self.tenant.version}"
