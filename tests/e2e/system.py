"""The whole system in one process: every service, a real PostgreSQL, a log in memory, and a client over HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts, service_of
from horolog.cli.roles.api import run as run_api
from horolog.cli.roles.executor import prepare_functions, run_prepared
from horolog.cli.roles.projections import run as run_projections
from horolog.cli.tracing import traced
from horolog.domain.addresses import networks
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log
from horolog.runtime.metrics import Metrics
from horolog.runtime.readiness import Readiness
from horolog.runtime.settings import Settings
from horolog.runtime.trace_settings import trace_settings
from horolog.vault.master_keys import parse
from schemas.tenants import TenantSettings
from services.api.settings import from_environment as api_settings
from tests.unit.vault.test_master_keys import OLD

PREFIX = "/api/v1/scheduler"
ALLOWED = TenantSettings(
    allowed_executables=("/bin/sh",),
    allowed_modules=(
        *("examples.functions", "tests.e2e.test_no_secret_is_left", "tests.e2e.waiting_functions", "billing"),
    ),
)
TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
TOKEN = "tOk3n-of-the-first-tenant"
OTHER_TOKEN = "tOk3n-of-the-other-tenant"
SERVICE_TOKEN = "s3rv1ce-to-service-word"
DEADLINE_S = 30.0
PAUSE_S = 0.02
EVERYTHING = ("ticker", "dispatcher", "executor", "projections")


@dataclass(frozen=True, slots=True)
class System:
    """A running system; `client` carries the first tenant's token, `other` the other's, `service` the service's.

    `start` starts one more service, by its role, `host` a worker for the functions that a module has registered.
    """

    client: httpx.AsyncClient
    other: httpx.AsyncClient
    service: httpx.AsyncClient
    nobody: httpx.AsyncClient
    log: Log
    metrics: Metrics
    readiness: Readiness
    start: Callable[[str], None]
    host: Callable[[str], None]

    async def eventually(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """The body at `path`, once it is as it should be."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = await self.client.get(f"{PREFIX}{path}")
                if answer.status_code == 200 and holds(answer.json()):
                    return answer.json()
                await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def running(
    dsn: str,
    roles: Sequence[str] = EVERYTHING,
    wait_s: str = "5",
    log_path: str | None = None,
    collector: str = "",
    **environment: str,
) -> AsyncIterator[System]:
    """The system with these services (the API and the projector with further settings), ready to be asked.

    The log is in memory, or in the file at `log_path`. Traces go to the address of a `collector`, if there is one.
    """
    clock = SystemClock()
    log = EmbeddedLog.open(Path(log_path) if log_path else None, clock)
    await log.create_topics()
    settings = Settings(
        home=Path.cwd() / ".horolog",
        member="e2e",
        database_url=dsn,
        http_allowed=networks(["127.0.0.0/8"]),
        tenant_defaults=ALLOWED,
        master_keys=parse("keys", f"a={OLD}"),
        traces=trace_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": collector}),
    )
    try:
        async with (
            traced(Parts(settings, log, clock, RandomIds())) as parts,
            _serving(parts, roles, {"HOROLOG_API_WAIT_S": wait_s, **environment}) as system,
        ):
            yield system
    finally:
        await log.close()


@asynccontextmanager
async def _serving(parts: Parts, roles: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[System]:
    port, stop = free_port(), asyncio.Event()
    api = api_settings(
        {
            "HOROLOG_TOKENS": f"{TOKEN}={TENANT},{OTHER_TOKEN}={OTHER_TENANT}",
            "INTERNAL_SERVICE_TOKEN": SERVICE_TOKEN,
            "HOROLOG_API_PORT": str(port),
            **environment,
        }
    )
    tasks = [asyncio.ensure_future(run_api(parts, stop, api))]

    def start(role: str) -> None:
        if role == "projections":
            tasks.append(asyncio.ensure_future(run_projections(parts, stop, environment)))
        else:
            tasks.append(asyncio.ensure_future(service_of(role, parts)(stop)))

    async def run_functions(target: str) -> None:
        await run_prepared(parts, stop, await prepare_functions(parts, target))

    def host(target: str) -> None:
        tasks.append(asyncio.ensure_future(run_functions(target)))

    for role in roles:
        start(role)
    url = f"http://127.0.0.1:{port}"
    async with (
        _client(url, {"Authorization": f"Bearer {TOKEN}"}) as client,
        _client(url, {"Authorization": f"Bearer {OTHER_TOKEN}"}) as other,
        _client(url, {"X-Service-Token": SERVICE_TOKEN, "X-Tenant-Id": TENANT}) as service,
        _client(url, {}) as nobody,
    ):
        await _ready(nobody, complete="dispatcher" in roles)
        try:
            yield System(client, other, service, nobody, parts.log, parts.metrics, parts.readiness, start, host)
        finally:
            stop.set()
            await asyncio.gather(*tasks)


def job(**changes: Any) -> dict[str, Any]:
    """A function job that its schedule never troubles during a test."""
    body = {
        "name": "quiet",
        "cronExpression": "0 0 0 1 1 *",
        "jobType": "function",
        "config": {"modulePath": "examples.functions", "functionName": "word_count", "parameters": {"text": "one two"}},
    }
    return {**body, **changes}


def command_job(*args: str, **changes: Any) -> dict[str, Any]:
    """A command job: `/bin/sh -c` with the given line."""
    return job(jobType="command", config={"command": "/bin/sh", "args": ["-c", *args]}, **changes)


async def _ready(client: httpx.AsyncClient, complete: bool) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await _healthy(client, complete):
            await asyncio.sleep(PAUSE_S)


async def _healthy(client: httpx.AsyncClient, complete: bool) -> bool:
    try:
        parts = (await client.get("/health")).json()["dependencies"]
    except httpx.TransportError:
        return False
    if not complete:
        return True
    return bool(parts["distributedLock"] == "healthy" and parts["services"]["executor"] == "healthy")


def _client(url: str, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=DEADLINE_S, trust_env=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
