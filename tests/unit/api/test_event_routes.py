"""`GET /api/v1/events`: whose events, which of them, and what is refused."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, MutableMapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from projections.views import JobView
from schemas.base import Message
from schemas.events.audit import AuditRecorded
from services.api.context import ApiContext
from services.api.permissions import Permission
from services.api.ports import Principal
from services.api.streams.desk import Bounds, StreamDesk
from services.api.streams.seats import Room
from services.api.streams.spots import id_of
from services.api.streams.stream import Pace
from tests.unit.api.contract import check_shape
from tests.unit.api.streaming import DEADLINE_S, Facts, Listening, progressed
from tests.unit.api.test_sign_in import log_in
from tests.unit.api.world import OUR_TOKEN, OURS, START, THEIR_TOKEN, THEIRS, UNKNOWN, World, open_world
from tests.unit.projections.facts import PARTITIONS, changed, job, uuid_of

EVENTS = "/api/v1/events"
BEGIN = id_of((0, 0, 0, 0), OURS, PARTITIONS)


@asynccontextmanager
async def opened(**ports: Any) -> AsyncIterator[tuple[World, Facts]]:
    """An API over a log that facts can be written to."""
    facts = Facts()
    async with open_world(ports={"log": facts.log, "read_model": facts.read_model, **ports}) as world:
        yield replace(world, read_model=facts.read_model), facts


def facts_of(tenant_id: str, number: int) -> list[Message]:
    """A job, an execution of it, and a call, of one tenant."""
    call = AuditRecorded(
        tenant_id=tenant_id, call_id=uuid_of(number), at=START, actor="user:ada", address="", method="GET", route="/x",
        code="FORBIDDEN", status=403,
    )  # fmt: skip
    return [
        changed(job(number, tenant=tenant_id)),
        progressed(number, number, tenant_id=tenant_id, job_id=uuid_of(number)),
        call,
    ]


async def ask(world: World, token: str = OUR_TOKEN, since: str | None = BEGIN, **query: str) -> httpx.Response:
    """What there is after an id."""
    headers = {} if since is None else {"Last-Event-ID": since}
    path = str(httpx.URL(EVENTS, params={**query, "follow": "false"}))
    return await world.ask("GET", path, token=token, headers=headers)


async def told(answer: httpx.Response) -> list[dict[str, Any]]:
    """The events of an answer, without the last."""
    assert answer.status_code == 200, answer.text
    listening, found = Listening(_one(answer.content)), list[dict[str, Any]]()
    while (event := await listening.next())[0] != "end":
        check_shape("EventBody", event[1])
        found.append(dict(event[1]))
    check_shape("StreamEnd", event[1])
    return found


async def _one(piece: bytes) -> AsyncGenerator[bytes, None]:
    yield piece


async def signed_in(world: World, role: str, **changes: Any) -> str:
    """The token of a user of ours with this role."""
    world.issuing.add(role, OURS, role, **changes)
    return str((await log_in(world, role)).json()["accessToken"])


async def test_each_tenant_is_told_its_own_and_nothing_else() -> None:
    async with opened() as (world, facts):
        await facts.tell(*facts_of(OURS, 1), *facts_of(THEIRS, 2))
        ours = await told(await ask(world))
        theirs = await told(await ask(world, THEIR_TOKEN, id_of((0, 0, 0, 0), THEIRS, PARTITIONS)))
        assert [{event.get("jobId") for event in found} for found in (ours, theirs)] == [{uuid_of(1)}, {uuid_of(2)}]
        assert [event["name"] for event in (*ours, *theirs) if "name" in event] == ["job 1", "job 2"]


async def test_an_id_of_another_tenant_is_told_like_nonsense() -> None:
    async with opened() as (world, facts):
        await facts.tell(*facts_of(OURS, 1))
        answers = [await ask(world, THEIR_TOKEN, since) for since in (BEGIN, "nonsense")]
        assert [answer.json()["error"]["code"] for answer in answers] == ["INVALID_EVENT_ID"] * 2
        assert answers[0].json()["error"] == answers[1].json()["error"]
        assert {answer.status_code for answer in answers} == {400}


async def test_an_answer_is_gone_on_with_by_its_last_id() -> None:
    async with opened() as (world, facts):
        await facts.tell(*facts_of(OURS, 1))
        answer = await ask(world)
        ids = [line[4:] for line in answer.text.splitlines() if line.startswith("id: ")]
        assert answer.headers["cache-control"] == "no-store"
        await facts.tell(progressed(7, 7, tenant_id=OURS))
        assert [event["progress"] for event in await told(await ask(world, since=ids[-1]))] == [7]
        assert await told(await ask(world, since=None)) == []


async def test_who_may_not_read_the_audit_trail_is_not_told_of_it() -> None:
    async with opened() as (world, facts):
        await facts.tell(*facts_of(OURS, 1))
        for role, types in (("viewer", {"job", "attempt"}), ("admin", {"job", "attempt", "audit"})):
            token = await signed_in(world, role)
            found = await told(await ask(world, token))
            assert {event["type"].partition(".")[0] for event in found} == types
            asked_for = await ask(world, token, types="audit")
            assert asked_for.status_code == (200 if "audit" in types else 403)
        refused = await ask(world, await signed_in(world, "auditor"))
        assert refused.status_code == 403


async def test_a_word_that_is_no_type_is_refused() -> None:
    async with opened() as (world, _):
        for word in ("jobs", "job,", "execution.done"):
            answer = await ask(world, types=word)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


async def test_an_id_that_is_too_old_is_told_as_such() -> None:
    async with opened() as (world, facts):
        await facts.tell(*facts_of(OURS, 1))
        narrow_desk(world, facts, Bounds(behind_count_max=1))
        answer = await ask(world)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "EVENTS_GONE")


def job_row(number: int, *tags: str) -> JobView:
    """A job of ours as the read models show it."""
    fields = {**dict.fromkeys(JobView.__dataclass_fields__), "id": uuid_of(number), "tenant_id": OURS}
    return JobView(**{**fields, "definition": {"tags": list(tags)}})  # type: ignore[arg-type]


async def test_a_caller_within_tags_is_told_of_jobs_within_them_and_of_no_audit_trail() -> None:
    async with opened() as (world, facts):
        rows = facts.read_model.jobs_by_id
        rows |= {uuid_of(1): job_row(1, "billing"), uuid_of(2): job_row(2, "other")}
        await facts.tell(*facts_of(OURS, 1), *facts_of(OURS, 2), progressed(9, 9, tenant_id=OURS, job_id=uuid_of(2)))
        token = await signed_in(world, "developer", tags=("billing",))
        found = await told(await ask(world, token))
        assert {event["jobId"] for event in found} == {uuid_of(1)}
        beyond = [await ask(world, token, jobId=job_id) for job_id in (uuid_of(2), UNKNOWN)]
        assert beyond[0].content == beyond[1].content


class Reluctant:
    """An outside service that allows reading executions and nothing else."""

    async def allows(self, principal: Principal, permission: Permission) -> bool:
        return permission is Permission.EXECUTIONS_READ


async def test_an_outside_service_decides_on_each_kind_of_fact() -> None:
    async with opened(decisions=Reluctant()) as (world, facts):
        await facts.tell(*facts_of(OURS, 1))
        assert [event["type"] for event in await told(await ask(world))] == ["attempt.progressed"]


async def test_parts_that_are_away_are_told() -> None:
    async with open_world() as world:
        world.log.unreachable = True
        answer = await ask(world, since=None)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LOG_UNAVAILABLE")
        world.log.unreachable, world.read_model.gone = False, True
        answer = await ask(world, since=None)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")


def narrow_desk(world: World, facts: Facts, bounds: Bounds) -> None:
    """Serve streams within other bounds."""
    context = world.app.state.context
    assert isinstance(context, ApiContext)
    world.app.state.context = replace(context, streams=facts.desk(bounds))


class Connection:
    """One stream over ASGI, which may be followed while it goes on."""

    def __init__(self, world: World, token: str) -> None:
        self._sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._left, self.taking = asyncio.Event(), asyncio.Event()
        self.taking.set()
        headers = [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "GET", "path": EVENTS, "raw_path": EVENTS.encode(), "query_string": b""}
        rest = {"headers": headers, "client": ("127.0.0.1", 1), "server": ("api.test", 80), "root_path": ""}
        self.serving = asyncio.ensure_future(
            world.app({**scope, **rest, "scheme": "http", "http_version": "1.1"}, self._receive, self._send)
        )

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self.taking.wait()
        await self._sent.put(message)

    async def _receive(self) -> MutableMapping[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def status(self) -> int:
        """The answer's status."""
        return int((await asyncio.wait_for(self._sent.get(), DEADLINE_S))["status"])

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """What is sent."""
        while (message := await self._sent.get())["more_body"]:
            yield message["body"]

    async def leave(self) -> None:
        """Go away."""
        self._left.set()
        await asyncio.wait_for(self.serving, DEADLINE_S)


