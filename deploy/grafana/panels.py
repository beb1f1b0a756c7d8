"""What the dashboard shows, row by row: first what was asked for, then ours, by the question that each row answers.

Every figure is asked so that it stays right with any number of processes: what each of them counts is added up, what
all of them sample alike is the largest, and shares are made of sums.
"""

from deploy.grafana.panel import Kind, Panel, Query, Row


def _heat(name: str) -> tuple[Query, ...]:
    return (Query(f'sum by (le) (increase({name}_bucket{{tenant_id=~"$tenant"}}[$__rate_interval]))', "{{le}}"),)


def _quantile(share: str, name: str, matcher: str = '{tenant_id=~"$tenant"}') -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({name}_bucket{matcher}[$__rate_interval])))"


ASKED_FOR = Row(
    "Executions",
    (
        Panel(
            "Executions",
            Kind.STAT,
            "Executions that came to an end in a second, over the last minute: all ends, skipped and missed included.",
            (Query("sum(rate(scheduler_executions_total[1m]))"),),
            "cps",
            4,
        ),
        Panel(
            "Success rate",
            Kind.STAT,
            "Of the executions that ran to their own end in the last five minutes, the share that succeeded.",
            (
                Query(
                    'sum(rate(scheduler_executions_total{status="completed"}[5m]))'
                    ' / sum(rate(scheduler_executions_total{status=~"completed|failed"}[5m]))'
                ),
            ),
            "percentunit",
            4,
        ),
        Panel(
            "Queue and active jobs",
            Kind.GRAPH,
            "Executions that wait for their turn, those that wait for their next attempt, and active jobs. More than "
            "5,000 in the queue for five minutes is an alert.",
            (
                Query("max(scheduler_queue_length)", "queue"),
                Query("max by (queue_name) (scheduler_queue_size)", "{{queue_name}}"),
                Query("max(scheduler_active_jobs)", "active jobs"),
            ),
        ),
        Panel(
            "Duration distribution",
            Kind.HEATMAP,
            "How long the last attempts ran.",
            _heat("scheduler_execution_duration_seconds"),
            "s",
        ),
    ),
)

PUNCTUALITY = Row(
    "Is everything on time?",
    (
        Panel(
            "Lateness of starts",
            Kind.HEATMAP,
            "From the nominal instant until the first attempt started. 10 s is the promise.",
            _heat("scheduler_execution_start_lateness_seconds"),
            "s",
        ),
        Panel(
            "Where the time goes (p99)",
            Kind.GRAPH,
            "Each from the nominal instant: until the fire was out (ticker), handed to a worker (dispatcher), started "
            "(worker), and ended. The step at which a curve rises is where to look.",
            (
                Query(_quantile("0.99", "scheduler_fire_emitted_lateness_seconds"), "emitted"),
                Query(_quantile("0.99", "scheduler_execution_dispatch_lateness_seconds"), "handed out"),
                Query(_quantile("0.99", "scheduler_execution_start_lateness_seconds"), "started"),
                Query(_quantile("0.99", "scheduler_execution_finish_lateness_seconds"), "ended"),
            ),
            "s",
        ),
        Panel(
            "Started within 10 s",
            Kind.STAT,
            "The share of the last hour's first attempts; the promise is 99.9 %.",
            (
                Query(
                    'sum(rate(scheduler_execution_start_lateness_seconds_bucket{le="10.0"}[1h]))'
                    " / sum(rate(scheduler_execution_start_lateness_seconds_count[1h]))"
                ),
            ),
            "percentunit",
            4,
        ),
        Panel(
            "Schedules overdue",
            Kind.STAT,
            "Schedules whose instants went by without a row. Anything but nothing is an alert.",
            (Query("sum(max by (tenant_id) (scheduler_schedules_overdue)) or vector(0)"),),
            "short",
            4,
        ),
    ),
)

