"""Tenants: who they are, how much they may use, and what their jobs may run.

What a tenant's jobs may start on a worker (programs, functions, networks that are not public) is closed until it is
named. A quota that is not set is as large as the system allows.
"""

from enum import StrEnum
from ipaddress import ip_network
from operator import not_
from typing import Annotated

from pydantic import AfterValidator, Field

from schemas.base import Actor, Text, UtcTime, Uuid, Value

TENANT_NAME_LENGTH_MAX = 200
ALLOWED_COUNT_MAX = 200
BARRED_ACTOR_COUNT_MAX = 1000
WEIGHT_MAX = 1000


class TenantState(StrEnum):
    """Nothing of a `suspended` tenant starts; its fires are in the ledger as skipped."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


def _executable(text: str) -> str:
    if "/" in text and not text.startswith("/"):
        raise ValueError("must be a name without a slash, or an absolute path")
    return text


def _network(text: str) -> str:
    return str(ip_network(text))


Executable = Annotated[Text, Field(min_length=1, max_length=1000), AfterValidator(_executable)]
"""A program's name without a slash, or its absolute path; a job must name it in the very same way."""
ModulePrefix = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", max_length=200)]
"""A dotted module path; it stands for that module and those below it."""
NetworkText = Annotated[str, Field(max_length=64), AfterValidator(_network)]
"""A network in CIDR notation, or an address (RFC 4632; RFC 4291, section 2.3)."""


class Quotas(Value):
    """How much a tenant may use; None is no limit but the system's own.

    `maxRunning` counts executions in workers' hands, `maxQueued` those that wait, `firesPerMinute` those that begin in
    one minute of the clock. A schedule with less than `minIntervalSeconds` between two instants is refused.
    `outputBytesMax` is of each stream and answer that is kept, `requestsPerSecond` is the API's.
    """

    max_jobs: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    max_running: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    fires_per_minute: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    min_interval_seconds: Annotated[int, Field(ge=1, le=31_536_000)] | None = None
    output_bytes_max: Annotated[int, Field(ge=0, le=1 << 30)] | None = None
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] | None = None


class TenantSettings(Value):
    """What a platform's administrator says of a tenant.

    `weight` is its share of the workers beside others that wait. `allowedExecutables` are the programs that its
    command jobs may run, `allowedModules` where its functions may be, `httpAllowed` the networks that its HTTP jobs
    may call besides public ones: of each, none when it is empty. Jobs that were created by one of `barredActors` do
    not run.
    """

    name: Annotated[Text, Field(max_length=TENANT_NAME_LENGTH_MAX)] = ""
    quotas: Quotas = Quotas()
    weight: Annotated[int, Field(ge=1, le=WEIGHT_MAX)] = 1
    allowed_executables: Annotated[tuple[Executable, ...], Field(max_length=ALLOWED_COUNT_MAX)] = ()
    allowed_modules: Annotated[tuple[ModulePrefix, ...], Field(max_length=ALLOWED_COUNT_MAX)] = ()
    http_allowed: Annotated[tuple[NetworkText, ...], Field(max_length=ALLOWED_COUNT_MAX)] = ()
    barred_actors: Annotated[tuple[Actor, ...], Field(max_length=BARRED_ACTOR_COUNT_MAX)] = ()


CLOSED = TenantSettings()
"""No quotas of its own, and no programs, functions or inner networks."""


class DisabledOwner(Value):
    """A user who was disabled, and since when: no job of this actor runs, and none of its commands counts."""

    actor: Actor
    since: UtcTime


class Tenant(Value):
    """A tenant as the log knows it; `version` rises by one with every change.

    One of which nothing was ever decided is not in the log: it is active, and has the settings that dispatchers were
    started with. So has one without `ownSettings`, which nobody created but about which something else was decided:
    of its `settings` only `barredActors` counts, beside those of the dispatchers. `disabledOwners` are users whom
    administrators of the tenant disabled, apart from those whom the platform barred.
    """

    tenant_id: Uuid
    state: TenantState = TenantState.ACTIVE
    settings: TenantSettings
    own_settings: Annotated[bool, Field(exclude_if=bool)] = True
    disabled_owners: Annotated[
        tuple[DisabledOwner, ...], Field(max_length=BARRED_ACTOR_COUNT_MAX, exclude_if=not_)
    ] = ()
    version: Annotated[int, Field(ge=1)] = 1
    created_by: Actor
    created_at: UtcTime
    updated_at: UtcTime
