"""A caller within tags reaches no other job: every documented operation, asked with a token that is so narrowed.

As in `test_tenant_walls`, whose cases and samples these are: a good request about a job within the tags is answered,
and the same about a job of the same tenant beyond them is told, byte for byte, like one about an id that nobody has,
and changes nothing. What cannot be narrowed is closed.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from services.api.context import Api, JobReader
from services.api.permissions import ROLES, WITHIN_TAGS, Permission
from tests.unit.api.contract import ENDING, operations, template_of
from tests.unit.api.samples import PLAIN, Sample
from tests.unit.api.test_declared_permissions import declared, leaves
from tests.unit.api.test_sign_in import log_in
from tests.unit.api.test_signed_tokens import Asked
from tests.unit.api.test_tenant_walls import BY_FILTER, CASES, PAGED, READING, told, whole
from tests.unit.api.world import API, JOB, OURS, UNKNOWN, World, open_world

BEYOND = "beyond-canary"
"""Stands in the name of whatever is beyond the tags, so that no answer may hold it."""
WITHIN = ("billing", "reports")
ABOUT_NO_JOB = {
    *(("GET", f"{API}/{path}") for path in ("jobs", "executions", "executions/stats", "ledger/verify")),
    *(("POST", f"{API}/{path}") for path in ("jobs", "jobs/validate")),
    ("GET", "/api/v1/events"),
}
"""Lists and sums, asked below, what is about a job that is not there yet, and streams (`test_event_routes`)."""
NARROWED = [case for case in CASES if str(case.values[1]).startswith(API)]


async def narrow(world: World, *roles: str) -> str:
    """The token of a developer within the tags, or of somebody with these roles."""
    world.issuing.add("narrow", OURS, *(roles or ("developer",)), tags=WITHIN)
    return str((await log_in(world, "narrow")).json()["accessToken"])


async def place(world: World, name: str, tag: str, paused: bool = False) -> dict[str, str]:
    """A job with this tag, an execution of it and the command that asked for that."""
    job_id = (await world.created(name=name, tags=[tag]))["id"]
    execution = (await world.ask("POST", f"/jobs/{job_id}/trigger")).json()
    ids = {"job_id": job_id, "execution_id": execution["id"], "command_id": world.log.commands[-1].command_id}
    if paused:
        assert (await world.ask("POST", f"/jobs/{job_id}/pause")).status_code == 200
    return ids


async def send(world: World, token: str, method: str, path: str, sample: Sample = PLAIN) -> httpx.Response:
    headers = {**sample.headers, "Authorization": f"Bearer {token}"}
    ending = ENDING.get(template_of(method.lower(), path) or "")
    return await world.client.request(method, path, json=sample.body, headers=headers, params=ending)


def rows(world: World) -> Any:
    """All jobs, executions and versions."""
    model = world.read_model
    return deepcopy((model.jobs_by_id, model.executions_by_id, world.log.history.versions_by_id))


@pytest.mark.parametrize(("method", "path", "variable", "sample"), NARROWED)
async def test_job_within_the_tags_is_reached(
    world: World, method: str, path: str, variable: str, sample: Sample
) -> None:
    ids = await place(world, "within", "billing", sample.paused)
    answer = await send(world, await narrow(world), method, path.format(**ids), sample)
    assert answer.is_success, answer.text


@pytest.mark.parametrize(("method", "path", "variable", "sample"), NARROWED)
async def test_job_beyond_the_tags_is_told_like_an_unknown_one_and_nothing_changes(
    world: World, method: str, path: str, variable: str, sample: Sample
) -> None:
    ids, token = await place(world, BEYOND, "other", sample.paused), await narrow(world)
    before = rows(world)
    unknown = {**ids, variable: UNKNOWN}
    answers = [await send(world, token, method, path.format(**named), sample) for named in (ids, unknown)]
    assert answers[0].status_code == 404
    assert told(answers[0], ids) == told(answers[1], unknown)
    assert rows(world) == before


@pytest.mark.parametrize(("method", "path"), READING)
async def test_no_answer_holds_anything_of_a_job_beyond_the_tags(world: World, method: str, path: str) -> None:
    beyond, within = await place(world, BEYOND, "other"), await place(world, "within", "billing")
    answer = await send(world, await narrow(world), method, whole(path).format_map(_Unknown(within)))
    if path.endswith("/ledger/verify") or set(permissions_by_path(world)[method, path]) - WITHIN_TAGS:
        assert answer.status_code == 403
        return
    assert answer.status_code == 200, answer.text
    assert not [mark for mark in (*beyond.values(), BEYOND) if mark in answer.text]


@pytest.mark.parametrize(("method", "path", "name"), [one for one in BY_FILTER if one[1].startswith(API)])
async def test_job_beyond_the_tags_as_a_filter_is_told_like_an_unknown_one(
    world: World, method: str, path: str, name: str
) -> None:
    beyond, token = (await place(world, BEYOND, "other"))["job_id"], await narrow(world)
    answers = [await send(world, token, method, f"{path}?{name}={id_}") for id_ in (beyond, UNKNOWN)]
    assert answers[0].status_code == 200
    assert told(answers[0], {name: beyond}) == told(answers[1], {name: UNKNOWN})


@pytest.mark.parametrize(("method", "path"), [one for one in PAGED if one[1].startswith(API)])
async def test_pages_hold_only_what_is_within_the_tags(world: World, method: str, path: str) -> None:
    within = await place(world, "within", "reports", paused=True)
    for number in range(3):
        await place(world, BEYOND, "other")
        await world.ask("POST", f"/jobs/{within['job_id']}/{('resume', 'pause')[number % 2]}")
        await place(world, f"within-{number}", "billing")
    token, seen = await narrow(world), list[Any]()
    cursor: str | None = ""
    while cursor is not None:
        query = f"?limit=1&cursor={cursor}" if cursor else "?limit=1"
        page = (await send(world, token, method, path.format(**within) + query)).json()
        seen += page["items"]
        cursor = page["nextCursor"]
    assert seen
    assert BEYOND not in str(seen)


def permissions_by_path(world: World) -> Mapping[tuple[str, str], list[Permission]]:
    """What each route demands."""
    routes = [route for route in leaves(world.app.router.routes) if isinstance(route, APIRoute)]
    return {(method, one.path): declared(one.dependant) for one in routes for method in one.methods or ()}


@pytest.mark.parametrize("role", [role for role, granted in ROLES.items() if granted - WITHIN_TAGS])
async def test_what_is_of_the_whole_tenant_is_closed_within_tags_whatever_the_role(world: World, role: str) -> None:
    token = await narrow(world, role)
    demanded = permissions_by_path(world)
    closed = [one for one in operations() if one[1].startswith("/api/") and set(demanded[one]) - WITHIN_TAGS]
    assert {path.split("/")[3] for _, path in closed} >= {"users", "secrets", "audit", "tenant", "tenants"}
    for method, path in closed:
        body = {"value": "x"} if method == "PUT" else None
        answer = await send(world, token, method, path.format_map(_Unknown()), Sample(body))
        assert answer.status_code == 403, path


class _Unknown(dict[str, str]):
    """An unknown id in the place of every variable."""

    def __missing__(self, key: str) -> str:
        return UNKNOWN


async def test_route_that_does_not_think_of_tags_is_narrowed_all_the_same(world: World) -> None:
    async def forgetful(api: Api, caller: JobReader, job_id: str) -> dict[str, bool]:
        return {"found": await api.read_model.job(caller.tenant_id, job_id) is not None}

    world.app.add_api_route(f"{API}/forgetful/{{job_id}}", forgetful)
    beyond, token = await place(world, BEYOND, "other"), await narrow(world)
    answer = await send(world, token, "GET", f"{API}/forgetful/{beyond['job_id']}")
    assert answer.json() == {"found": False}


async def test_every_operation_is_asked_here_or_closed_within_tags(world: World) -> None:
    """A new operation fails here until it has a sample, or is named among those that are about no single job."""
    demanded = permissions_by_path(world)
    narrowed = {(str(case.values[0]), str(case.values[1])) for case in NARROWED}
    public = [one for one in operations() if one[1].startswith("/api/")]
    assert {one for one in public if set(demanded[one]) & WITHIN_TAGS} == narrowed | ABOUT_NO_JOB


async def test_job_is_created_and_kept_only_with_one_of_the_tags(world: World) -> None:
    token = await narrow(world)
    refused = await world.ask("POST", "/jobs", {**JOB, "tags": ["other"]}, token=token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "TAG_REQUIRED")
    made = await world.ask("POST", "/jobs", {**JOB, "tags": ["other", "billing"]}, token=token)
    assert made.status_code == 201
    kept = await world.ask("PUT", f"/jobs/{made.json()['id']}", {**JOB, "tags": ["other"]}, token=token)
    assert (kept.status_code, kept.json()["error"]["code"]) == (403, "TAG_REQUIRED")
    assert [command.within_tags for command in world.log.commands] == [WITHIN] * 3


async def test_key_of_somebody_else_leads_to_no_outcome_of_his(world: World) -> None:
    ids, token = await place(world, BEYOND, "other"), await narrow(world)
    key = {"Idempotency-Key": "same", "If-Match": '"9"'}
    place_ = f"/jobs/{ids['job_id']}/pause"
    whole = await world.ask("POST", place_, headers=key)
    narrowed = await world.ask("POST", place_, token=token, headers=key)
    assert (whole.json()["error"]["code"], narrowed.json()["error"]["code"]) == ("VERSION_CONFLICT", "JOB_NOT_FOUND")


async def test_rejection_is_told_at_once_and_looked_up_by_nobody_within_tags(world: World) -> None:
    token, prefer = await narrow(world), {"Prefer": "respond-async"}
    answer = await world.ask("POST", "/jobs", JOB, token=token, headers=prefer)
    assert (answer.status_code, "Preference-Applied" in answer.headers) == (201, False)
    await world.ask("POST", f"/jobs/{UNKNOWN}/pause")
    rejected = world.log.commands[-1].command_id
    assert (await world.ask("GET", f"/commands/{rejected}")).status_code == 200
    assert (await world.ask("GET", f"/commands/{rejected}", token=token)).status_code == 404


async def test_outside_token_says_its_tags_and_one_that_says_them_badly_is_void() -> None:
    asked = Asked()
    for tags, known in (
        (["billing"], ("billing",)),
        ([], None),
        ("billing", None),
        ({"billing": 1}, None),
        ([1], None),
        ([""], None),
        (["x" * 51], None),
        (["a\x00"], None),
        ([str(n) for n in range(21)], None),
    ):
        caller = await asked.caller(asked.service.token(tags=tags))
        assert (caller and caller.tags) == known, tags
    whole = await asked.caller(asked.service.token())
    assert whole is not None
    assert whole.tags is None


async def test_outside_administrator_within_tags_is_none() -> None:
    asked = Asked()
    async with open_world(callers=asked.callers) as world:
        token = asked.service.token(roles=["admin"], tags=["billing"])
        for path, status in (("/jobs", 200), ("/api/v1/audit", 403), ("/api/v1/secrets", 403), ("/status", 403)):
            assert (await world.ask("GET", path, token=token)).status_code == status


async def test_user_is_narrowed_when_it_is_created_or_changed(world: World) -> None:
    world.issuing.add("boss", OURS, "admin")
    boss = str((await log_in(world, "boss")).json()["accessToken"])
    body = {"name": "ada", "roles": ["operator"], "tags": ["billing", "billing"]}
    made = (await world.ask("POST", "/api/v1/users", body, token=boss)).json()["user"]
    assert made["tags"] == ["billing"]
    place_ = f"/api/v1/users/{made['id']}"
    for change, tags in (({"tags": ["a", "b"]}, ["a", "b"]), ({"roles": ["viewer"]}, ["a", "b"]), ({"tags": []}, [])):
        assert (await world.ask("PATCH", place_, change, token=boss)).json()["tags"] == tags


@pytest.mark.parametrize("role", ["admin", "auditor"])
async def test_role_of_a_whole_tenant_is_not_narrowed(world: World, role: str) -> None:
    world.issuing.add("boss", OURS, "admin")
    ada = world.issuing.add("ada", OURS, "viewer", tags=("billing",))
    boss = str((await log_in(world, "boss")).json()["accessToken"])
    asked = [
        ("POST", "/api/v1/users", {"name": "eve", "roles": [role], "tags": ["billing"]}),
        ("PATCH", f"/api/v1/users/{ada.id}", {"roles": [role]}),
        ("PATCH", f"/api/v1/users/{ada.id}", {"roles": [role], "tags": ["x"]}),
    ]
    for method, path, body in asked:
        answer = await world.ask(method, path, body, token=boss)
        assert answer.status_code == 422, path
        assert [problem["field"] for problem in answer.json()["error"]["details"]] == ["tags"]
    changed = await world.ask("PATCH", f"/api/v1/users/{ada.id}", {"roles": [role], "tags": []}, token=boss)
    assert changed.status_code == 200


async def test_platform_administrator_holds_for_no_tags(world: World) -> None:
    world.issuing.add_platform_admin()
    token = str((await log_in(world, "root")).json()["accessToken"])
    body = {"name": "root2", "roles": ["platform-admin"], "tags": ["billing"]}
    assert (await world.ask("POST", "/api/v1/users", body, token=token)).status_code == 422


def test_a_grant_within_tags_is_about_jobs_and_executions_only() -> None:
    assert {permission.value.partition(":")[0] for permission in WITHIN_TAGS} == {"jobs", "executions"}
