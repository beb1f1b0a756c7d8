"""What a crowd of one tenant does to another: how late the few jobs of a tenant start before, in and after it.

One tenant has a few jobs that fire each second. In the middle of that time ten thousand jobs of a second tenant fire at
one instant. The crowd is over when its last row shows as completed.
"""

import asyncio
from datetime import timedelta

import asyncpg

from bench.client import Client
from bench.deployments import TENANTS, Deployment
from bench.jobs import EACH_SECOND, Firing
from bench.ledger import Ledger
from bench.loads import CREATED_PER_S, DRAIN_S_MAX, WARM_UP_S
from bench.report import Measurement, Number, percentiles
from horolog.adapters.system import SystemClock

CROWD_COUNT = 10_000
NEIGHBOUR_COUNT = 20
CALM_S = 20
"""For how long the neighbour's jobs fire before the crowd does."""
SECONDS = 60

_LATENESS = """
select scheduled_at, extract(epoch from started_at - scheduled_at)::float8 * 1000 as late
from job_executions
where tenant_id = $1 and scheduled_at >= $2 and scheduled_at < $3 and started_at is not null
"""


async def measure(deployment: Deployment) -> Measurement:
    """Load the jobs of both, let them fire, and tell the neighbour's lateness by when its instants were."""
    clock = SystemClock()
    crowded, neighbour = TENANTS[0], TENANTS[1]
    async with Client(deployment) as client:
        await client.ready()
        lead_s = 5 + WARM_UP_S + CROWD_COUNT / CREATED_PER_S
        begin = (clock.now() + timedelta(seconds=lead_s)).replace(microsecond=0)
        crowd = Firing(CROWD_COUNT, begin + timedelta(seconds=CALM_S), 1)
        few = Firing(NEIGHBOUR_COUNT, begin, SECONDS, (EACH_SECOND,))
        # What the crowd needs (processes of its tenant) is there when it comes, as with a tenant at work.
        warm = Firing(NEIGHBOUR_COUNT, begin, CALM_S // 2)
        await client.load(few.count, few.definition, (neighbour,))
        await client.load(warm.count, warm.definition, (crowded,))
        await client.load(crowd.count, crowd.definition, (crowded,))
    if (left_s := (begin - clock.now()).total_seconds()) < 0:
        raise RuntimeError(f"creating the jobs took {-left_s:.1f} s too long")
    connection = await asyncpg.connect(deployment.dsn)
    try:
        ledger = Ledger(connection)
        await asyncio.sleep((crowd.begin - clock.now()).total_seconds())
        # Of this instant there are rows of both; what is counted is over when the neighbour's are over as well.
        await ledger.completed(crowd, CROWD_COUNT + NEIGHBOUR_COUNT, DRAIN_S_MAX, deployment.check)
        over = clock.now()
        await ledger.completed(
            few, CROWD_COUNT + NEIGHBOUR_COUNT * (SECONDS + CALM_S // 2), DRAIN_S_MAX, deployment.check
        )
        rows = await connection.fetch(_LATENESS, neighbour, few.begin, few.end)
        crowds = await ledger.figures(crowd.begin, crowd.end)
    finally:
        await connection.close()
    figures: dict[str, Number | str] = {
        "crowd": crowds.completed - NEIGHBOUR_COUNT,
        "over after s": (over - crowd.begin).total_seconds(),
        "neighbour's": len(rows),
    }
    spans = {"before": (begin, crowd.begin), "in it": (crowd.begin, over), "after it": (over, few.end)}
    for name, (first, last) in spans.items():
        p50, _, p99, latest = percentiles([row["late"] for row in rows if first <= row["scheduled_at"] < last])
        figures |= {f"{name}: late p50": p50, f"{name}: p99": p99, f"{name}: max ms": latest}
    return Measurement(deployment.kind, "neighbour", clock.now().isoformat(timespec="seconds"), figures)
