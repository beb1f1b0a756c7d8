"""An outside service can take permissions away, soon, and nobody gains any by its absence."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from horolog.runtime.settings_error import SettingsError
from services.api.decision_service import ANSWER_BYTES_MAX, ask
from services.api.decisions import FRESH_S, KEPT_S, OutsideDecisions, Question
from services.api.permissions import EVERYTHING, ROLES, Permission
from services.api.ports import DecisionsUnavailable, Headers, Principal
from services.api.settings import DecisionService, from_environment
from tests.unit.api.world import JOB, OURS, SERVICE_TOKEN, THEIRS, HandClock, World, open_world

ADA = Principal(OURS, "user:ada", EVERYTHING)
READ, WRITE = Permission.JOBS_READ, Permission.JOBS_WRITE


@dataclass
class Service:
    """Says no to what is in `denied`; `is_away` makes it say nothing."""

    denied: set[Permission] = field(default_factory=set)
    is_away: bool = False
    asked: list[Question] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: Question) -> bool:
        self.asked.append(question)
        await self.may_answer.wait()
        if self.is_away:
            raise OSError("away")
        return question.permission not in self.denied


@pytest.fixture
def service() -> Service:
    made = Service()
    made.may_answer.set()
    return made


async def test_the_service_decides_for_each_caller_and_permission(service: Service) -> None:
    decisions = OutsideDecisions(service.ask, HandClock())
    service.denied = {WRITE}
    assert [await decisions.allows(ADA, one) for one in (READ, WRITE)] == [True, False]
    other = Principal(THEIRS, "user:ada", EVERYTHING)
    assert await decisions.allows(other, READ)
    assert service.asked == [
        Question(OURS, "user:ada", READ),
        Question(OURS, "user:ada", WRITE),
        Question(THEIRS, "user:ada", READ),
    ]


async def test_an_answer_is_remembered_for_seconds_only(service: Service) -> None:
    clock = HandClock()
    decisions = OutsideDecisions(service.ask, clock)
    assert await decisions.allows(ADA, READ)
    service.denied = {READ}
    await clock.sleep(FRESH_S)
    assert await decisions.allows(ADA, READ)
    await clock.sleep(0.1)
    assert not await decisions.allows(ADA, READ)
    assert len(service.asked) == 2


async def test_without_an_answer_what_is_known_holds_a_little_longer_and_then_nothing_is_allowed(
    service: Service,
) -> None:
    clock = HandClock()
    decisions = OutsideDecisions(service.ask, clock)
    assert await decisions.allows(ADA, READ)
    service.is_away = True
    await clock.sleep(KEPT_S)
    assert await decisions.allows(ADA, READ)
    await clock.sleep(0.1)
    for permission in (READ, WRITE):
        with pytest.raises(DecisionsUnavailable):
            await decisions.allows(ADA, permission)


async def test_many_who_want_to_know_the_same_ask_once(service: Service) -> None:
    service.may_answer.clear()
    decisions = OutsideDecisions(service.ask, HandClock())
    waiting = [asyncio.create_task(decisions.allows(ADA, READ)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    service.may_answer.set()
    assert await asyncio.gather(*waiting[1:]) == [True] * 19
    assert len(service.asked) == 1


class Viewer:
    """Recognises everybody as somebody who may read."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:viewer", ROLES["viewer"])


@pytest.fixture
async def world(service: Service) -> AsyncIterator[World]:
    """An API whose permissions are decided on by the service as well."""
    async with open_world(ports={"decisions": OutsideDecisions(service.ask, HandClock())}) as opened:
        yield opened


async def test_what_the_service_denies_is_forbidden_and_changes_nothing(world: World, service: Service) -> None:
    service.denied = {WRITE}
    assert (await world.ask("GET", "/jobs")).status_code == 200
    assert (await world.ask("POST", "/jobs", JOB)).json()["error"]["code"] == "FORBIDDEN"
    assert world.log.commands == []


async def test_while_the_service_is_away_nobody_is_allowed_anything(world: World, service: Service) -> None:
    service.is_away = True
    answer = await world.ask("POST", "/jobs", JOB)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "AUTH_UNAVAILABLE")
    assert "retry-after" in answer.headers
    assert world.log.commands == []


async def test_the_service_gives_nothing_that_the_roles_do_not_and_is_not_asked_for_it(service: Service) -> None:
    decisions = OutsideDecisions(service.ask, HandClock())
    async with open_world(callers=Viewer(), ports={"decisions": decisions}) as world:
        assert (await world.ask("POST", "/jobs", JOB)).status_code == 403
    assert service.asked == []


async def test_other_services_are_not_asked_about(world: World, service: Service) -> None:
    service.denied = set(Permission)
    answer = await world.ask("POST", "/internal/jobs/create", {"tenantId": OURS, **JOB})
    assert answer.status_code == 201
    assert service.asked == []


@pytest.mark.parametrize(
    ("status", "body", "allowed"),
    [
        (200, b'{"allowed": true}', True),
        (200, b'{"allowed": false, "why": "no"}', False),
        (200, b'{"allowed": "true"}', None),
        (200, b'{"allowed": 1}', None),
        (200, b"true", None),
        (200, b"not json", None),
        (200, b" " * ANSWER_BYTES_MAX + b'{"allowed": true}', None),
        (302, b'{"allowed": true}', None),
        (500, b'{"allowed": true}', None),
    ],
)
async def test_only_a_plain_answer_counts(status: int, body: bytes, allowed: bool | None) -> None:
    asked = list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, stream=httpx.ByteStream(body), headers={"location": "http://127.0.0.1/yes"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        question = ask(http, "https://rbac.example/decide", {"Authorization": "Bearer word"}, Question(OURS, "a", READ))
        if allowed is None:
            with pytest.raises(OSError, match="answer"):
                await question
        else:
            assert await question is allowed
    (request,) = asked
    assert (request.method, request.headers["authorization"]) == ("POST", "Bearer word")
    assert request.headers["accept-encoding"] == "identity"
    assert request.content == b'{"tenantId":"%b","actor":"a","permission":"jobs:read"}' % OURS.encode()


def test_the_service_is_named_in_the_environment_and_its_token_never_shown() -> None:
    good = {"INTERNAL_SERVICE_TOKEN": SERVICE_TOKEN}
    found = from_environment({**good, "RBAC_URL": "https://rbac.example/decide", "RBAC_TOKEN": "a-word"}).decisions
    assert found == DecisionService("https://rbac.example/decide", "a-word")
    assert "a-word" not in repr(found)
    assert from_environment(good).decisions is None
    for wrong in ({"RBAC_URL": "http://rbac.example"}, {"RBAC_TOKEN": "a-word"}, {"RBAC_URL": "file:///x"}):
        with pytest.raises(SettingsError, match="RBAC_URL"):
            from_environment({**good, **wrong})
    with pytest.raises(SettingsError, match="RBAC_TOKEN") as refused:
        from_environment({**good, "RBAC_URL": "https://rbac.example", "RBAC_TOKEN": "a-wörd"})
    assert "a-wörd" not in str(refused.value)
