"""Every change and every refusal leaves its record; nothing secret is ever in one, and none holds up a request."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from horolog.limits import AUDIT_FLOOD_COUNT_PER_S
from horolog.log.port import Outgoing
from schemas.events.audit import AuditRecorded
from schemas.events.workers import SYSTEM_TENANT
from services.api.call_journal import CallJournal
from services.api.calls import Call
from services.api.permissions import ROLES
from services.api.ports import Headers, Principal
from tests.unit.api.auditing import MemoryAudit
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.memory_accounts import password_of
from tests.unit.api.samples import place
from tests.unit.api.scheduler import AnsweringLog
from tests.unit.api.test_contract import ACCOUNTS, INTERNAL, PUBLIC, SIGNED_IN
from tests.unit.api.world import (
    API,
    JOB,
    OUR_TOKEN,
    OURS,
    SERVICE_TOKEN,
    START,
    THEIR_TOKEN,
    UNKNOWN,
    CountedIds,
    HandClock,
    World,
    open_world,
)

CHANGES = [case for case in PUBLIC + INTERNAL if case[0] != "GET" and not case[1].endswith("/validate")]
SECRET = "/api/v1/secrets/billing"
HUSH = "hush-9f2c7a-hush"
Told = list[AuditRecorded]


def codes(told: Told) -> list[tuple[str, str]]:
    return [(call.tenant_id, call.code) for call in told]


@pytest.mark.parametrize(("method", "path", "body", "status"), CHANGES)
async def test_each_command_is_told_once_with_who_asked_for_it(method: str, path: str, body: Any, status: int) -> None:
    async with open_world() as world:
        placed = await place(world)
        before = len(world.log.calls)
        answer = await world.ask(method, path.format(**placed.ids), body, headers={"X-Tenant-Id": OURS})
        assert answer.status_code == status
        command, record = world.log.commands[-1], world.log.records[-1]
    template = path if path.startswith("/internal") else API + path
    # What was placed is told of by and by.
    (told,) = [call for call in world.log.calls[before:] if call.route == template]
    assert (told.method, told.route, told.code, told.status) == (method, template, "SENT", None)
    assert (told.tenant_id, told.actor, told.address) == (OURS, command.actor, "127.0.0.1")
    assert (told.command_id, told.object_id) == (command.command_id, command.subject())
    assert told.request_hash == hashlib.sha256(record.value or b"").hexdigest()


@pytest.mark.parametrize(("method", "path", "body", "status"), [case for case in ACCOUNTS if case[0] != "GET"])
async def test_each_change_of_accounts_is_told_once(method: str, path: str, body: Any, status: int) -> None:
    async with open_world() as world:
        ada = world.issuing.add("ada", OURS, "viewer")
        world.issuing.add("boss", OURS, "admin")
        boss = {"name": "boss", "password": password_of("boss")}
        token = (await world.ask("POST", "/api/v1/auth/token", boss)).json()["accessToken"]
        signed_in = (await world.ask("POST", "/api/v1/auth/token", SIGNED_IN)).json()
        (session_id,) = [id_ for id_, kept in world.issuing.store.kept.items() if kept.user_id == ada.id]
        if body and "refreshToken" in body:
            body = {"refreshToken": signed_in["refreshToken"]}
        answer = await world.ask(method, path.format(user_id=ada.id, session_id=session_id), body, token=token)
        assert answer.status_code == status
    first, second, told = world.log.calls
    assert codes([first, second]) == [(OURS, "OK"), (OURS, "OK")]
    assert (told.method, told.route, told.code, told.status) == (method, path, "OK", status)
    # Whose session a sign-out ends is not looked up.
    actor = {"logout": "anonymous"}.get(path.rpartition("/")[2], "user:ada" if "/auth/" in path else "user:boss")
    assert told.actor == actor
    assert told.object_id == "/".join(id_ for id_ in (ada.id, session_id) if f"/{id_}" in answer.request.url.path)


async def test_secrets_are_told_by_name() -> None:
    async with open_world() as world:
        await world.ask("PUT", SECRET, {"value": HUSH})
        await world.ask("DELETE", SECRET)
        await world.ask("DELETE", SECRET)
    assert [(call.method, call.object_id, call.code) for call in world.log.calls] == [
        ("PUT", "billing", "OK"),
        ("DELETE", "billing", "OK"),
        ("DELETE", "billing", "SECRET_NOT_FOUND"),
    ]


async def test_refusals_are_told_with_their_codes() -> None:
    async with open_world() as world:
        job = (await world.created())["id"]
        world.log.calls.clear()
        await world.ask("POST", "/jobs", {**JOB, "cronExpression": "no"})
        await world.ask("PUT", f"/jobs/{job}", JOB, headers={"If-Match": '"9"'})
        await world.ask("DELETE", f"/jobs/{UNKNOWN}")
        await world.ask("POST", f"/jobs/{job}/pause", token="nobody's")
        await world.ask("GET", "/api/v1/users")
    # Commands are told with the command, and everything else soon afterwards.
    assert sorted(codes(world.log.calls)) == [
        (SYSTEM_TENANT, "UNAUTHORIZED"),
        (OURS, "FORBIDDEN"),
        (OURS, "INVALID_CRON_EXPRESSION"),
        (OURS, "JOB_NOT_FOUND"),
        (OURS, "SENT"),
        (OURS, "SENT"),
        (OURS, "VERSION_CONFLICT"),
    ]
    sent = {call.command_id for call in world.log.calls if call.code == "SENT"}
    assert {call.command_id for call in world.log.calls if call.command_id} == sent
    assert len(sent) == 2


async def test_reading_and_judging_is_not_told() -> None:
    async with open_world() as world:
        await world.ask("GET", "/jobs")
        await world.ask("GET", f"/jobs/{UNKNOWN}")
        await world.ask("POST", "/jobs/validate", {**JOB, "timezone": "Mars"})
    assert world.log.calls == []


async def test_commands_that_the_log_did_not_take_are_told_as_refused_once_it_does() -> None:
    async with open_world() as world:
        world.log.unreachable = True
        assert (await world.ask("POST", "/jobs", JOB)).status_code == 503
        await settled(world, 1)
        world.log.unreachable = False
        await world.created()
        await world.ask("DELETE", SECRET)
    assert codes(world.log.calls)[0] == (OURS, "SENT")
    dropped = [call for call in world.log.calls if call.dropped_count]
    assert [(call.tenant_id, call.code, call.dropped_count) for call in dropped] == [(OURS, "RECORDS_DROPPED", 1)]


async def settled(world: World, count: int) -> None:
    """Wait until so many records were given up."""
    while world.audit.dropped_count < count:
        await world.client.get("/health")


async def test_nothing_secret_is_in_a_record() -> None:
    async with open_world() as world:
        world.issuing.add("ada", OURS, "viewer")
        await world.ask("PUT", SECRET, {"value": HUSH})
        await world.ask("PUT", f"/api/v1/secrets/{HUSH}%20", {"value": HUSH})
        await world.ask("POST", "/api/v1/auth/token", {"name": "ada", "password": HUSH})
        tokens = (await world.ask("POST", "/api/v1/auth/token", SIGNED_IN)).json()
        await world.ask("POST", "/api/v1/auth/refresh", {"refreshToken": tokens["refreshToken"]})
        await world.ask("POST", f"/jobs/{HUSH}/pause", {"reason": HUSH}, headers={"Idempotency-Key": HUSH})
        await world.ask("POST", f"/{HUSH}?a={HUSH}", token=HUSH, headers={"X-Forwarded-For": HUSH})
        await world.client.request(HUSH.upper(), "/", headers={"Authorization": f"Bearer {OUR_TOKEN}"})
    assert len(world.log.calls) >= 6
    hushed = [HUSH, *tokens.values(), OUR_TOKEN, SERVICE_TOKEN, SIGNED_IN["password"]]
    for call in world.log.calls:
        text = call.to_json().decode().lower()
        assert not [word for word in hushed if isinstance(word, str) and word.lower() in text and word != "Bearer"]


async def test_a_flood_of_nobody_is_counted_and_pushes_nobody_out() -> None:
    more = 7
    async with open_world() as world:
        for _ in range(AUDIT_FLOOD_COUNT_PER_S + more):
            await world.ask("GET", "/jobs", token="nobody's")
        await world.ask("DELETE", SECRET)
    assert world.audit.dropped_count == more
    assert [call.dropped_count for call in world.log.calls if call.tenant_id == SYSTEM_TENANT and call.dropped_count]
    assert sum(call.dropped_count for call in world.log.calls) == more
    assert (OURS, "SECRET_NOT_FOUND") in codes(world.log.calls)
    assert codes(world.log.calls).count((SYSTEM_TENANT, "UNAUTHORIZED")) == AUDIT_FLOOD_COUNT_PER_S


async def test_what_waits_is_bounded_and_the_rest_is_counted() -> None:
    log, audit = AnsweringLog(MemoryReadModel(), START), MemoryAudit()
    journal = CallJournal(log, HandClock(), CountedIds(), audit.count_dropped, waiting_count_max=2)
    caller = Principal(OURS, "user:1", ROLES["viewer"])
    for _ in range(5):
        journal.note({"client_address": "", "method": "DELETE"}, Call("FORBIDDEN"), 403, caller)
    await journal.close(asyncio.create_task(journal.run()))
    assert codes(log.calls) == [(OURS, "FORBIDDEN"), (OURS, "FORBIDDEN"), (OURS, "RECORDS_DROPPED")]
    assert (log.calls[-1].dropped_count, audit.dropped_count) == (3, 3)


class DefectiveLog(AnsweringLog):
    """Its next append fails by a defect."""

    has_failed = False

    async def append(self, records: Sequence[Outgoing]) -> None:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError("told to")
        await super().append(records)


async def test_a_defect_in_writing_the_trail_is_counted_and_the_next_calls_are_told() -> None:
    log, audit = DefectiveLog(MemoryReadModel(), START), MemoryAudit()
    journal = CallJournal(log, HandClock(), CountedIds(), audit.count_dropped)
    running, caller = asyncio.create_task(journal.run()), Principal(OURS, "user:1", ROLES["viewer"])
    journal.note({"client_address": "", "method": "DELETE"}, Call("FORBIDDEN"), 403, caller)
    while not audit.dropped_count and not running.done():
        await asyncio.sleep(0)
    journal.note({"client_address": "", "method": "DELETE"}, Call("FORBIDDEN"), 403, caller)
    await journal.close(running)
    assert codes(log.calls) == [(OURS, "FORBIDDEN"), (OURS, "RECORDS_DROPPED")]


class Auditor:
    """Recognises everybody as an auditor of ours."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:auditor", ROLES["auditor"])


async def test_only_who_may_read_the_audit_trail_does(world: World) -> None:
    assert (await world.ask("GET", "/api/v1/audit", token=THEIR_TOKEN)).status_code == 403
    async with open_world(callers=Auditor()) as other:
        assert (await other.ask("GET", "/api/v1/audit")).json() == {"items": [], "nextCursor": None}
        assert (await other.ask("GET", "/jobs")).status_code == 403
