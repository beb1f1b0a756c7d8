"""Who decides, and who is behind."""

from deploy.grafana.panel import Kind, Panel, Query, Row
from deploy.grafana.panels.expressions import quantile

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
            6,
        ),
        Panel(
            "Processes that do their work",
            Kind.GRAPH,
            "How many processes of each part are ready. None of a part for a minute is an alert; a line that ends is a "
            "part that is gone, or is not scraped.",
            (Query("count by (role) (scheduler_role_ready == 1)", "{{role}}"),),
            "short",
            6,
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
                Query(quantile("0.5", "scheduler_projection_lag_seconds", ""), "p50"),
                Query(quantile("0.99", "scheduler_projection_lag_seconds", ""), "p99"),
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
