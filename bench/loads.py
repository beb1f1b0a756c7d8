"""The loads: each asks a fresh deployment for something and tells what it did.

throughput, http, steady and herd are jobs that fire by their schedules; their figures come from the ledger, their end
is the moment at which the last row shows as completed. api, memory and idle are told where they are defined.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from bench.client import Client
from bench.deployments import Deployment
from bench.jobs import Firing
from bench.ledger import Ledger
from bench.report import Measurement
from bench.services import REPOSITORY
from horolog.adapters.system import SystemClock

CREATED_PER_S = 300
"""How many jobs a second are surely created; the first instant is set by it."""
WARM_UP_COUNT = 20
WARM_UP_S = 2
SETTLE_S = 4
DRAIN_S_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """Jobs that fire: how many, for how many seconds, by which expressions, doing what."""

    name: str
    count: int
    seconds: int
    expressions: tuple[str, ...] = ("* * * * * *",)
    http: bool = False
    period_s: int = 1

    @property
    def expected(self) -> int:
        """How many executions it makes."""
        return self.count * self.seconds // self.period_s


SPREAD = tuple(f"{phase}-59/5 * * * * *" for phase in range(5))
LOADS = (
    Load("throughput", count=5000, seconds=4),
    Load("stream", count=500, seconds=20),
    Load("http", count=1000, seconds=5, http=True),
    Load("steady", count=200, seconds=60, expressions=SPREAD, period_s=5),
    Load("herd", count=5000, seconds=1),
)


async def fire(deployment: Deployment, load: Load) -> Measurement:
    """Let the load's jobs fire, and wait until the ledger shows all of them as completed."""
    clock = SystemClock()
    with sink() if load.http else nullcontext() as url:
        async with Client(deployment) as client:
            await client.ready()
            lead_s = 5 + WARM_UP_S + SETTLE_S + load.count / CREATED_PER_S
            begin = (clock.now() + timedelta(seconds=lead_s)).replace(microsecond=0)
            firing = Firing(load.count, begin, load.seconds, load.expressions, url)
            await _warm_up(client, firing)
            await client.load(load.count, firing.definition)
        left_s = (begin - clock.now()).total_seconds() - 1.5
        if left_s < 0:
            raise RuntimeError(f"creating the jobs took {-left_s:.1f} s too long")
        await asyncio.sleep(left_s)
        return await _measured(deployment, load, firing, clock)


async def _measured(deployment: Deployment, load: Load, firing: Firing, clock: SystemClock) -> Measurement:
    connection = await asyncpg.connect(deployment.dsn)
    try:
        ledger = Ledger(connection)
        deployment.sample(True)
        before = deployment.cpu_ms()
        await asyncio.sleep((firing.begin - clock.now()).total_seconds())
        await ledger.completed(firing, load.expected, load.seconds + DRAIN_S_MAX, deployment.check)
        span_s = (clock.now() - firing.begin).total_seconds()
        after = deployment.cpu_ms()
        deployment.sample(False)
        found = await ledger.figures(firing.begin, firing.end)
    finally:
        await connection.close()
    p50, _, p99, latest = found.late_ms
    each = {name: (after[name] - before.get(name, 0.0)) / max(1, found.completed) for name in after}
    figures: dict[str, float | int | str] = {
        "completed": found.completed,
        "lost": load.expected - found.completed,
        "doubled": found.doubled,
        "per second": found.completed / span_s,
        "late p50": p50,
        "p99": p99,
        "max": latest,
        "ms; visible after s": span_s,
    }
    return Measurement(deployment.kind, load.name, clock.now().isoformat(timespec="seconds"), figures, each)


async def _warm_up(client: Client, firing: Firing) -> None:
    """Have a few jobs of the kind fire shortly before, so that function processes and connections are there."""
    begin = firing.begin - timedelta(seconds=WARM_UP_S + SETTLE_S)
    warm = Firing(WARM_UP_COUNT, begin, WARM_UP_S, url=firing.url)
    await client.load(warm.count, warm.definition)


@contextmanager
def sink() -> Iterator[str]:
    """The HTTP server that HTTP jobs call, by its address."""
    command = [sys.executable, "-m", "bench.sink"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/"
        finally:
            server.terminate()
