"""The API under load: creates and lists at a fixed rate, while jobs fire.

Requests leave at their planned instants whether or not earlier ones have been answered, and each is timed from its
planned instant, so a slow answer cannot hide the wait of those behind it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bench.client import PREFIX, Client
from bench.deployments import Deployment
from bench.jobs import Firing, resting
from bench.loads import CREATED_PER_S
from bench.report import Measurement, percentiles
from bench.requests import Requests
from horolog.adapters.system import SystemClock

JOB_COUNT = 2000
FIRES_PER_S = 100
SECONDS = 20
CREATES_PER_S = 20
LISTS_PER_S = 40


@dataclass(slots=True)
class Timing:
    """How long the answers to one kind of request took, in milliseconds, and how many were refusals."""

    call: Callable[[int], Awaitable[int]]
    per_s: int
    took_ms: list[float] = field(default_factory=list)
    refused_count: int = 0

    async def run(self, seconds: int) -> None:
        """Ask at the fixed rate."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(self.per_s * seconds):
                planned = begin + number / self.per_s
                await asyncio.sleep(planned - loop.time())
                group.create_task(self._ask(number, planned))

    async def _ask(self, number: int, planned: float) -> None:
        status = await self.call(number)
        self.took_ms.append((asyncio.get_running_loop().time() - planned) * 1000)
        self.refused_count += status >= 300


async def measure(deployment: Deployment) -> Measurement:
    """Load jobs, let some fire each second, and ask meanwhile."""
    clock = SystemClock()
    requests = Requests(deployment.url, {"Authorization": f"Bearer {deployment.token}"})
    async with Client(deployment) as client:
        await client.ready()
        await client.load(JOB_COUNT, resting)
        begin = (clock.now() + timedelta(seconds=5 + FIRES_PER_S / CREATED_PER_S)).replace(microsecond=0)
        firing = Firing(FIRES_PER_S, begin, SECONDS + 10)
        await client.load(firing.count, firing.definition)
        timings = _timings(requests)
        await asyncio.sleep((begin - clock.now()).total_seconds() + 2)
        deployment.sample(True)
        before = deployment.cpu_ms()
        asked_at = clock.monotonic()
        await asyncio.gather(*(timing.run(SECONDS) for timing in timings.values()))
        taken_s = clock.monotonic() - asked_at
        after = deployment.cpu_ms()
        deployment.sample(False)
        requests.close()
    figures: dict[str, float | int | str] = {}
    for name, timing in timings.items():
        p50, p95, p99, latest = percentiles(timing.took_ms)
        figures |= {f"{name} p50": p50, f"{name} p95": p95, f"{name} p99": p99, f"{name} max": latest}
    figures["refused"] = sum(timing.refused_count for timing in timings.values())
    share = {name: (after[name] - before.get(name, 0.0)) / taken_s / 10 for name in after}
    return Measurement(
        deployment.kind, "api", clock.now().isoformat(timespec="seconds"), figures, share, unit="% of one core"
    )


def _timings(requests: Requests) -> dict[str, Timing]:
    def create(number: int) -> Awaitable[int]:
        return requests.ask("POST", f"{PREFIX}/jobs", json.dumps(resting(number)).encode())

    return {
        "create": Timing(create, CREATES_PER_S),
        "list jobs": Timing(lambda _: requests.ask("GET", f"{PREFIX}/jobs?limit=50"), LISTS_PER_S),
        "list executions": Timing(lambda _: requests.ask("GET", f"{PREFIX}/executions?limit=50"), LISTS_PER_S),
    }
