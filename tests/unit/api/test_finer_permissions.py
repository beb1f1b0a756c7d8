"""What a job or an execution holds takes permissions of its own: to have code run, and to read what it puts out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.api.permissions import EVERYTHING, ROLES, WITHIN_TAGS, Permission
from services.api.ports import Headers, Principal
from tests.unit.api.world import API, JOB, OURS, World, open_world

CODE, OUTPUT = Permission.JOBS_CREATE_COMMAND, Permission.EXECUTIONS_READ_OUTPUT
COMMAND: dict[str, Any] = {**JOB, "jobType": "command", "config": {"command": "/bin/true"}}
FUNCTION: dict[str, Any] = {**JOB, "jobType": "function", "config": {"modulePath": "a", "functionName": "b"}}
WORDS = "put-out-by-a-run"


@dataclass
class Caller:
    """Recognises everybody as one caller, who may do what a test says; services come without a tenant."""

    permissions: frozenset[Permission] = EVERYTHING
    tenant_id: str = OURS

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(self.tenant_id, "user:web", self.permissions)


@dataclass(frozen=True)
class Opened:
    """An API, and whom it takes its callers for."""

    world: World
    caller: Caller
    service: Caller


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Callers may do everything until a test takes something away."""
    caller, service = Caller(), Caller(tenant_id="")
    async with open_world(callers=caller, services=service) as world:
        yield Opened(world, caller, service)


@pytest.mark.parametrize("body", [COMMAND, FUNCTION])
async def test_definition_that_runs_code_is_taken_only_from_who_may_create_such(
    opened: Opened, body: dict[str, Any]
) -> None:
    world, job_id = opened.world, (await opened.world.created(**body))["id"]
    await world.ask("PUT", f"/jobs/{job_id}", JOB)
    opened.caller.permissions -= {CODE}
    before = len(world.log.commands)
    for method, path, sent in (
        ("POST", "/jobs", body),
        ("PUT", f"/jobs/{job_id}", body),
        ("POST", f"/jobs/{job_id}/rollback", {"toVersion": 1}),
    ):
        answer = await world.ask(method, path, sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN"), path
        assert CODE in answer.json()["error"]["message"]
    assert len(world.log.commands) == before


async def test_other_definitions_are_taken_without_it(opened: Opened) -> None:
    job_id = (await opened.world.created(**COMMAND))["id"]
    opened.caller.permissions -= {CODE}
    assert (await opened.world.ask("POST", "/jobs", JOB)).status_code == 201
    assert (await opened.world.ask("POST", f"/jobs/{job_id}/pause")).status_code == 200
    assert (await opened.world.ask("PUT", f"/jobs/{job_id}", JOB)).status_code == 200


@pytest.mark.parametrize("body", [COMMAND, FUNCTION])
async def test_service_that_was_not_given_it_creates_no_such_jobs_one_or_many(
    opened: Opened, body: dict[str, Any]
) -> None:
    opened.service.permissions -= {CODE}
    refused = await opened.world.ask("POST", "/internal/jobs/create", {"tenantId": OURS, **body})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "FORBIDDEN")
    many = {"tenantId": OURS, "jobs": [body, JOB]}
    items = (await opened.world.ask("POST", "/internal/jobs/batch-create", many)).json()["data"]["items"]
    assert [(item["success"], item.get("errorCode")) for item in items] == [(False, "FORBIDDEN"), (True, None)]


async def ended(world: World) -> str:
    """The id of an execution that was triggered under a key, and has put something out."""
    job_id = (await world.created())["id"]
    made = await world.ask("POST", f"/jobs/{job_id}/trigger", headers={"Idempotency-Key": "once"})
    id_: str = made.json()["id"]
    rows = world.read_model.executions_by_id
    rows[id_] = replace(rows[id_], result=WORDS, metadata={"said": WORDS}, error_stack=WORDS)
    return id_


async def test_output_is_told_only_to_who_may_read_it(opened: Opened) -> None:
    world, id_ = opened.world, await ended(opened.world)
    job_id = world.read_model.executions_by_id[id_].job_id
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("GET", f"{API}/executions/{id_}", {}),
        ("POST", f"{API}/jobs/{job_id}/trigger", {"Idempotency-Key": "once"}),
        ("POST", f"{API}/executions/{id_}/cancel", {}),
    ]
    for permissions, is_told in ((EVERYTHING, True), (EVERYTHING - {OUTPUT}, False)):
        opened.caller.permissions = permissions
        for method, path, headers in asked:
            answer = await world.ask(method, path, headers=headers)
            assert (answer.is_success, answer.text.count(WORDS)) == (True, 3 * is_told), path
        world.read_model.executions_by_id[id_] = replace(world.read_model.executions_by_id[id_], status="running")


async def test_output_is_followed_only_by_who_may_read_it_and_the_execution(opened: Opened) -> None:
    path = f"{API}/executions/{await ended(opened.world)}/output/stream?follow=false"
    opened.caller.permissions -= {OUTPUT}
    assert (await opened.world.ask("GET", path)).status_code == 403
    opened.caller.permissions = EVERYTHING - {Permission.EXECUTIONS_READ}
    assert (await opened.world.ask("GET", path)).status_code == 403
    opened.caller.permissions = EVERYTHING
    assert (await opened.world.ask("GET", path)).status_code == 200


class Reluctant:
    """An outside service that allows everything but these two."""

    async def allows(self, principal: Principal, permission: Permission) -> bool:
        return permission not in (CODE, OUTPUT)


async def test_outside_service_decides_on_both() -> None:
    async with open_world(ports={"decisions": Reluctant()}) as world:
        assert (await world.ask("POST", "/jobs", COMMAND)).status_code == 403
        assert (await world.ask("POST", "/jobs", JOB)).status_code == 201
        assert WORDS not in (await world.ask("GET", f"/executions/{await ended(world)}")).text


def test_roles_hold_both_as_they_did_and_both_can_be_narrowed() -> None:
    holders = {
        permission: {role for role, held in ROLES.items() if permission in held} for permission in (CODE, OUTPUT)
    }
    assert holders == {CODE: {"developer", "admin"}, OUTPUT: {"viewer", "operator", "developer", "admin"}}
    assert {CODE, OUTPUT} < WITHIN_TAGS
