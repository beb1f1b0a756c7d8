"""No tenant reaches another's: every documented operation, with every id that it takes, asked by somebody else.

The cases are made from the OpenAPI document and the rows of `samples`. A good request of ours is sent once by us, to
show that it is good, and once by them; what they are told must be, byte for byte, what they are told of an id that
nobody has, and nothing of ours may have changed.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.unit.api.contract import ENDING, document, operations, template_of
from tests.unit.api.samples import (
    BY_ID,
    CANARY,
    NOBODYS,
    OF_EVERY_TENANT,
    OF_THE_PLATFORM,
    PLAIN,
    Placed,
    Sample,
    place,
    place_rules,
    place_user,
    token_for,
)
from tests.unit.api.world import (
    API,
    JOB,
    OUR_TOKEN,
    OURS,
    SERVICE_TOKEN,
    THEIR_TOKEN,
    THEIRS,
    UNKNOWN,
    World,
    open_world,
)

BOSS = f"boss-{OURS[:8]}"
_VARIABLE = re.compile(r"\{(\w+)\}")
WITH_IDS = [(method, path) for method, path in operations() if _VARIABLE.search(path)]
CLOSED = [(method, path) for method, path in operations() if path.startswith(OF_THE_PLATFORM)]
BY_PATH = [one for one in WITH_IDS if one not in CLOSED and one not in OF_EVERY_TENANT]
CASES = [
    pytest.param(method, path, variable, sample, id=f"{method} {path} {variable} {number}")
    for (method, path), samples in BY_ID.items()
    for number, sample in enumerate(samples)
    for variable in _VARIABLE.findall(path)
]


def parameters(method: str, path: str) -> list[Mapping[str, Any]]:
    """The query's documented parameters."""
    found: list[Mapping[str, Any]] = document()["paths"][path][method.lower()].get("parameters", [])
    return [parameter for parameter in found if parameter["in"] == "query"]


def takes_id(parameter: Mapping[str, Any]) -> bool:
    """Whether a query's parameter names an object."""
    options = [parameter["schema"], *parameter["schema"].get("anyOf", [])]
    is_uuid = any("[0-9a-f]{8}" in option.get("pattern", "") or option.get("format") == "uuid" for option in options)
    return is_uuid or re.search(r"(Id|Ids|_id|^id)$", parameter["name"]) is not None


BY_FILTER = [
    (method, path, one["name"]) for method, path in operations() for one in parameters(method, path) if takes_id(one)
]
PAGED = [
    (method, path)
    for method, path in operations()
    if (method, path) not in CLOSED and any(one["name"] == "cursor" for one in parameters(method, path))
]
READING = [
    (method, path)
    for method, path in operations()
    if method == "GET" and path.startswith("/api/v1/") and (method, path) not in CLOSED
]


def whole(path: str) -> str:
    """The path with a query to which more can be added, and by which the answer has an end."""
    return f"{path}?" + "".join(f"{name}={value}&" for name, value in ENDING.get(path, {}).items())


async def send(world: World, who: str, method: str, path: str, sample: Sample = PLAIN) -> httpx.Response:
    """A sample's request, by the tenant of that id: by its token or, to the internal API, in its name."""
    if path.startswith("/internal"):
        own = {"X-Service-Token": SERVICE_TOKEN, "X-Tenant-Id": who}
    else:
        own = {"Authorization": f"Bearer {await token_for(world, who, path)}"}
    ending = ENDING.get(template_of(method.lower(), path) or "")
    return await world.client.request(method, path, json=sample.body, headers={**sample.headers, **own}, params=ending)


def told(answer: httpx.Response, named: Mapping[str, str]) -> tuple[int, list[tuple[str, str]], str]:
    """All of an answer, but for the echo of the ids that were asked for."""
    text = answer.text
    # How often who asks may still ask is its own affair, and falls with each question.
    headers = sorted(one for one in answer.headers.multi_items() if not one[0].startswith("ratelimit-"))
    for id_ in named.values():
        text = text.replace(id_, "<id>")
    return answer.status_code, headers, text