async def test_a_stream_outlives_the_revocation_of_its_session_by_no_more_than_its_bounds() -> None:
    async with opened() as (world, facts):
        narrow_desk(world, facts, Bounds(pace=Pace(check_s=0.01)))
        world.issuing.add("boss", OURS, "admin")
        boss = str((await log_in(world, "boss")).json()["accessToken"])
        connection = Connection(world, await signed_in(world, "viewer"))
        assert await connection.status() == 200
        (viewer,) = [user for user in world.issuing.store.by_id.values() if user.name == "viewer"]
        answer = await world.ask("POST", f"/api/v1/users/{viewer.id}/revoke", token=boss)
        assert answer.status_code == 204
        world.clock.at += timedelta(seconds=6)
        async with aclosing(connection.frames()) as frames:
            type_, data = await Listening(frames).next()
        assert (type_, data["code"]) == ("end", "UNAUTHORIZED")
        await asyncio.wait_for(connection.serving, DEADLINE_S)


async def test_seats_are_bounded_and_given_back_when_a_client_goes_away() -> None:
    async with opened() as (world, facts):
        narrow_desk(world, facts, Bounds(Room(per_caller_count_max=1)))
        connection = Connection(world, OUR_TOKEN)
        assert await connection.status() == 200
        refused = await ask(world)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TOO_MANY_STREAMS")
        assert refused.headers["retry-after"]
        streams: StreamDesk = world.app.state.context.streams
        assert streams.stream_count == 1
        await connection.leave()
        assert streams.stream_count == 0
        assert (await ask(world)).status_code == 200


async def test_a_client_that_takes_nothing_is_given_up() -> None:
    async with opened() as (world, facts):
        narrow_desk(world, facts, Bounds(pace=Pace(stall_s=0.01)))
        connection = Connection(world, OUR_TOKEN)
        assert await connection.status() == 200
        connection.taking.clear()
        await facts.tell(progressed(1, tenant_id=OURS))
        await asyncio.wait_for(connection.serving, DEADLINE_S)
        assert world.app.state.context.streams.stream_count == 0
