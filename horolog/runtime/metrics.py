"""The figures of one process: what is counted and measured, by the names of `metric_table`.

Guarantee: counting never fails, waits for nothing and decides nothing. Memory is bounded: tenants beyond
`METRICS_TENANT_COUNT_MAX` share the label `other`. The registry is this value's own; two of them in one process do not
see each other.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import core as prometheus

from horolog.limits import METRICS_TENANT_COUNT_MAX
from horolog.runtime import metric_table as table
from horolog.runtime.instruments import Distributions, Labels, Numbers
from horolog.runtime.resources import CpuShare, resident_bytes

OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_JOB_STATUSES = ("active", "paused", "inactive")


class OwnerFigures(Protocol):
    """What an owner counts by itself; see `horolog.log.owner.OwnerCounters`."""

    @property
    def acquisitions(self) -> int: ...

    @property
    def fencings(self) -> int: ...

    @property
    def losses(self) -> int: ...

    @property
    def failures(self) -> int: ...


class Faults(Protocol):
    """What counts its own defects."""

    @property
    def failures(self) -> int: ...


class NotifierFigures(Faults, Protocol):
    """What a notifier counts by itself; see `projections.notifications.counters`."""

    @property
    def made(self) -> int: ...

    @property
    def sent(self) -> int: ...

    @property
    def failed(self) -> int: ...

    @property
    def dead(self) -> int: ...

    @property
    def throttled(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    @property
    def behind_s(self) -> float: ...


class Metrics:
    """Counts what it is told of, and asks what it watches whenever it is looked at."""

    def __init__(
        self, memory_bytes: Callable[[], int] = resident_bytes, cpu_percent: Callable[[], float] | None = None
    ) -> None:
        self.registry = CollectorRegistry()
        self._numbers = {m.name: Numbers(m) for m in table.TABLE if m.kind is not table.Kind.HISTOGRAM}
        self._distributions = {m.name: Distributions(m) for m in table.TABLE if m.kind is table.Kind.HISTOGRAM}
        self._tenants: set[str] = set()
        self._memory_bytes = memory_bytes
        self._cpu_percent = cpu_percent or CpuShare().percent
        self._owners: dict[str, OwnerFigures] = {}
        self._faulty: dict[str, Faults] = {}
        self._connection_count: Callable[[], int] | None = None
        self._notifier: NotifierFigures | None = None
        self.registry.register(self)

    def render(self) -> bytes:
        """Everything in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[prometheus.Metric]:
        """Every family of the table."""
        self._look()
        for described in table.TABLE:
            if described.kind is table.Kind.HISTOGRAM:
                yield self._distributions[described.name].family()
            else:
                yield self._numbers[described.name].family()

    def fire_emitted(self, tenant_id: str, lateness_s: float) -> None:
        """A ticker has committed a fire, so long after its instant."""
        self._observe(table.FIRE_EMITTED_LATENESS, max(0.0, lateness_s), self._tenant(tenant_id))

    def attempt_dispatched(self, tenant_id: str, lateness_s: float) -> None:
        """Attempt 1 was handed to a worker, so long after the instant."""
        self._observe(table.DISPATCH_LATENESS, max(0.0, lateness_s), self._tenant(tenant_id))

    def attempt_started(self, tenant_id: str, lateness_s: float) -> None:
        """Attempt 1 started, so long after the instant."""
        self._observe(table.START_LATENESS, max(0.0, lateness_s), self._tenant(tenant_id))

    def executions_over(self, tenant_id: str, job_type: str, status: str, count: int = 1) -> None:
        """So many executions came to this end."""
        self._of(table.JOB_EXECUTIONS).add(job_type, status, self._tenant(tenant_id), amount=count)
        self._of(table.EXECUTIONS).add(status, amount=count)
        if status == "failed":
            self._of(table.FAILED_JOBS).add(amount=count)

    def execution_ran(self, tenant_id: str, job_type: str, duration_s: float) -> None:
        """The last attempt of an execution ran so long."""
        self._observe(table.EXECUTION_DURATION, max(0.0, duration_s), job_type, self._tenant(tenant_id))

    def request_served(self, method: str, route: str, status: int, duration_s: float, is_fault: bool) -> None:
        """The API has answered; `route` is the template, never the path."""
        # Any word can be sent as a method.
        known = method if method in _METHODS else OTHER
        self._of(table.OPERATIONS).add(known, route, str(status))
        self._observe(table.OPERATION_DURATION, duration_s, known, route)
        if is_fault:
            self._of(table.ERRORS).add("api")

    def audit_dropped(self) -> None:
        """The audit trail could not be told of a call."""
        self._of(table.AUDIT_DROPPED).add()

    def audit_taken(self, tenant_id: str, count: int) -> None:
        """An outside service has taken so many entries of the audit trail."""
        self._of(table.AUDIT_SINK_ENTRIES).add(self._tenant(tenant_id), amount=count)

    def audit_not_taken(self, tenant_id: str, code: str) -> None:
        """It has not taken what was sent, for this reason."""
        self._of(table.AUDIT_SINK_FAILURES).add(self._tenant(tenant_id), code)

    def set_audit_waiting(self, counts: Mapping[str, int], held: Mapping[str, int], behind_s: float) -> None:
        """By tenant the entries that wait to be taken and the chains that are held; how old the oldest entry is."""
        self._of(table.AUDIT_SINK_WAITING).put(self._by_tenant(counts))
        self._of(table.AUDIT_SINK_HELD).put(self._by_tenant(held))
        self._of(table.AUDIT_SINK_BEHIND).set(value=behind_s)

    def forget_audit_waiting(self) -> None:
        """This process does not send the audit trail: another one knows what waits."""
        for described in (table.AUDIT_SINK_WAITING, table.AUDIT_SINK_HELD, table.AUDIT_SINK_BEHIND):
            self._of(described).put({})

    def ledger_violation(self, kind: str, count: int = 1) -> None:
        """The proof of the ledger has found so many breaches of this kind."""
        self._of(table.LEDGER_VIOLATIONS).add(kind, amount=count)

    def set_overdue(self, counts: Mapping[str, int]) -> None:
        """How many schedules are overdue by tenant; a tenant that is not named has none, and is not shown."""
        self._of(table.SCHEDULES_OVERDUE).put(self._by_tenant(counts))

    def set_jobs(self, by_status: Mapping[str, int]) -> None:
        """How many jobs there are."""
        self._of(table.JOBS).put({(status,): by_status.get(status, 0) for status in (*_JOB_STATUSES, *by_status)})
        self._of(table.TOTAL_JOBS).set(value=sum(by_status.values()))
        self._of(table.ACTIVE_JOBS).set(value=by_status.get("active", 0))

    def set_queue(self, pending_count: int, delayed_count: int) -> None:
        """How many executions wait for their turn, and how many for the time of their next attempt."""
        self._of(table.QUEUE_SIZE).put({("executions",): pending_count, ("retries",): delayed_count})
        self._of(table.QUEUE_LENGTH).set(value=pending_count)

    def forget_samples(self) -> None:
        """Show no jobs and no queue: they are not known at present, and an old figure would look like a new one."""
        for described in (table.JOBS, table.TOTAL_JOBS, table.ACTIVE_JOBS, table.QUEUE_SIZE, table.QUEUE_LENGTH):
            self._of(described).put({})

    def watch_owner(self, role: str, figures: OwnerFigures) -> None:
        """Show what the owner of this role counts."""
        self._owners[role] = figures
        self._faulty[role] = figures

    def watch_faults(self, role: str, faults: Faults) -> None:
        """Show the defects of this role."""
        self._faulty[role] = faults

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Show how many connections the API has."""
        self._connection_count = count

    def watch_notifier(self, figures: NotifierFigures) -> None:
        """Show what this notifier counts, and its defects."""
        self._notifier = figures
        self._faulty["notifier"] = figures

    def _look(self) -> None:
        for role, figures in self._owners.copy().items():
            self._of(table.LOCK_ACQUISITIONS).set(role, value=figures.acquisitions)
            self._of(table.LOCK_TIMEOUTS).set(role, value=figures.fencings + figures.losses)
        for role, faults in self._faulty.copy().items():
            self._of(table.ERRORS).set(role, value=faults.failures)
        if self._connection_count is not None:
            self._of(table.ACTIVE_CONNECTIONS).set(value=self._connection_count())
        if (notifier := self._notifier) is not None:
            for outcome in ("made", "sent", "dead", "throttled"):
                self._of(table.NOTIFICATIONS).set(outcome, value=getattr(notifier, outcome))
            self._of(table.NOTIFICATION_FAILURES).set(value=notifier.failed)
            self._of(table.NOTIFICATIONS_WAITING).set(value=notifier.waiting)
            self._of(table.NOTIFICATIONS_BEHIND).set(value=notifier.behind_s)
        self._of(table.MEMORY_USAGE).set(value=self._memory_bytes())
        self._of(table.CPU_USAGE).set(value=self._cpu_percent())

    def _of(self, described: table.Metric) -> Numbers:
        return self._numbers[described.name]

    def _observe(self, described: table.Metric, value: float, *labels: str) -> None:
        self._distributions[described.name].observe(value, *labels)

    def _by_tenant(self, counts: Mapping[str, int]) -> dict[Labels, float]:
        shown: dict[Labels, float] = {}
        for tenant_id, count in counts.items():
            label = (self._tenant(tenant_id),)
            shown[label] = shown.get(label, 0) + count
        return shown

    def _tenant(self, tenant_id: str) -> str:
        if tenant_id in self._tenants:
            return tenant_id
        if len(self._tenants) >= METRICS_TENANT_COUNT_MAX:
            return OTHER
        self._tenants.add(tenant_id)
        return tenant_id