LEDGER = Row(
    "What became of the fires?",
    (
        Panel(
            "Ledger outcomes",
            Kind.GRAPH,
            "How executions ended. Skipped, missed and cancelled rows say why in their `reason`.",
            (Query("sum by (status) (rate(scheduler_executions_total[$__rate_interval]))", "{{status}}"),),
            "cps",
        ),
        Panel(
            "Outcomes by job type",
            Kind.GRAPH,
            "The same by what the jobs do, for the tenants chosen above.",
            (
                Query(
                    "sum by (job_type, status)"
                    ' (rate(scheduler_job_executions_total{tenant_id=~"$tenant"}[$__rate_interval]))',
                    "{{job_type}} {{status}}",
                ),
                Query("sum(rate(scheduler_failed_jobs_total[$__rate_interval]))", "failed, all tenants"),
            ),
            "cps",
        ),
        Panel(
            "Dead letters and breaches",
            Kind.GRAPH,
            "Records that make no sense, breaches of the ledger, lost calls and spans, in ten minutes: look at each.",
            (
                Query("sum by (role) (increase(scheduler_dead_letters_total[10m]))", "letters: {{role}}"),
                Query("sum by (kind) (increase(scheduler_ledger_violations_total[10m]))", "breach: {{kind}}"),
                Query("sum(increase(scheduler_audit_dropped_total[10m]))", "untold calls"),
                Query('sum(increase(scheduler_spans_total{outcome="dropped"}[10m])) or vector(0)', "dropped spans"),
            ),
        ),
    ),
)

OWNERS = Row(
    "Who decides?",
    (
        Panel(
            "Owners timeline",
            Kind.TIMELINE,
            "How many partitions each process held. In a healthy system the numbers change only when processes come "
            "and go, and add up to the number of partitions.",
            (Query("sum by (role, instance) (scheduler_partition_owned)", "{{role}} {{instance}}"),),
            "short",
            12,
        ),
        Panel(
            "Partitions taken and lost",
            Kind.GRAPH,
            "In the last five minutes: taken at all, taken from another owner, lost to a newer one, and lost in any "
            "way. The last line is how often the most restless partition changed hands.",
            (
                Query("sum by (role) (increase(scheduler_lock_acquisitions_total[5m]))", "taken: {{role}}"),
                Query("sum by (role) (increase(scheduler_partition_takeovers_total[5m]))", "from others: {{role}}"),
                Query("sum by (role) (increase(scheduler_partition_fencings_total[5m]))", "fenced: {{role}}"),
                Query("sum by (role) (increase(scheduler_lock_timeouts_total[5m]))", "lost: {{role}}"),
                Query("max by (role) (changes(scheduler_partition_epoch[5m]))", "most restless: {{role}}"),
            ),
            "short",
            6,
        ),
        Panel(
            "Transactions",
            Kind.GRAPH,
            "Commits of owners. Aborted ones wrote nothing; after an unknown one the owner reads the log anew.",
            (
                Query(
                    "sum by (role, outcome) (rate(scheduler_transactions_total[$__rate_interval]))",
                    "{{role}} {{outcome}}",
                ),
            ),
            "cps",
            6,
        ),
    ),
)

BEHIND = Row(
    "Is anything behind?",
    (
        Panel(
            "Consumer lag",
            Kind.GRAPH,
            "How old the oldest record is that the worst partition of a role has not taken in. 30 s for two minutes is "
            "an alert.",
            (Query("max by (role) (scheduler_consumer_lag_seconds)", "{{role}}"),),
            "s",
            6,
        ),
        Panel(
            "Records that wait",
            Kind.GRAPH,
            "In all partitions of a role. Falling: it catches up.",
            (Query("sum by (role) (scheduler_consumer_lag_records)", "{{role}}"),),
            "short",
            6,
        ),
        Panel(
            "Age of the read models",
            Kind.GRAPH,
            "From when a fact was written until the API could show it.",
            (
                Query(_quantile("0.5", "scheduler_projection_lag_seconds", ""), "p50"),
                Query(_quantile("0.99", "scheduler_projection_lag_seconds", ""), "p99"),
            ),
            "s",
            6,
        ),
        Panel(
            "Catching up",
            Kind.GRAPH,
            "How far the ticker is behind the clock in its worst partition. It falls while it catches up.",
            (Query("max(scheduler_catch_up_behind_seconds)", "behind"),),
            "s",
            3,
        ),
        Panel(
            "Caught up",
            Kind.GRAPH,
            "What became of instants for which nobody was there.",
            (Query("sum by (outcome) (increase(scheduler_catch_up_instants_total[5m]))", "{{outcome}}"),),
            "short",
            3,
        ),
    ),
)

