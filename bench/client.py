"""A client of the deployment's API: waits until it is ready, and loads jobs through the internal batches."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from bench.deployments import TENANTS, Deployment

BATCH_COUNT = 100
PARALLEL_COUNT = 8
READY_S_MAX = 90.0
POLL_S = 0.2
REQUEST_S_MAX = 30.0
PREFIX = "/api/v1/scheduler"


class Client:
    """Speaks as a service, for all tenants."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(base_url=deployment.url, limits=limits, timeout=REQUEST_S_MAX, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ready(self) -> None:
        """Wait until every partition has its owners, and a worker has said that it is there."""
        async with asyncio.timeout(READY_S_MAX):
            while not await self._is_ready():
                self._deployment.check()
                await asyncio.sleep(POLL_S)

    async def load(
        self, count: int, definition: Callable[[int], dict[str, Any]], tenants: Sequence[str] = TENANTS
    ) -> None:
        """Create `count` jobs, spread evenly over the tenants; returns when all are in force.

        Raises:
            RuntimeError: one was not created.
        """
        room = asyncio.Semaphore(PARALLEL_COUNT)

        async def create(tenant: str, numbers: Sequence[int]) -> None:
            async with room:
                await self._create(tenant, [definition(number) for number in numbers])

        async with asyncio.TaskGroup() as group:
            for index, tenant in enumerate(tenants):
                numbers = range(index, count, len(tenants))
                for first in range(0, len(numbers), BATCH_COUNT):
                    group.create_task(create(tenant, numbers[first : first + BATCH_COUNT]))

    async def _create(self, tenant: str, definitions: list[dict[str, Any]]) -> None:
        headers = {"X-Service-Token": self._deployment.service_token, "X-Tenant-Id": tenant}
        answer = await self._http.post("/internal/jobs/batch-create", json={"jobs": definitions}, headers=headers)
        if answer.status_code != httpx.codes.OK or answer.json()["data"]["failedCount"]:
            raise RuntimeError(f"jobs were not created: {answer.status_code} {answer.text[:500]}")

    async def _is_ready(self) -> bool:
        try:
            parts = (await self._http.get("/health")).json()["dependencies"]
        except httpx.TransportError:
            return False
        return bool(parts["distributedLock"] == "healthy" and parts["services"]["executor"] == "healthy")
