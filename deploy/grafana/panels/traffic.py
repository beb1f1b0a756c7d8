"""What comes in by the API, and what is sent out."""

from deploy.grafana.panel import Kind, Panel, Query, Row
from deploy.grafana.panels.expressions import quantile

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
                Query(quantile("0.95", "scheduler_operation_duration_seconds", ""), "p95"),
                Query(quantile("0.5", "scheduler_operation_duration_seconds", ""), "p50"),
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
