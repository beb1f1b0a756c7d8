"""What the API needs from outside, besides the log and the read models: identity, wake-ups, probes.

Nothing here is constructed by the API itself; a composition root passes everything in as one `ApiPorts`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from horolog.domain.rates import Demand, Grant
from horolog.log.port import Log
from horolog.ports import Clock, Ids, Tracing
from horolog.vault.port import KeyEraser, SecretStore, TenantKeys
from projections.views import ReadModel
from schemas.tenants import CLOSED, TenantSettings
from services.api.accounts.built_in import BuiltIn
from services.api.audit_reader import AuditReader
from services.api.history import HistoryReader
from services.api.notification_store import NotificationStore
from services.api.overdue import Findings
from services.api.permissions import Permission
from services.api.tenant_reader import TenantReader
from services.api.window_reader import WindowReader

Headers = Sequence[tuple[bytes, bytes]]
"""Raw request headers: names in lower case."""


OPEN_PATHS = frozenset({"/health", "/internal/health"})
"""The exact addresses that need no caller; nothing is open by a prefix or an ending."""
OPEN_SUBMISSIONS = frozenset(
    {"/api/v1/auth/token", "/api/v1/auth/refresh", "/api/v1/auth/logout", "/api/v1/auth/password"}
)
"""The exact addresses to which anybody may POST where the built-in issuer is on: what they are sent proves its sender.
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, for which tenant, and what that caller may do. `tenant_id` is empty for a service.

    `user_id` is that of a user of the built-in issuer, else empty. With `tags`, the permissions hold for jobs that
    carry at least one of them, and for nothing else.
    """

    tenant_id: str
    actor: str
    permissions: frozenset[Permission]
    user_id: str = ""
    tags: tuple[str, ...] | None = None


class Authenticator(Protocol):
    """Recognises a caller by the request's headers."""

    async def recognise(self, headers: Headers) -> Principal | None:
        """The caller, or None when the headers prove nobody. Takes as long for a wrong token as for a right one."""
        ...


class Wake(Protocol):
    """Hears of applied commands sooner than polling would. It may miss any of them: polling makes up for it."""

    @property
    def live(self) -> bool:
        """Whether notices arrive at present."""
        ...

    async def heard(self) -> Sequence[str]:
        """Wait for the next notice: the ids of commands that were applied. While nothing can be heard, it waits."""
        ...


Probe = Callable[[], Awaitable[None]]
"""Raises when what it probes does not answer."""


@dataclass(frozen=True, slots=True)
class Served:
    """One answered request, without anything that the caller wrote: `route` is the template, not the path.

    `request_id` is empty unless the request failed through a fault, and then leads to the log's entry about it.
    """

    method: str
    route: str
    status: int
    duration_s: float
    tenant_id: str
    request_id: str


class DecisionsUnavailable(Exception):
    """The service that decides about permissions does not answer, and has not lately."""


class Decisions(Protocol):
    """Decides about permissions besides the roles that are known here; it can only take away."""

    async def allows(self, principal: Principal, permission: Permission) -> bool:
        """Whether the caller may do that for its tenant.

        Raises:
            DecisionsUnavailable: nobody can tell.
        """
        ...


class Rates(Protocol):
    """Buckets that say how often something may happen."""

    async def take(self, demands: Sequence[Demand]) -> Sequence[Grant]:
        """What each bucket says, in the order of the demands; either all are granted, or none takes anything."""
        ...


class Watch(Protocol):
    """Whoever looks whether schedules are overdue."""

    @property
    def findings(self) -> Findings:
        """What was found at last."""
        ...


class Unwatched:
    """Nobody looks, and nothing is found."""

    findings = Findings()


@dataclass(frozen=True, slots=True)
class ApiPorts:
    """Everything that the API works with. `wake` and `cache_ping` are None when there is no Redis, `decisions` where no
    outside service decides.

    `accounts` is None where the built-in issuer is off. `tenant_defaults` are what dispatchers were told, too: the
    settings of tenants that nobody created.
    `audit_dropped` hears of every call that the audit trail could not be told. Without `keys`, `secrets` and `eraser`,
    which come together, nothing secret is taken. Without `tracing` there are no traces.
    """

    log: Log
    read_model: ReadModel
    history: HistoryReader
    tenants: TenantReader
    clock: Clock
    ids: Ids
    callers: Authenticator
    services: Authenticator
    served: Callable[[Served], None]
    memory_bytes: Callable[[], int]
    rates: Rates
    audit: AuditReader
    audit_dropped: Callable[[], None]
    notifications: NotificationStore
    windows: WindowReader
    wake: Wake | None = None
    cache_ping: Probe | None = None
    schedules: Watch = field(default_factory=Unwatched)
    decisions: Decisions | None = None
    accounts: BuiltIn | None = None
    tenant_defaults: TenantSettings = CLOSED
    keys: TenantKeys | None = None
    secrets: SecretStore | None = None
    eraser: KeyEraser | None = None
    tracing: Tracing | None = None
