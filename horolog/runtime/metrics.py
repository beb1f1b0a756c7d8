"""The figures of one process: what is counted and measured, by the names of `metric_table`.

Guarantee: counting never fails, waits for nothing and decides nothing. Memory is bounded: tenants beyond
`tenant_count_max` share the label `other`. The registry is this value's own; two of them in one process do not
see each other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import core as prometheus

from horolog.limits import METRICS_TENANT_COUNT_MAX
from horolog.runtime import metric_table as table
from horolog.runtime.instruments import Distributions, Labels, Numbers
from horolog.runtime.recent_share import RecentShare
from horolog.runtime.resources import CpuShare, resident_bytes

OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_JOB_STATUSES = ("active", "paused", "inactive")


class OwnerFigures(Protocol):
    """What an owner counts by itself; see `horolog.log.counters.OwnerCounters`."""

    @property
    def acquisitions(self) -> int: ...

    @property
    def takeovers(self) -> int: ...

    @property
    def fencings(self) -> int: ...

    @property
    def losses(self) -> int: ...

    @property
    def failures(self) -> int: ...

    @property
    def dead_letters(self) -> int: ...

    @property
    def transactions(self) -> Mapping[str, int]: ...


class Standing(Protocol):
    """One partition in a consumer's hands, and how far it is behind; see `horolog.log.lag.Standing`."""

    @property
    def partition(self) -> int: ...

    @property
    def epoch(self) -> int | None: ...

    @property
    def lag_record_count(self) -> int: ...

    @property
    def lag_s(self) -> float: ...


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
        self,
        memory_bytes: Callable[[], int] = resident_bytes,
        cpu_percent: Callable[[], float] | None = None,
        tenant_count_max: int = METRICS_TENANT_COUNT_MAX,
    ) -> None:
        self.registry = CollectorRegistry()
        self._numbers = {m.name: Numbers(m) for m in table.TABLE if m.kind is not table.Kind.HISTOGRAM}
        self._distributions = {m.name: Distributions(m) for m in table.TABLE if m.kind is table.Kind.HISTOGRAM}
        self._tenants: set[str] = set()
        self._tenant_count_max = tenant_count_max
        self._memory_bytes = memory_bytes
        self._cpu_percent = cpu_percent or CpuShare().percent
        self._error_rate = RecentShare()
        self._served_count = self._fault_count = 0
        self._looks: dict[tuple[str, str], Callable[[], None]] = {}
        self._partitions: dict[str, Callable[[], Iterable[Standing]]] = {}
        self._slots: list[Callable[[], tuple[int, int]]] = []
        self._letters: dict[str, list[Callable[[], int]]] = {}
        self.registry.register(self)

    def render(self) -> bytes:
        """Everything, as it is now, in Prometheus' text format 0.0.4."""
        self.look()
        return self.text()

    def text(self) -> bytes:
        """Everything as the last look found it. Any thread may ask."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[prometheus.Metric]:
        """Every family of the table. The kernel is asked here, beside the loop: that may take a while."""
        self._of(table.MEMORY_USAGE).set(value=self._memory_bytes())
        self._of(table.CPU_USAGE).set(value=self._cpu_percent())
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

    def execution_finished(self, tenant_id: str, lateness_s: float) -> None:
        """The last attempt of an execution has ended, so long after the instant."""
        self._observe(table.FINISH_LATENESS, max(0.0, lateness_s), self._tenant(tenant_id))

    def facts_applied(self, age_s: float) -> None:
        """A batch of facts is in the read models; the oldest of them was written so long ago."""
        self._observe(table.PROJECTION_LAG, max(0.0, age_s))

    def caught_up(self, outcome: str, count: int) -> None:
        """A ticker has decided on so many instants for which nobody was there."""
        self._of(table.CATCH_UP_INSTANTS).add(outcome, amount=count)

    def request_served(self, method: str, route: str, status: int, duration_s: float, is_fault: bool) -> None:
        """The API has answered; `route` is the template, never the path."""
        # Any word can be sent as a method.
        known = method if method in _METHODS else OTHER
        self._of(table.OPERATIONS).add(known, route, str(status))
        self._observe(table.OPERATION_DURATION, duration_s, known, route)
        self._served_count += 1
        if is_fault:
            self._fault_count += 1
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

        def look() -> None:
            self._of(table.LOCK_ACQUISITIONS).set(role, value=figures.acquisitions)
            self._of(table.LOCK_TIMEOUTS).set(role, value=figures.fencings + figures.losses)
            self._of(table.PARTITION_TAKEOVERS).set(role, value=figures.takeovers)
            self._of(table.PARTITION_FENCINGS).set(role, value=figures.fencings)
            for outcome, count in figures.transactions.items():
                self._of(table.TRANSACTIONS).set(role, outcome, value=count)

        self._looks["owner", role] = look
        self.watch_faults(role, figures)
        self.watch_letters(role, lambda: figures.dead_letters)

    def watch_faults(self, role: str, faults: Faults) -> None:
        """Show the defects of this role."""
        self._watch(table.ERRORS, lambda: faults.failures, role)

    def watch_letters(self, role: str, count: Callable[[], int]) -> None:
        """Show how many records this role could not make sense of; of several of a role, their sum."""
        counts = self._letters.setdefault(role, [])
        counts.append(count)
        self._watch(table.DEAD_LETTERS, lambda: sum(one() for one in counts), role)

    def watch_partitions(self, role: str, standings: Callable[[], Iterable[Standing]]) -> None:
        """Show which partitions this role holds, and how far they are behind."""
        self._partitions[role] = standings
        self._looks["partitions", ""] = self._look_at_partitions

    def watch_catching_up(self, behind_s: Callable[[], Mapping[int, float]]) -> None:
        """Show how far each of the ticker's partitions is behind."""

        def look() -> None:
            self._of(table.CATCH_UP_BEHIND).put({(str(partition),): s for partition, s in behind_s().items()})

        self._looks["catching up", ""] = look
        # Shown from the beginning, so that the first rise shows.
        for outcome in ("fired", "missed"):
            self.caught_up(outcome, 0)

    def watch_queues(self, sizes: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Show how many executions wait, by tenant and by what they wait for."""

        def look() -> None:
            shown: dict[Labels, float] = {}
            for (tenant_id, pool), size in sizes().items():
                labels = (self._tenant(tenant_id), pool)
                shown[labels] = shown.get(labels, 0) + size
            self._of(table.TENANT_QUEUE_SIZE).put(shown)

        self._looks["queues", ""] = look

    def watch_slots(self, running_and_capacity: Callable[[], tuple[int, int]]) -> None:
        """Show how many attempts a worker runs, and how many more it could; of several workers, their sum."""
        self._slots.append(running_and_capacity)

        def look() -> None:
            slots = [one() for one in self._slots]
            busy, free = sum(running for running, _ in slots), sum(max(0, room - running) for running, room in slots)
            self._of(table.WORKER_SLOTS).put({("busy",): busy, ("free",): free})

        self._looks["slots", ""] = look

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Show how many connections the API has, and its faults, of which there are none yet."""
        self._of(table.ERRORS).add("api", amount=0)
        self._watch(table.ACTIVE_CONNECTIONS, count)

    def watch_streams(self, count: Callable[[], int]) -> None:
        """Show how many streams of events the API serves."""
        self._watch(table.EVENT_STREAMS, count)

    def watch_notifier(self, figures: NotifierFigures) -> None:
        """Show what this notifier counts, and its defects."""
        self.watch_faults("notifier", figures)

        def look() -> None:
            for outcome in ("made", "sent", "dead", "throttled"):
                self._of(table.NOTIFICATIONS).set(outcome, value=getattr(figures, outcome))
            self._of(table.NOTIFICATION_FAILURES).set(value=figures.failed)
            self._of(table.NOTIFICATIONS_WAITING).set(value=figures.waiting)
            self._of(table.NOTIFICATIONS_BEHIND).set(value=figures.behind_s)

        self._looks["notifier", ""] = look

    def watch_roles(self, standing: Callable[[], Mapping[str, bool]]) -> None:
        """Show which roles of this process do their work."""

        def look() -> None:
            self._of(table.ROLE_READY).put({(role,): is_ready for role, is_ready in standing().items()})

        self._looks["roles", ""] = look

    def watch_spans(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Show what became of the spans of this process."""

        def look() -> None:
            self._of(table.SPANS).put({(outcome,): count for outcome, count in counts().items()})

        self._looks["spans", ""] = look

    def look(self) -> None:
        """Ask what is watched how it is now. Only the thread that everything watched lives in may do so."""
        for look in self._looks.values():
            look()
        if self._served_count:
            self._of(table.ERROR_RATE).set(value=self._error_rate.now(self._fault_count, self._served_count))

    def _watch(self, described: table.Metric, value: Callable[[], float], *labels: str) -> None:
        self._looks[described.name, "".join(labels)] = lambda: self._of(described).set(*labels, value=value())

    def _look_at_partitions(self) -> None:
        owned: dict[Labels, float] = {}
        epochs: dict[Labels, float] = {}
        records: dict[Labels, float] = {}
        seconds: dict[Labels, float] = {}
        for role, standings in self._partitions.items():
            for standing in standings():
                labels = (role, str(standing.partition))
                owned[labels], records[labels], seconds[labels] = 1, standing.lag_record_count, standing.lag_s
                if standing.epoch is not None:
                    epochs[labels] = standing.epoch
        self._of(table.PARTITION_OWNED).put(owned)
        self._of(table.PARTITION_EPOCH).put(epochs)
        self._of(table.CONSUMER_LAG_RECORDS).put(records)
        self._of(table.CONSUMER_LAG_SECONDS).put(seconds)

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
        if len(self._tenants) >= self._tenant_count_max:
            return OTHER
        self._tenants.add(tenant_id)
        return tenant_id
