"""Whether there is enough of everything."""

from deploy.grafana.panel import Kind, Panel, Query, Row

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
