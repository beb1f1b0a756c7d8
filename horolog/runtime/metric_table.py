"""The table of metrics: every name that a process can show, with its kind, its labels and what it means.

Guarantee: nothing is shown that is not in this table, and everything in it can be (`metrics`). No label is ever a job,
an execution or anything that a caller wrote; `tenant_id` is bounded by `HOROLOG_METRICS_TENANTS`.
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
FINISH_BOUNDS_S = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
AGE_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


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
FINISH_LATENESS = _histogram(
    "scheduler_execution_finish_lateness_seconds",
    "From the nominal instant until the last attempt had ended, retries and their delays included.",
    FINISH_BOUNDS_S,
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
ERROR_RATE = _gauge(
    "scheduler_error_rate",
    "The share of this process's API answers that were faults of ours, from 0 to 1, over the last five minutes.",
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
EVENT_STREAMS = _gauge("scheduler_event_streams", "Streams of events that the API of this process serves.")

LOCK_ACQUISITIONS = _counter("scheduler_lock_acquisitions_total", "Partitions taken by this process.", "role")
LOCK_TIMEOUTS = _counter(
    "scheduler_lock_timeouts_total",
    "Partitions lost to a newer owner, and inputs that were no longer kept because nobody owned their partition.",
    "role",
)

PARTITION_OWNED = _gauge(
    "scheduler_partition_owned", "1 for each partition that this process holds at present.", "role", "partition"
)
PARTITION_EPOCH = _gauge(
    "scheduler_partition_epoch",
    "The number of the partition's present owner, above that of every earlier one: it rises whenever it is taken.",
    *("role", "partition"),
)
PARTITION_TAKEOVERS = _counter(
    "scheduler_partition_takeovers_total", "Partitions that this process took from another owner.", "role"
)
PARTITION_FENCINGS = _counter(
    "scheduler_partition_fencings_total", "Partitions that this process lost to a newer owner while it wrote.", "role"
)
TRANSACTIONS = _counter(
    "scheduler_transactions_total",
    "Commits of owners by outcome: `committed`, `aborted` (nothing was written), or `unknown` until the log was read.",
    *("role", "outcome"),
)
CONSUMER_LAG_RECORDS = _gauge(
    "scheduler_consumer_lag_records",
    "Records of a held partition that wait: read but not decided or applied, and (by positions, gaps included) unread.",
    *("role", "partition"),
)
CONSUMER_LAG_SECONDS = _gauge(
    "scheduler_consumer_lag_seconds",
    "How old the oldest of them is, about; of a projector that cannot read or write, since when it cannot.",
    *("role", "partition"),
)
PROJECTION_LAG = _histogram(
    "scheduler_projection_lag_seconds",
    "From when a fact was written until the read models had it: the oldest of each batch.",
    AGE_BOUNDS_S,
)
DEAD_LETTERS = _counter(
    "scheduler_dead_letters_total", "Records that nobody could make sense of, each told on `dlq.v1`.", "role"
)
CATCH_UP_BEHIND = _gauge(
    "scheduler_catch_up_behind_seconds",
    "How long ago the oldest instant came that a held partition of the ticker owes and has not emitted; 0: none.",
    "partition",
)
CATCH_UP_INSTANTS = _counter(
    "scheduler_catch_up_instants_total",
    "Instants for which nobody was there, by what became of them: `fired` late after all, or `missed`.",
    "outcome",
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
TENANT_QUEUE_SIZE = _gauge(
    "scheduler_tenant_queue_size",
    "Executions that wait, by what for: a slot of their own `job`, `any` worker, or one that reaches a level.",
    *("tenant_id", "pool"),
)
WORKER_SLOTS = _gauge(
    "scheduler_worker_slots",
    "Attempts that this worker runs (`busy`), and that it could run besides (`free`).",
    "state",
)

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

SPANS = _counter(
    "scheduler_spans_total",
    "Spans of traces by what became of them: `sent`, or `dropped` because there was no room or the collector refused.",
    "outcome",
)

ROLE_READY = _gauge(
    "scheduler_role_ready",
    "1 for each role of this process that does its work, as `/readyz` tells, 0 for others.",
    "role",
)
MEMORY_USAGE = _gauge("scheduler_memory_usage_bytes", "The resident set of this process.")
CPU_USAGE = _gauge("scheduler_cpu_usage_percent", "CPU time of this process since the last look; 100 is one core.")

TABLE = (
    FIRE_EMITTED_LATENESS,
    DISPATCH_LATENESS,
    START_LATENESS,
    FINISH_LATENESS,
    SCHEDULES_OVERDUE,
    LEDGER_VIOLATIONS,
    JOB_EXECUTIONS,
    EXECUTIONS,
    FAILED_JOBS,
    EXECUTION_DURATION,
    OPERATIONS,
    OPERATION_DURATION,
    ERRORS,
    ERROR_RATE,
    AUDIT_DROPPED,
    AUDIT_SINK_ENTRIES,
    AUDIT_SINK_FAILURES,
    AUDIT_SINK_WAITING,
    AUDIT_SINK_HELD,
    AUDIT_SINK_BEHIND,
    ACTIVE_CONNECTIONS,
    EVENT_STREAMS,
    LOCK_ACQUISITIONS,
    LOCK_TIMEOUTS,
    PARTITION_OWNED,
    PARTITION_EPOCH,
    PARTITION_TAKEOVERS,
    PARTITION_FENCINGS,
    TRANSACTIONS,
    CONSUMER_LAG_RECORDS,
    CONSUMER_LAG_SECONDS,
    PROJECTION_LAG,
    DEAD_LETTERS,
    CATCH_UP_BEHIND,
    CATCH_UP_INSTANTS,
    TOTAL_JOBS,
    JOBS,
    ACTIVE_JOBS,
    QUEUE_SIZE,
    QUEUE_LENGTH,
    TENANT_QUEUE_SIZE,
    WORKER_SLOTS,
    NOTIFICATIONS,
    NOTIFICATION_FAILURES,
    NOTIFICATIONS_WAITING,
    NOTIFICATIONS_BEHIND,
    SPANS,
    ROLE_READY,
    MEMORY_USAGE,
    CPU_USAGE,
)
