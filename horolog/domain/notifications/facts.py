"""What there is to be told: events of the log that a rule may be about, and what is remembered to understand them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from horolog.domain.notifications.rules import Kind


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a job, or (without `job_id`) to the tenant itself. `id` is that of its event.

    `cause` is a code: of a failure, of what disabled a job, of a fire that was left out. A `recovered` fact says that
    an execution went well; whether that is news depends on how the one before it went.
    """

    id: str
    tenant_id: str
    kind: Kind
    at: datetime
    job_id: str | None = None
    execution_id: str | None = None
    scheduled_for: datetime | None = None
    cause: str | None = None
    late_s: float | None = None
    missed_count: int | None = None
    missed_until: datetime | None = None

    @property
    def subject(self) -> str:
        """What facts are grouped by, within a rule."""
        return self.job_id or ""


@dataclass(frozen=True, slots=True)
class KnownJob:
    """What is remembered of a job. `is_failing`: its last execution that ended by itself has failed."""

    job_id: str
    tenant_id: str
    name: str = ""
    tags: Sequence[str] = ()
    version: int = 0
    is_failing: bool = False


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """What is remembered of a tenant: whether it is suspended, and the networks that its requests may go to."""

    tenant_id: str
    version: int
    is_suspended: bool
    changed_at: datetime
    http_allowed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The facts of one rule about one job that wait to be told together. Without `counts` none does yet."""

    rule_id: str
    tenant_id: str
    subject: str
    closes_at: datetime
    counts: Mapping[Kind, int]
    first_at: datetime | None = None
    last: Fact | None = None


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many messages a rule has made since `since`, and how many facts the messages held that were not made."""

    rule_id: str
    since: datetime
    made_count: int = 0
    dropped_count: int = 0
