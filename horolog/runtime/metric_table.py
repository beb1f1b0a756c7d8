"""The table of metrics: every name that a process can show, with its kind, its labels and what it means.

Guarantee: nothing is shown that is not in this table, and everything in it can be (`metrics`). No label is ever a job,
an execution or anything that a caller wrote; `tenant_id` is bounded by `METRICS_TENANT_COUNT_MAX`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric's values behave."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. `bounds` are the upper ends of a histogram's buckets."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


LATENESS_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
DURATION_BOUNDS_S = (0.1, 0.5, 1, 5, 10, 30, 60, 300)
OPERATION_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels)


def _histogram(name: str, text: str, bounds: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, text, labels, bounds)


FIRE_EMITTED_LATENESS = _histogram(
    "scheduler_fire_emitted_lateness_seconds",
    "From a fire's nominal instant until the ticker had committed it; one that was out before its instant counts as 0.",
    LATENESS_BOUNDS_S,
    "tenant_id",
)
DISPATCH_LATENESS = _histogram(
    "scheduler_execution_dispatch_lateness_seconds",
    "From the nominal instant until attempt 1 was handed to a worker; before its instant counts as 0.",
    LATENESS_BOUNDS_S,
    "tenant_id",
)
START_LATENESS = _histogram(
    "scheduler_execution_start_lateness_seconds",
    "From the nominal instant until attempt 1 started.",
    LATENESS_BOUNDS_S,
    "tenant_id",
)
SCHEDULES_OVERDUE = _gauge(
    "scheduler_schedules_overdue", "Schedules whose instants have gone by without a row in the ledger.", "tenant_id"
)
LEDGER_VIOLATIONS = _counter(
    "scheduler_ledger_violations_total", "Breaches that the proof of the ledger found.", "kind"
)

JOB_EXECUTIONS = _counter(
    "scheduler_job_executions_total",
    "Executions that are over, by how; a missed range counts each of its instants.",
    *("job_type", "status", "tenant_id"),
)
EXECUTIONS = _counter("scheduler_executions_total", "The same for all tenants and job types.", "status")
FAILED_JOBS = _counter("scheduler_failed_jobs_total", "Executions that failed for good.")
EXECUTION_DURATION = _histogram(
    "scheduler_execution_duration_seconds",
    "How long the last attempt of an execution ran.",
    DURATION_BOUNDS_S,
    *("job_type", "tenant_id"),
)

OPERATIONS = _counter("scheduler_operations_total", "Requests that the API answered.", "method", "route", "status")
OPERATION_DURATION = _histogram(
    "scheduler_operation_duration_seconds", "How long its answers took.", OPERATION_BOUNDS_S, "method", "route"
)
ERRORS = _counter(
    "scheduler_errors_total",
    "Faults of ours: the API's 5xx answers (but for its health), a role's failures.",
    "role",
)
AUDIT_DROPPED = _counter(
    "scheduler_audit_dropped_total", "Calls that are missing from the audit trail, which tells how many they were."
)
AUDIT_SINK_ENTRIES = _counter(
    "scheduler_audit_sink_entries_total", "Entries of the audit trail that the outside service has taken.", "tenant_id"
)
AUDIT_SINK_FAILURES = _counter(
    "scheduler_audit_sink_failures_total",
    "Requests that it has not taken, by the status of its answer, `UNREACHABLE`, `TIMEOUT` or `CHAIN_BROKEN`.",
    *("tenant_id", "code"),
)
AUDIT_SINK_WAITING = _gauge(
    "scheduler_audit_sink_waiting_entries", "Entries that it has not taken yet; of the process that sends.", "tenant_id"
)
AUDIT_SINK_HELD = _gauge(
    "scheduler_audit_sink_held_chains", "Chains that it refuses, tried again slowly; of the same process.", "tenant_id"
)
AUDIT_SINK_BEHIND = _gauge(
    "scheduler_audit_sink_behind_seconds", "How long ago the oldest of these entries happened; of the same process."
)
ACTIVE_CONNECTIONS = _gauge("scheduler_active_connections", "Connections of clients to the API of this process.")

LOCK_ACQUISITIONS = _counter("scheduler_lock_acquisitions_total", "Partitions taken by this process.", "role")
LOCK_TIMEOUTS = _counter(
    "scheduler_lock_timeouts_total",
    "Partitions lost to a newer owner, and inputs that were no longer kept because nobody owned their partition.",
    "role",
)

TOTAL_JOBS = _gauge("scheduler_total_jobs", "Jobs of all tenants, sampled.")
JOBS = _gauge("scheduler_jobs_total", "Jobs of all tenants by status, sampled.", "status")
ACTIVE_JOBS = _gauge("scheduler_active_jobs", "Jobs that are neither paused nor stopped, sampled.")
QUEUE_SIZE = _gauge(
    "scheduler_queue_size",
    "Executions that wait, sampled: `executions` for their turn, `retries` for the time of the next attempt.",
    "queue_name",
)
QUEUE_LENGTH = _gauge("scheduler_queue_length", "Executions that wait for their turn, sampled.")

NOTIFICATIONS = _counter(
    "scheduler_notifications_total",
    "Notifications by what became of them: `made`, `sent`, `dead` (given up), `throttled` (not made, but counted).",
    "outcome",
)
NOTIFICATION_FAILURES = _counter(
    "scheduler_notification_failures_total", "Attempts to send a notification that failed."
)
NOTIFICATIONS_WAITING = _gauge("scheduler_notifications_waiting", "Notifications that are still to be sent, sampled.")
NOTIFICATIONS_BEHIND = _gauge(
    "scheduler_notifications_behind_seconds", "For how long the oldest notification that is due has been so, sampled."
)

MEMORY_USAGE = _gauge("scheduler_memory_usage_bytes", "The resident set of this process.")
CPU_USAGE = _gauge("scheduler_cpu_usage_percent", "CPU time of this process since the last look; 100 is one core.")

TABLE = (
    FIRE_EMITTED_LATENESS,
    DISPATCH_LATENESS,
    START_LATENESS,
    SCHEDULES_OVERDUE,
    LEDGER_VIOLATIONS,
    JOB_EXECUTIONS,
    EXECUTIONS,
    FAILED_JOBS,
    EXECUTION_DURATION,
    OPERATIONS,
    OPERATION_DURATION,
    ERRORS,
    AUDIT_DROPPED,
    AUDIT_SINK_ENTRIES,
    AUDIT_SINK_FAILURES,
    AUDIT_SINK_WAITING,
    AUDIT_SINK_HELD,
    AUDIT_SINK_BEHIND,
    ACTIVE_CONNECTIONS,
    LOCK_ACQUISITIONS,
    LOCK_TIMEOUTS,
    TOTAL_JOBS,
    JOBS,
    ACTIVE_JOBS,
    QUEUE_SIZE,
    QUEUE_LENGTH,
    NOTIFICATIONS,
    NOTIFICATION_FAILURES,
    NOTIFICATIONS_WAITING,
    NOTIFICATIONS_BEHIND,
    MEMORY_USAGE,
    CPU_USAGE,
)