def ours(world: World) -> Any:
    """All that there is of ours: rows, versions, and what was written to the log in our name."""
    model = world.read_model
    return deepcopy(
        (
            [row for row in model.jobs_by_id.values() if row.tenant_id == OURS],
            [row for row in model.executions_by_id.values() if row.tenant_id == OURS],
            [row for row in model.outcomes_by_id.values() if row.tenant_id == OURS],
            [v for vs in world.log.history.versions_by_id.values() for v in vs if v.job.tenant_id == OURS],
            [record for record in world.log.records if record.key == OURS.encode()],
            [user for user in world.issuing.store.by_id.values() if user.tenant_id == OURS and user.name != BOSS],
            [name for tenant, name in world.vault.kept if tenant == OURS],
            [kept for kept in world.notifications.kept.values() if kept.rule.tenant_id == OURS],
            [delivery for delivery in world.notifications.made.values() if delivery.tenant_id == OURS],
        )
    )


def test_every_operation_that_takes_an_id_has_a_sample() -> None:
    assert set(BY_ID) == set(BY_PATH)


@pytest.mark.parametrize(("method", "path", "variable", "sample"), CASES)
async def test_sample_is_a_good_request_of_its_own_tenant(
    world: World, method: str, path: str, variable: str, sample: Sample
) -> None:
    placed = await place(world, sample.paused)
    answer = await send(world, OURS, method, path.format(**placed.ids), sample)
    assert answer.is_success, answer.text


@pytest.mark.parametrize(("method", "path", "variable", "sample"), CASES)
async def test_foreign_id_is_told_like_an_unknown_one_and_nothing_changes(
    world: World, method: str, path: str, variable: str, sample: Sample
) -> None:
    placed = await place(world, sample.paused)
    before = ours(world)
    unknown = {**placed.ids, variable: NOBODYS.get(variable, UNKNOWN)}
    answers = [await send(world, THEIRS, method, path.format(**ids), sample) for ids in (placed.ids, unknown)]
    assert answers[0].status_code == 404
    assert told(answers[0], placed.ids) == told(answers[1], unknown)
    assert ours(world) == before


@pytest.mark.parametrize(("method", "path", "variable", "sample"), CASES)
async def test_one_foreign_id_among_own_ones_is_told_like_an_unknown_one(
    world: World, method: str, path: str, variable: str, sample: Sample
) -> None:
    placed, own = await place(world, sample.paused), await place_theirs(world)
    before = ours(world)
    named = [{**own, variable: placed.ids[variable]}, {**own, variable: NOBODYS.get(variable, UNKNOWN)}]
    answers = [await send(world, THEIRS, method, path.format(**ids), sample) for ids in named]
    assert answers[0].status_code == 404
    assert told(answers[0], named[0]) == told(answers[1], named[1])
    assert ours(world) == before


async def place_theirs(world: World) -> Mapping[str, str]:
    """An object of theirs of every kind, by the name of the path's variable."""
    first = len(world.log.commands)
    job = await world.created(token=THEIR_TOKEN)
    execution = (await world.ask("POST", f"/jobs/{job['id']}/trigger", token=THEIR_TOKEN)).json()
    ids = {"job_id": job["id"], "execution_id": execution["id"], "command_id": world.log.commands[first].command_id}
    rules = await place_rules(world, THEIR_TOKEN, "theirs")
    return {**ids, "name": "theirs", **await place_user(world, THEIRS), **rules}


@pytest.mark.parametrize(("method", "path", "name"), BY_FILTER)
async def test_foreign_id_as_a_filter_is_told_like_an_unknown_one(
    world: World, method: str, path: str, name: str
) -> None:
    placed = await place(world)
    foreign, unknown = placed.filters[name], UNKNOWN
    answers = [await send(world, THEIRS, method, f"{whole(path)}{name}={id_}") for id_ in (foreign, unknown)]
    assert answers[0].status_code == 200
    assert told(answers[0], {name: foreign}) == told(answers[1], {name: unknown})


@pytest.mark.parametrize(("method", "path"), [one for one in CLOSED if not one[1].startswith("/internal")])
async def test_what_is_of_the_platform_is_closed_to_tenants_whatever_it_names(
    world: World, method: str, path: str
) -> None:
    answers = [
        await send(world, THEIRS, method, path.format(tenant_id=id_, actor="user:1")) for id_ in (OURS, THEIRS, UNKNOWN)
    ]
    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize(("method", "path"), PAGED)
