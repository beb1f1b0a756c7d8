"""What a deployment holds and uses while nothing happens: empty, or with many jobs that do not fire."""

import asyncio

from bench.client import Client
from bench.deployments import SERVERS, Deployment
from bench.jobs import resting
from bench.processes import Memory
from bench.report import Measurement, Number
from horolog.adapters.system import SystemClock

SETTLE_S = 10.0
WATCH_S = 30.0


async def idle(deployment: Deployment) -> list[Measurement]:
    """CPU share and memory of a deployment without jobs."""
    async with Client(deployment) as client:
        await client.ready()
    return await _watch(deployment, "idle", {})


async def memory(deployment: Deployment, job_count: int) -> list[Measurement]:
    """CPU share and memory of a deployment with `job_count` jobs; also how fast they were created."""
    clock = SystemClock()
    async with Client(deployment) as client:
        await client.ready()
        begin = clock.monotonic()
        await client.load(job_count, resting)
        taken_s = clock.monotonic() - begin
    return await _watch(deployment, "memory", {"jobs": job_count, "created per second": job_count / taken_s})


async def _watch(deployment: Deployment, load: str, known: dict[str, Number | str]) -> list[Measurement]:
    clock = SystemClock()
    await asyncio.sleep(SETTLE_S)
    deployment.sample(True)
    before = deployment.cpu_ms()
    await asyncio.sleep(WATCH_S)
    after = deployment.cpu_ms()
    deployment.sample(False)
    share = {name: (after[name] - before.get(name, 0.0)) / WATCH_S / 10 for name in after}
    held = deployment.memory()
    at = clock.now().isoformat(timespec="seconds")
    figures = known | {
        "services MB pss": _sum(held, "pss"),
        "rss": _sum(held, "rss"),
        "all MB pss": sum(each.pss_mb for each in held.values()),
    }
    pss = {name: each.pss_mb for name, each in held.items()}
    rss = {name: each.rss_mb for name, each in held.items()}
    return [
        Measurement(deployment.kind, load, at, figures, share, unit="% of one core"),
        Measurement(deployment.kind, f"{load} pss", at, {}, pss, unit="MB"),
        Measurement(deployment.kind, f"{load} rss", at, {}, rss, unit="MB"),
    ]


def _sum(held: dict[str, Memory], kind: str) -> float:
    ours = [each for name, each in held.items() if name not in SERVERS]
    return sum(each.pss_mb if kind == "pss" else each.rss_mb for each in ours)
