"""A tenant's view of the system under test: what anybody can do over HTTP, and nothing else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.deployment import TENANT

PREFIX = "/api/v1/scheduler"
TOKEN = "tOk3n-of-the-tenant-under-test"
DEADLINE_S = 60.0
POLL_S = 0.05
QUIET = {"name": "quiet", "cronExpression": "0 0 0 1 1 *", "jobType": "command", "config": {"command": "/bin/true"}}
EACH_SECOND = {**QUIET, "name": "each second", "cronExpression": "* * * * * *", "maxConcurrent": 200}


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to the API with the tenant's token."""

    http: httpx.AsyncClient

    async def create(self, body: Mapping[str, Any], key: str | None = None) -> httpx.Response:
        """Ask for a job, whatever the answer."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.http.post(f"{PREFIX}/jobs", json=dict(body), headers=headers)

    async def created(self, body: Mapping[str, Any]) -> str:
        """The id of a new job."""
        answer = await self.create(body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def triggered(self, body: Mapping[str, Any]) -> str:
        """The id of the execution of a new job."""
        answer = await self.http.post(f"{PREFIX}/jobs/{await self.created(body)}/trigger")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def until(self, execution_id: str, *statuses: str) -> dict[str, Any]:
        """The execution, as soon as it has one of these statuses."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = await self.http.get(f"{PREFIX}/executions/{execution_id}")
                execution: dict[str, Any] = answer.json()
                if answer.status_code == 200 and execution["status"] in statuses:
                    return execution
                await asyncio.sleep(POLL_S)

    async def run_once(self) -> None:
        """Create a job, trigger it, and wait until it has completed."""
        await self.until(await self.triggered(QUIET), "completed")

    async def health(self) -> dict[str, Any]:
        """The body of `/health`; nothing while the API does not answer at all."""
        try:
            body: dict[str, Any] = (await self.http.get("/health")).json()
        except httpx.TransportError:
            return {}
        return body

    async def until_healthy(self) -> None:
        """Wait until every part is there."""
        async with asyncio.timeout(DEADLINE_S):
            while not _is_whole(await self.health()):
                await asyncio.sleep(POLL_S)


def _is_whole(health: Mapping[str, Any]) -> bool:
    parts = health.get("dependencies", {})
    return health.get("status") == "healthy" and parts["services"]["executor"] == "healthy"


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[Client]:
    """A client of the API at this port of the machine, once the whole system is healthy."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=DEADLINE_S, trust_env=False) as http:
        client = Client(http)
        await client.until_healthy()
        yield client


def free_port() -> int:
    """A port that is free at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def api_environment(port: int) -> dict[str, str]:
    """What the API needs to serve the tenant at this port."""
    return {
        "HOROLOG_TOKENS": f"{TOKEN}={TENANT}",
        "INTERNAL_SERVICE_TOKEN": "s3rv1ce-word-of-these-tests",
        "HOROLOG_API_PORT": str(port),
    }