async def test_cursor_of_another_tenant_leads_to_own_rows_only(world: World, method: str, path: str) -> None:
    placed = await place(world)
    for _ in range(2):
        await world.ask("POST", f"/jobs/{placed.ids['job_id']}/trigger")
        await world.created(name=CANARY)
    await world.ask("POST", f"/jobs/{placed.ids['job_id']}/pause")
    theirs = await place_theirs(world)
    page = await send(world, OURS, method, f"{path.format(**placed.ids)}?limit=1")
    cursor = page.json()["nextCursor"]
    assert cursor, page.text
    answer = await send(world, THEIRS, method, f"{path.format(**theirs)}?cursor={cursor}")
    assert answer.status_code == 200
    assert_holds_nothing_of(placed, answer)


@pytest.mark.parametrize(("method", "path"), READING)
async def test_no_answer_to_a_tenant_holds_anything_of_another(world: World, method: str, path: str) -> None:
    placed, theirs = await place(world), await place_theirs(world)
    answer = await send(world, THEIRS, method, whole(path).format(**theirs))
    assert answer.status_code == 200, answer.text
    assert_holds_nothing_of(placed, answer)


def assert_holds_nothing_of(placed: Placed, answer: httpx.Response) -> None:
    """Fail when an answer holds an id or a word of ours."""
    whole = answer.text + str(answer.headers)
    assert not [mark for mark in placed.marks if mark in whole]


async def test_internal_body_and_header_must_name_the_same_tenant(world: World) -> None:
    placed = await place(world)
    before = ours(world)
    for method, path in BY_PATH:
        if path.startswith("/internal") and method != "GET":
            sample = Sample({"tenantId": OURS})
            answer = await send(world, THEIRS, method, path.format(**placed.ids), sample)
            assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER"), path
    assert ours(world) == before


@pytest.mark.parametrize("field", ["tenantId", "tenant_id", "tenant"])
async def test_tenant_in_a_public_request_is_refused_or_left_alone(world: World, field: str) -> None:
    """The tenant comes from the token; a body, a query or a header that names one gives nobody another's."""
    in_body = await world.ask("POST", "/jobs", {**JOB, field: OURS}, token=THEIR_TOKEN)
    in_query = await world.ask("GET", f"/jobs?{field}={OURS}", token=THEIR_TOKEN)
    in_header = await world.ask("POST", "/jobs", JOB, token=THEIR_TOKEN, headers={"X-Tenant-Id": OURS})
    assert (in_body.status_code, in_query.status_code, in_header.status_code) == (422, 400, 201)
    assert {command.tenant_id for command in world.log.commands} == {THEIRS}


async def test_same_idempotency_key_is_another_command_for_another_tenant(world: World) -> None:
    headers = {"Idempotency-Key": "the-same"}
    made = [
        (await world.ask("POST", "/jobs", {**JOB, "name": name}, token=token, headers=headers)).json()
        for token, name in ((OUR_TOKEN, CANARY), (THEIR_TOKEN, "theirs"))
    ]
    assert [job["name"] for job in made] == [CANARY, "theirs"]
    assert len({job["id"] for job in made}) == 2


async def test_command_of_another_tenant_is_not_told_even_when_it_was_rejected() -> None:
    async with open_world() as world:
        await world.ask("POST", f"/jobs/{UNKNOWN}/pause")
        command_id = world.log.commands[0].command_id
        ids = ({"id": command_id}, {"id": UNKNOWN})
        answers = [await send(world, THEIRS, "GET", f"{API}/commands/{named['id']}") for named in ids]
        assert told(answers[0], ids[0]) == told(answers[1], ids[1])
        assert (await send(world, OURS, "GET", f"{API}/commands/{command_id}")).json()["status"] == "rejected"


def test_a_wall_that_is_open_would_be_seen() -> None:
    """The comparison itself: two answers that differ in a header, a word or a status are told apart."""
    one = httpx.Response(404, text="no such <id>", headers={"X": "1"})
    other = [
        httpx.Response(403, text="no such <id>", headers={"X": "1"}),
        httpx.Response(404, text="not yours", headers={"X": "1"}),
        httpx.Response(404, text="no such <id>", headers={"X": "2"}),
    ]
    seen = [told(answer, {}) for answer in (one, *other)]
    assert all(left != right for left, right in pairwise(seen))
    assert told(one, {}) not in seen[1:]
