"""What runs, whether it is on time, and what became of it."""

from deploy.grafana.panel import Kind, Panel, Query, Row
from deploy.grafana.panels.expressions import heat, quantile

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
            heat("scheduler_execution_duration_seconds"),
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
            heat("scheduler_execution_start_lateness_seconds"),
            "s",
        ),
        Panel(
            "Where the time goes (p99)",
            Kind.GRAPH,
            "Each from the nominal instant: until the fire was out (ticker), handed to a worker (dispatcher), started "
            "(worker), and ended. The step at which a curve rises is where to look.",
            (
                Query(quantile("0.99", "scheduler_fire_emitted_lateness_seconds"), "emitted"),
                Query(quantile("0.99", "scheduler_execution_dispatch_lateness_seconds"), "handed out"),
                Query(quantile("0.99", "scheduler_execution_start_lateness_seconds"), "started"),
                Query(quantile("0.99", "scheduler_execution_finish_lateness_seconds"), "ended"),
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
