"""The API while something behind it has stopped answering: it says so, in time, and keeps what it took."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx
import pytest

from horolog.adapters.local_rates import LocalRates
from projections.views import OutcomeView, OwnerView
from services.api.app import create_app
from services.api.authentication import ServiceTokens, StaticTokens
from services.api.ports import ApiPorts
from services.api.settings import ApiSettings, CallingService, TenantToken, digest_of
from tests.contract.notifications.memory import MemoryNotifications
from tests.unit.api.auditing import MemoryAudit
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.measuring import MemoryWindows
from tests.unit.api.scheduler import AnsweringLog
from tests.unit.api.world import API, JOB, OUR_TOKEN, OURS, SERVICE_TOKEN, START, CountedIds, HandClock

DEADLINE_S = 20.0
LINGER_S = 30.0
"""How long the driver of a frozen server takes to let go: longer than anybody may wait."""


@dataclass
class FrozenReadModel(MemoryReadModel):
    """Answers nothing while `frozen`, and does not even let go of whoever gives up, as a frozen server's driver."""

    frozen: bool = False
    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    async def outcomes(self, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        await self._freeze()
        return await super().outcomes(command_ids)

    async def owners(self) -> Sequence[OwnerView]:
        await self._freeze()
        return await super().owners()

    async def ping(self) -> None:
        await self._freeze()
        await super().ping()

    async def _freeze(self) -> None:
        while self.frozen:
            try:
                await self.thawed.wait()
            except asyncio.CancelledError:
                await asyncio.wait((asyncio.ensure_future(self.thawed.wait()),), timeout=LINGER_S)
                raise


@dataclass(frozen=True, slots=True)
class World:
    """An API that waits for a tenth of a second, and what stands behind it."""

    read_model: FrozenReadModel
    log: AnsweringLog
    http: httpx.AsyncClient

    async def post(self) -> httpx.Response:
        """Ask for the job under the key."""
        async with asyncio.timeout(DEADLINE_S):
            headers = {"Authorization": f"Bearer {OUR_TOKEN}", "Idempotency-Key": "once"}
            return await self.http.post(f"{API}/jobs", json=JOB, headers=headers)

    def freeze(self) -> None:
        """Let the database answer nothing."""
        self.read_model.frozen = True

    def thaw(self) -> None:
        """Let it answer again."""
        self.read_model.frozen = False
        self.read_model.thawed.set()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Nothing is out of order yet."""
    read_model = FrozenReadModel()
    log = AnsweringLog(read_model, START)
    settings = ApiSettings(services=(CallingService(digest_of(SERVICE_TOKEN)),), wait_s=0.1)
    ports = ApiPorts(
        log=log,
        read_model=read_model,
        history=log.history,
        tenants=log.tenants,
        clock=HandClock(),
        ids=CountedIds(),
        callers=StaticTokens([TenantToken(digest_of(OUR_TOKEN), OURS, "ours")]),
        services=ServiceTokens(settings.services),
        served=lambda _: None,
        memory_bytes=lambda: 0,
        rates=LocalRates(),
        audit=MemoryAudit(),
        audit_dropped=lambda: None,
        notifications=MemoryNotifications(),
        windows=MemoryWindows(),
    )
    app = create_app(ports, settings)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://api") as http:
        yield World(read_model, log, http)
        read_model.frozen = False
        read_model.thawed.set()


def told(answer: httpx.Response) -> tuple[int, str, bool]:
    """The status, the error's code, and whether it says when to come again."""
    return answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"].isdecimal()


async def test_a_frozen_database_holds_no_request_and_the_command_is_in_the_log(world: World) -> None:
    world.freeze()
    assert told(await world.post()) == (503, "LOCK_ACQUISITION_FAILED", True)
    assert len(world.log.commands) == 1
    world.thaw()
    assert (await world.post()).status_code == 201
    assert len(world.read_model.jobs_by_id) == 1


async def test_a_frozen_database_does_not_hold_the_health_check(world: World) -> None:
    world.freeze()
    async with asyncio.timeout(DEADLINE_S):
        answer = await world.http.get("/health")
    parts = answer.json()["dependencies"]
    assert (answer.status_code, parts["database"], parts["jobQueue"]) == (503, "unhealthy", "healthy")


async def test_a_log_out_of_reach_is_told_and_the_repeat_is_the_same_command(world: World) -> None:
    world.log.unreachable = True
    answer = await world.post()
    assert told(answer) == (503, "LOG_UNAVAILABLE", True)
    world.log.unreachable = False
    first, second = await world.post(), await world.post()
    assert (first.status_code, first.json()["id"]) == (201, second.json()["id"])
    assert answer.json()["error"]["details"]["commandId"] == world.log.commands[0].command_id
