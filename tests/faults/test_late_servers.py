"""Services that are started before their servers: they wait, say which one is away, and go on by themselves.

Every role is started while Kafka, PostgreSQL and Redis are away; the servers come back one after the other, in
different orders. No process may end, none is started again, and a job then runs as if nothing had been.
"""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from horolog.log.kafka import KafkaLog, KafkaSettings
from projections.migrate import migrate
from tests.faults.client import DEADLINE_S, POLL_S, api_environment, client_of, free_port
from tests.faults.deployment import Deployment, environment_of, running
from tests.faults.servers import Servers, own_servers

ROLES = ("ticker", "dispatcher", "executor", "projections", "api")
PART = {"kafka": "jobQueue", "postgres": "database", "valkey": "redis"}
WAITING = {
    "ticker": "has to join its group anew",
    "dispatcher": "has to join its group anew",
    "executor": "the worker waits",
    "projections": "trying again",
}
"""What each role says while it waits for the first server that it needs."""

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


async def prepare(servers: Servers, prefix: str) -> None:
    """What `horolog migrate` and `horolog topics` do."""
    await migrate(servers.dsn)
    log = await KafkaLog.open(KafkaSettings(servers.bootstrap, prefix, 4))
    await log.create_topics()
    await log.close()


async def told_by_health(port: int, expected: dict[str, str]) -> None:
    """Wait until `/health` says this of the servers."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S, trust_env=False) as http,
        asyncio.timeout(DEADLINE_S),
    ):
        while not expected.items() <= (await parts_of(http)).items():
            await asyncio.sleep(POLL_S)


async def parts_of(http: httpx.AsyncClient) -> dict[str, Any]:
    """What `/health` says of the parts; nothing while it does not answer."""
    try:
        parts: dict[str, Any] = (await http.get("/health")).json()["dependencies"]
    except httpx.TransportError:
        return {}
    return parts


async def all_wait(deployment: Deployment) -> None:
    """Wait until every role has met the absence of its servers."""
    async with asyncio.timeout(DEADLINE_S):
        while [r for r, words in WAITING.items() if words not in (deployment.logs / f"{r}-0.log").read_text()]:
            await asyncio.sleep(POLL_S)
    assert deployment.living() == len(ROLES)


@pytest.mark.parametrize("order", [("kafka", "postgres", "valkey"), ("valkey", "postgres", "kafka")])
async def test_services_wait_for_the_servers_that_come_after_them(order: tuple[str, ...], tmp_path: Path) -> None:
    port = free_port()
    with own_servers() as servers, ExitStack() as healed:
        await prepare(servers, "late.")
        settings = {**api_environment(port), "REDIS_URL": servers.redis_url}
        environment = environment_of(servers.bootstrap, servers.dsn, "late.", tmp_path, settings)
        absent = {name: healed.enter_context(ExitStack()) for name in order}
        for name, stack in absent.items():
            stack.enter_context(servers.gone(name))
        with running(environment, tmp_path, ROLES) as deployment:
            said = dict.fromkeys(PART.values(), "unhealthy")
            await told_by_health(port, said)
            await all_wait(deployment)
            for name in order:
                absent[name].close()
                said[PART[name]] = "healthy"
                await told_by_health(port, said)
            async with client_of(port) as client:
                await client.run_once()
            assert deployment.living() == len(ROLES)
