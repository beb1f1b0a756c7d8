"""Kafka, PostgreSQL or Redis gone: the services wait, say which one it is, and go on by themselves.

Each server is once frozen, so that it keeps every connection and answers nothing, and once ended and started again
on its data. Meanwhile a job is due each second, and others are asked for under idempotency keys. Afterwards
everything that was accepted exists, a repeat changes nothing, and the ledger has one account of each second. What ran
when its worker lost Kafka for a lease has been ended, and runs again.

An outage of Kafka here is longer than every session, lease and transaction timeout. With `OUTAGE_S` at 60 for all
servers the same tests pass, too; that takes too long for each run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from horolog.adapters.system import SystemClock
from projections.migrate import migrate
from tests.faults.client import EACH_SECOND, QUIET, Client, api_environment, client_of, free_port
from tests.faults.deployment import Deployment, deployed
from tests.faults.ledger import accounted_until
from tests.faults.probing import Probes, appeared, named, probe, repeat
from tests.faults.servers import Servers, own_servers

ROLES = ("ticker", "dispatcher", "executor", "projections", "api")
OUTAGE_S: Mapping[str, float] = {"kafka": 20.0, "postgres": 8.0, "valkey": 3.0}
AFTERWARDS = timedelta(seconds=2)
PART: Mapping[str, str] = {"kafka": "jobQueue", "postgres": "database", "valkey": "redis"}

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


@dataclass(frozen=True, slots=True)
class Laboratory:
    """The system on servers that may be ill-treated."""

    servers: Servers
    deployment: Deployment
    port: int


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """One for all outages: each finds the system as the one before has left it."""
    port = free_port()
    with own_servers() as servers:
        asyncio.run(migrate(servers.dsn))
        settings = {**api_environment(port), "REDIS_URL": servers.redis_url, "HOROLOG_API_WAIT_S": "3"}
        logs = Path(tmp_path_factory.mktemp("outages"))
        with deployed(servers.bootstrap, servers.dsn, "outages.", logs, roles=ROLES, settings=settings) as deployment:
            yield Laboratory(servers, deployment, port)


@pytest.fixture
async def client(laboratory: Laboratory) -> AsyncIterator[Client]:
    """A client of the whole system."""
    async with client_of(laboratory.port) as client:
        yield client


async def through(laboratory: Laboratory, client: Client, name: str, fault: str) -> Probes:
    """Go through one outage, and hold everything that must be so whichever server it is."""
    job_id = await client.created(EACH_SECOND)
    await accounted_until(laboratory.servers.dsn, job_id, SystemClock().now() + AFTERWARDS)
    with getattr(laboratory.servers, fault)(name):
        probes = await probe(client, f"{fault}-{name}", OUTAGE_S[name])
    assert probes.blames(PART[name]), probes.dependencies
    await client.until_healthy()
    for asked in probes.asked:
        if asked.status in (201, 202):
            await appeared(client, asked.key)
        again = [await repeat(client, asked), await repeat(client, asked)]
        assert await named(client, asked.key) == again[:1] == again[1:], asked
    await accounted_until(laboratory.servers.dsn, job_id, SystemClock().now() + AFTERWARDS)
    assert laboratory.deployment.living() == len(ROLES)
    await client.http.delete(f"/api/v1/scheduler/jobs/{job_id}")
    return probes


def slow_at_first(marker: Path) -> dict[str, Any]:
    """A job whose first attempt outlasts its worker's lease, and whose second ends at once."""
    return {**QUIET, "config": {"command": "/bin/sh", "args": ["-c", f"mkdir {marker} && sleep 60; true"]}}


@pytest.mark.parametrize("fault", ["frozen", "gone"])
async def test_without_kafka_requests_are_put_off_and_everything_goes_on_after_it(
    laboratory: Laboratory, client: Client, tmp_path: Path, fault: str
) -> None:
    slow = await client.triggered(slow_at_first(tmp_path / "begun"))
    await client.until(slow, "running")
    probes = await through(laboratory, client, "kafka", fault)
    assert {(asked.status, asked.code) for asked in probes.asked} == {(503, "LOG_UNAVAILABLE")}
    assert all(asked.retry_after for asked in probes.asked)
    ended = await client.until(slow, "completed", "failed", "cancelled")
    assert (ended["status"], ended["attempt"]) == ("completed", 2)


@pytest.mark.parametrize("fault", ["frozen", "gone"])
async def test_without_postgresql_commands_and_fires_go_on_and_are_seen_after_it(
    laboratory: Laboratory, client: Client, fault: str
) -> None:
    probes = await through(laboratory, client, "postgres", fault)
    assert {asked.status for asked in probes.asked if asked.at_once} == {202}
    waited = [asked for asked in probes.asked if not asked.at_once]
    assert {asked.code for asked in waited} <= {"LOCK_ACQUISITION_FAILED", "DATABASE_UNAVAILABLE"}
    assert all(asked.status == 503 and asked.retry_after for asked in waited)


async def test_without_redis_nothing_changes_but_speed(laboratory: Laboratory, client: Client) -> None:
    for fault in ("frozen", "gone"):
        probes = await through(laboratory, client, "valkey", fault)
        assert {asked.status for asked in probes.asked} == {201, 202}
