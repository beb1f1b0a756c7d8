"""A whole API in one process: fakes behind every port, two tenants, and a client for each kind of caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any

import httpx
from fastapi import FastAPI

from horolog.adapters.local_rates import LocalRates
from horolog.domain.rates import Rate
from projections.views import JobView, OwnerView, WorkerView
from services.api.app import create_app
from services.api.authentication import AnyOf, ServiceTokens, StaticTokens
from services.api.overdue import Findings
from services.api.ports import ApiPorts, Authenticator, Served
from services.api.rates import RateLimits
from services.api.settings import ApiSettings, CallingService, TenantToken, digest_of
from tests.contract.notifications.memory import MemoryNotifications
from tests.contract.vault.memory import MemoryVault
from tests.unit.api.auditing import MemoryAudit
from tests.unit.api.contract import check_answer
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.measuring import MemoryWindows
from tests.unit.api.memory_accounts import Issuing, issuing
from tests.unit.api.scheduler import AnsweringLog

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
OURS = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
THEIRS = "9a4be5c1-2d3f-4c5e-8f6a-7b8c9d0e1f22"
OUR_TOKEN = "our-token-0123456789"
THEIR_TOKEN = "their-token-0123456789"
SERVICE_TOKEN = "service-token-0123456789"
API = "/api/v1/scheduler"
GENEROUS = RateLimits(*3 * [Rate(1000, 1_000_000)])
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
JOB: dict[str, Any] = {
    "name": "nightly",
    "cronExpression": "0 30 2 * * *",
    "timezone": "UTC",
    "jobType": "http",
    "config": {"url": "https://example.com/run", "method": "POST"},
    "tags": ["billing"],
}


@dataclass
class HandClock:
    """Time that moves only when someone sleeps."""

    at: datetime = START
    slept_s: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.at += timedelta(seconds=seconds)


class CountedIds:
    """Ids in a row, from a first one on."""

    def __init__(self, first: int = 1) -> None:
        self._numbers = count(first)

    def new(self) -> str:
        return f"11111111-1111-4111-8111-{next(self._numbers):012d}"


@dataclass
class Found:
    """A watch that has found what a test says."""

    findings: Findings = field(default_factory=Findings)


@dataclass
class World:
    """The API and all that it stands on."""

    clock: HandClock
    read_model: MemoryReadModel
    log: AnsweringLog
    served: list[Served]
    client: httpx.AsyncClient
    watch: Found
    issuing: Issuing
    app: FastAPI
    vault: MemoryVault
    audit: MemoryAudit
    notifications: MemoryNotifications
    windows: MemoryWindows

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = OUR_TOKEN,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Ask the public API (or, by an absolute path, another one), and check the answer's shape."""
        internal = path.startswith("/internal")
        own = {"X-Service-Token": SERVICE_TOKEN} if internal else {"Authorization": f"Bearer {token}"}
        sent = {**(own if token else {}), **(headers or {})}
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        place = path if internal or path.startswith(("/health", "/openapi", "/api/")) else API + path
        answer = await self.client.request(method, place, json=body, content=content, headers=sent)
        check_answer(answer)
        return answer

    async def created(self, token: str = OUR_TOKEN, **changes: Any) -> dict[str, Any]:
        """A new job."""
        answer = await self.ask("POST", "/jobs", {**JOB, **changes}, token=token)
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def job(self, id_: str) -> JobView:
        """The row of a job."""
        return self.read_model.jobs_by_id[id_]


@asynccontextmanager
async def open_world(
    callers: Authenticator | None = None,
    services: Authenticator | None = None,
    has_issuer: bool = True,
    has_keys: bool = True,
    ports: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> AsyncIterator[World]:
    """A running API, with these ports and changes of settings; short waits are for tests in which nobody answers."""
    clock, read_model = HandClock(), MemoryReadModel()
    log = AnsweringLog(read_model, START)
    read_model.owner_rows = [
        OwnerView(role, partition, "host-1", 3, START, START, START if role == "ticker" else None)
        for role in ("ticker", "dispatcher")
        for partition in range(log.partition_count)
    ]
    read_model.worker_rows = [WorkerView("worker-1", "ready", 10, 2, 1, 7, "host-1", 42, "process", 64, START, START)]
    served: list[Served] = []
    watch, vault, audit, notifications = Found(), MemoryVault(), MemoryAudit(), MemoryNotifications()
    windows = MemoryWindows()
    settings = ApiSettings((CallingService(digest_of(SERVICE_TOKEN)),), **{"limits": GENEROUS, **changes})
    tokens = [TenantToken(digest_of(OUR_TOKEN), OURS, "ours"), TenantToken(digest_of(THEIR_TOKEN), THEIRS, "theirs")]
    # Accounts have ids of their own: none of them is that of a job, a rule or a delivery.
    issuer = issuing(clock, CountedIds(1_000_000))
    ordinary = ApiPorts(
        log=log,
        read_model=read_model,
        history=log.history,
        tenants=log.tenants,
        clock=clock,
        ids=CountedIds(),
        callers=callers or AnyOf([StaticTokens(tokens), issuer.callers]),
        services=services or ServiceTokens(settings.services),
        served=served.append,
        memory_bytes=lambda: 64 * 1024 * 1024,
        rates=LocalRates(clock.monotonic),
        audit=audit,
        audit_dropped=audit.count_dropped,
        notifications=notifications,
        windows=windows,
        schedules=watch,
        accounts=issuer.built_in if has_issuer else None,
        keys=vault if has_keys else None,
        secrets=vault if has_keys else None,
        eraser=vault if has_keys else None,
    )
    app = create_app(replace(ordinary, **ports), settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api.test") as client,
    ):
        yield World(clock, read_model, log, served, client, watch, issuer, app, vault, audit, notifications, windows)
