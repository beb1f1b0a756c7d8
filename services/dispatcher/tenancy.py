"""What a dispatcher knows of its partition's tenants: their settings, and how much of their quotas they use.

Guarantee: all of it follows from the partition's own topics, so a new owner comes to the same. The fires of a minute
are counted by the ledger's own admissions, each in the minute of its instant or of its turn, and never in one that was
over when it was admitted; the ledger is read again from the first of them, so that no takeover starts the count anew.
Where a quota of fires is set, or a clock put back, in the middle of a minute with a takeover, that minute may begin
its count once more.
"""

from collections.abc import Iterator
from datetime import datetime

from horolog.domain.execution import Execution
from horolog.domain.tenancy import settings_in_force, why_not
from horolog.limits import QUEUED_PER_TENANT_COUNT_MAX
from schemas.events.executions import Reason
from schemas.jobs import Job
from schemas.tenants import Tenant, TenantSettings, TenantState

_MINUTE_S = 60


class Tenancy:
    """The tenants of one partition. Those that nobody created are active, and have the settings in `defaults`."""

    def __init__(self, defaults: TenantSettings) -> None:
        self.defaults = defaults
        self._tenants: dict[str, Tenant] = {}
        self._in_force: dict[str, TenantSettings] = {}
        self._disabled: dict[str, frozenset[str]] = {}
        self._queued: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._fires: dict[int, dict[str, list[int]]] = {}
        self._minute = 0

    def get(self, tenant_id: str) -> Tenant | None:
        """The tenant, if something was ever decided about it."""
        return self._tenants.get(tenant_id)

    def put(self, tenant: Tenant) -> None:
        """Keep the latest of a tenant."""
        self._tenants[tenant.tenant_id] = tenant
        self._in_force[tenant.tenant_id] = settings_in_force(tenant, self.defaults)
        self._disabled[tenant.tenant_id] = frozenset(one.actor for one in tenant.disabled_owners)

    def settings(self, tenant_id: str) -> TenantSettings:
        """Its settings, or the default ones."""
        return self._in_force.get(tenant_id, self.defaults)

    def is_disabled(self, tenant_id: str, actor: str) -> bool:
        """Whether that is a user who was disabled."""
        return actor in self._disabled.get(tenant_id, ())

    def state(self, tenant_id: str) -> TenantState:
        """Whether it is suspended."""
        tenant = self._tenants.get(tenant_id)
        return TenantState.ACTIVE if tenant is None else tenant.state

    def why_not(self, job: Job) -> Reason | None:
        """Why nothing of the job may start at present, for reasons that lie with its tenant."""
        return why_not(job, self.state(job.tenant_id), self.settings(job.tenant_id))

    def weight(self, tenant_id: str) -> int:
        """Its share of the workers beside others that wait."""
        return self.settings(tenant_id).weight

    # -- those that wait or run --------------------------------------------------------------------------------

    def queued_count(self, tenant_id: str) -> int:
        """How many of its executions wait: for a worker, for one of their own job, or to catch up."""
        return self._queued.get(tenant_id, 0)

    def queued_counts(self) -> dict[str, int]:
        """The same for every tenant of which some do."""
        return self._queued.copy()

    def queued_max(self, tenant_id: str) -> int:
        """How many may."""
        quota = self.settings(tenant_id).quotas.max_queued
        return QUEUED_PER_TENANT_COUNT_MAX if quota is None else quota

    def may_run_more(self, tenant_id: str) -> bool:
        """Whether one more of its executions may be given to a worker."""
        quota = self.settings(tenant_id).quotas.max_running
        return quota is None or self._running.get(tenant_id, 0) < quota

    def count_queued(self, tenant_id: str, step: int) -> None:
        """One more waits, or one less."""
        _add(self._queued, tenant_id, step)

    def count_running(self, tenant_id: str, step: int) -> None:
        """One more is in a worker's hands, or one less."""
        _add(self._running, tenant_id, step)

    # -- fires in a minute -------------------------------------------------------------------------------------

    def has_fires_left(self, tenant_id: str, due_at: datetime, now: datetime) -> bool:
        """Whether one more may be admitted that is due then."""
        quota = self.settings(tenant_id).quotas.fires_per_minute
        if quota is None:
            return True
        counted = self._fires.get(self._minute_of(due_at, now), {}).get(tenant_id)
        return (counted[0] if counted is not None else 0) < quota

    def count_fire(self, execution: Execution, at: datetime) -> None:
        """An execution was admitted at this time."""
        minute = self._fires.setdefault(self._minute_of(execution.due_at, at), {})
        counted = minute.get(execution.tenant_id)
        if counted is None:
            minute[execution.tenant_id] = [1, execution.log_mark]
        else:
            counted[0] += 1

    def pass_time(self, latest: datetime) -> None:
        """Forget the minutes that are over."""
        self._minute = int(latest.timestamp()) // _MINUTE_S
        for minute in [minute for minute in self._fires if minute < self._minute]:
            del self._fires[minute]

    def marks(self) -> Iterator[int]:
        """Offsets in the ledger from which a successor has to read to know the same."""
        for counted in self._fires.values():
            for tenant_id, (_, mark) in counted.items():
                if self.settings(tenant_id).quotas.fires_per_minute is not None:
                    yield mark

    def _minute_of(self, due_at: datetime, now: datetime) -> int:
        return max(self._minute, int(max(due_at, now).timestamp()) // _MINUTE_S)


def _add(counts: dict[str, int], tenant_id: str, step: int) -> None:
    count = counts.get(tenant_id, 0) + step
    if count > 0:
        counts[tenant_id] = count
    else:
        counts.pop(tenant_id, None)