CAPACITY = Row(
    "Is there enough of everything?",
    (
        Panel(
            "Worker slots",
            Kind.GRAPH,
            "Attempts that run, and that could run besides. Without free ones the queue grows.",
            (Query("sum by (state) (scheduler_worker_slots)", "{{state}}"),),
            "short",
            6,
        ),
        Panel(
            "Longest queues",
            Kind.GRAPH,
            "The ten tenants of which most waits, and what for: a slot of their own job, any worker, or one that "
            "reaches a level of isolation.",
            (
                Query(
                    'topk(10, sum by (tenant_id, pool) (scheduler_tenant_queue_size{tenant_id=~"$tenant"}))',
                    "{{tenant_id}} {{pool}}",
                ),
            ),
            "short",
            6,
        ),
        Panel(
            "Memory",
            Kind.GRAPH,
            "Of each process. More than 0.9 GiB for three minutes is an alert.",
            (Query("scheduler_memory_usage_bytes", "{{service}} {{instance}}"),),
            "bytes",
            6,
        ),
        Panel(
            "CPU",
            Kind.GRAPH,
            "Of each process; 100 % is one core.",
            (Query("scheduler_cpu_usage_percent", "{{service}} {{instance}}"),),
            "percent",
            6,
        ),
    ),
)

REQUESTS = Row(
    "The API",
    (
        Panel(
            "Requests",
            Kind.GRAPH,
            "Answers by status.",
            (Query("sum by (status) (rate(scheduler_operations_total[$__rate_interval]))", "{{status}}"),),
            "reqps",
            6,
        ),
        Panel(
            "Time of an answer",
            Kind.GRAPH,
            "95 of 100 answers took no longer; 100 ms is the promise.",
            (
                Query(_quantile("0.95", "scheduler_operation_duration_seconds", ""), "p95"),
                Query(_quantile("0.5", "scheduler_operation_duration_seconds", ""), "p50"),
            ),
            "s",
            6,
        ),
        Panel(
            "Errors",
            Kind.GRAPH,
            "Faults of ours by role, in a second.",
            (Query("sum by (role) (rate(scheduler_errors_total[5m]))", "{{role}}"),),
            "cps",
            4,
        ),
        Panel(
            "Error rate",
            Kind.STAT,
            "The largest share of faults among the answers of any API process, over five minutes.",
            (Query("max(scheduler_error_rate)"),),
            "percentunit",
            4,
        ),
        Panel(
            "Jobs and connections",
            Kind.GRAPH,
            "Jobs by status and in all, clients that are connected, and those that follow events.",
            (
                Query("max by (status) (scheduler_jobs_total)", "{{status}}"),
                Query("max(scheduler_total_jobs)", "all jobs"),
                Query("sum(scheduler_active_connections)", "connections"),
                Query("sum(scheduler_event_streams)", "streams of events"),
            ),
            "short",
            4,
        ),
    ),
)

OUTWARD = Row(
    "What is sent out",
    (
        Panel(
            "Notifications",
            Kind.GRAPH,
            "What became of them, in a second, and attempts to send one that failed.",
            (
                Query("sum by (outcome) (rate(scheduler_notifications_total[$__rate_interval]))", "{{outcome}}"),
                Query("sum(rate(scheduler_notification_failures_total[$__rate_interval]))", "failed attempts"),
            ),
            "cps",
            6,
        ),
        Panel(
            "Notifications that wait",
            Kind.GRAPH,
            "How many are still to be sent.",
            (Query("max(scheduler_notifications_waiting)", "waiting"),),
            "short",
            3,
        ),
        Panel(
            "Audit entries sent",
            Kind.GRAPH,
            "Entries of the audit trail that the outside service has taken, in a second, and requests that it has not.",
            (
                Query("sum(rate(scheduler_audit_sink_entries_total[$__rate_interval]))", "taken"),
                Query(
                    "sum by (code) (rate(scheduler_audit_sink_failures_total[$__rate_interval])) or vector(0)",
                    "not taken {{code}}",
                ),
            ),
            "cps",
            6,
        ),
        Panel(
            "Audit entries that wait",
            Kind.GRAPH,
            "Entries that it has not taken yet, and chains that it refuses.",
            (
                Query("sum(scheduler_audit_sink_waiting_entries) or vector(0)", "entries"),
                Query("sum(scheduler_audit_sink_held_chains) or vector(0)", "refused chains"),
            ),
            "short",
            5,
        ),
        Panel(
            "How far behind",
            Kind.GRAPH,
            "How old the oldest notification that is due, and the oldest audit entry that was not taken, are.",
            (
                Query("max(scheduler_notifications_behind_seconds)", "notifications"),
                Query("max(scheduler_audit_sink_behind_seconds)", "audit trail"),
            ),
            "s",
            4,
        ),
    ),
)

ROWS = (ASKED_FOR, PUNCTUALITY, LEDGER, OWNERS, BEHIND, CAPACITY, REQUESTS, OUTWARD)
