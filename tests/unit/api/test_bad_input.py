"""Whatever a caller sends that is wrong is refused with its code, every problem named, and nothing written."""

import base64
from typing import Any

import httpx
import pytest

from services.api.bodies import DEPTH_MAX, depth_of
from tests.unit.api.world import API, JOB, OUR_TOKEN, THEIR_TOKEN, UNKNOWN, World

FIRST_DAY = base64.urlsafe_b64encode(b"0001-01-01T00:00:00+14:00|a").decode().rstrip("=")


def problems(answer: httpx.Response) -> dict[str, str]:
    """Field → message of a refusal."""
    return {problem["field"]: problem["message"] for problem in answer.json()["error"]["details"]}


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("61 * * * * *", "second"),
        ("* 61 * * * *", "minute"),
        ("* * 24 * * *", "hour"),
        ("0 0 0 30 2 *", "day-of-month"),
        ("0 0 0 1 13 *", "month"),
        ("0 0 0 * * 9", "day-of-week"),
        ("not a cron", None),
        ("", None),
        ("* " * 5_000, None),
    ],
)
async def test_bad_expression_is_refused_with_its_field_and_reason(
    world: World, expression: str, part: str | None
) -> None:
    answer = await world.ask("POST", "/jobs", {**JOB, "cronExpression": expression})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "INVALID_CRON_EXPRESSION")
    assert (error["details"][0]["field"], error["details"][0].get("cronField")) == ("cronExpression", part)
    assert error["details"][0]["reason"]
    assert world.log.commands == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"jobType": "sql"}, "jobType"),
        ({"config": {"url": "https://example.com"}}, "config.method"),
        ({"config": {**JOB["config"], "surprise": 1}}, "config.surprise"),
        ({"config": None}, "config"),
        ({"config": {**JOB["config"], "url": "ftp://example.com"}}, "config.url"),
        ({"config": {**JOB["config"], "headers": {"Host": "internal"}}}, "config.headers.Host"),
        ({"config": {**JOB["config"], "headers": {"x-forwarded-for": "::1"}}}, "config.headers.x-forwarded-for"),
        ({"config": {**JOB["config"], "headers": {"Horolog-Attempt": "1"}}}, "config.headers.Horolog-Attempt"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"tags": ["ok", ""]}, "tags.1"),
        ({"maxExecutions": 0}, "maxExecutions"),
        ({"retryConfig": {"maxRetries": -1}}, "retryConfig.maxRetries"),
        ({"startDate": "tomorrow"}, "startDate"),
        ({"startDate": "2026-01-01T00:00:00"}, "startDate"),
        ({"startDate": "2026-05-01T00:00:00Z", "endDate": "2026-04-01T00:00:00Z"}, "endDate"),
        ({"tenantId": UNKNOWN}, "tenantId"),
    ],
)
async def test_bad_definition_is_refused_and_the_field_is_named(
    world: World, changes: dict[str, Any], field: str
) -> None:
    answer = await world.ask("POST", "/jobs", {**JOB, **changes})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_JOB_CONFIG")
    assert list(problems(answer)) == [field]
    assert world.log.commands == []


async def test_every_problem_is_listed_at_once_in_the_order_of_the_fields(world: World) -> None:
    wrong = {
        "cronExpression": "61 61 * * * *",
        "timezone": "Nowhere",
        "jobType": "http",
        "config": {"url": "x", "method": "PATCH"},
        "timeout": -5,
        "startDate": "2026-05-01T00:00:00Z",
        "endDate": "2026-04-01T00:00:00Z",
        "surprise": 1,
    }
    answer = await world.ask("POST", "/jobs", wrong)
    fields = [problem["field"] for problem in answer.json()["error"]["details"]]
    assert fields == [
        *("name", "cronExpression", "cronExpression", "timezone", "config.url", "config.method"),
        *("timeout", "endDate", "surprise"),
    ]
    assert answer.json()["error"]["code"] == "INVALID_JOB_CONFIG"


async def test_problems_never_repeat_what_was_sent(world: World) -> None:
    secret = "hunter2-hunter2"
    config = {"url": f"ftp://u:{secret}@x", "method": secret, "headers": {"Authorization": f"\n{secret}"}}
    answer = await world.ask("POST", "/jobs", {**JOB, "config": config, "timeout": secret})
    assert answer.status_code == 422
    assert secret not in answer.text


async def test_list_of_problems_is_bounded(world: World) -> None:
    answer = await world.ask("POST", "/jobs", {**JOB, **{f"field{number}": 1 for number in range(5000)}})
    assert len(answer.json()["error"]["details"]) == 100


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[1]", b"7", b"null", b'{"name": "\\ud800"}', b'{"a": NaN}'])
async def test_body_that_is_no_definition_is_refused(world: World, body: bytes) -> None:
    answer = await world.ask("POST", "/jobs", content=body)
    refused = (answer.status_code, answer.json()["error"]["code"])
    assert refused in [(400, "INVALID_JSON"), (422, "INVALID_JOB_CONFIG")]


@pytest.mark.parametrize("depth", [40, 60, 200, 900, 5_000, 100_000])
async def test_deep_nesting_is_refused(world: World, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    body = b'{"name":"n","cronExpression":"@daily","jobType":"http","config":{"url":"http://x","method":"PUT","body":'
    answer = await world.ask("POST", "/jobs", content=body + deep + b"}}", headers={"Idempotency-Key": "k"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["code"] in ("INVALID_JSON", "INVALID_JOB_CONFIG")


def test_depth_counts_arrays_and_objects_within_each_other() -> None:
    values: list[Any] = [1, [], {"a": [1, {"b": 2}]}, [[], [[]]]]
    assert [depth_of(value) for value in values] == [0, 1, 3, 3]
    assert DEPTH_MAX > 32


async def test_body_of_a_megabyte_is_too_large(world: World) -> None:
    answer = await world.ask("POST", "/jobs", {**JOB, "description": "x" * 1_000_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_body_that_is_not_json_by_its_type_is_refused(world: World, kind: str) -> None:
    answer = await world.ask("POST", "/jobs", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "question",
    [
        "/jobs?limit=0",
        "/jobs?limit=201",
        "/jobs?limit=many",
        "/jobs?staus=active",
        "/jobs?status=asleep",
        "/jobs?q=%00",
        "/executions?jobId=1",
        "/executions?from=yesterday",
        "/executions?status=active",
        "/executions/stats?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z",
        "/metrics?from=2027-01-01T00:00:00Z",
        "/metrics?to=0001-01-01T00:00:00Z",
    ],
)
async def test_bad_parameter_is_refused_and_never_ignored(world: World, question: str) -> None:
    answer = await world.ask("GET", question)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("cursor", ["x", "%20", "bm90IGEgY3Vyc29y", "MjAyNi0wMS0wMXxh", "A" * 300, "%C3%BC", FIRST_DAY])
@pytest.mark.parametrize("place", ["/jobs", "/executions", f"/jobs/{UNKNOWN}/executions"])
async def test_cursor_that_no_page_gave_is_refused(world: World, place: str, cursor: str) -> None:
    answer = await world.ask("GET", f"{place}?cursor={cursor}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\t"])
async def test_bad_idempotency_key_is_refused(world: World, key: str) -> None:
    answer = await world.ask("POST", "/jobs", JOB, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


async def test_bad_reason_is_refused(world: World) -> None:
    job = await world.created()
    answer = await world.ask("POST", f"/jobs/{job['id']}/pause", {"reason": 7, "why": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
    assert set(problems(answer)) == {"reason", "why"}


ABOUT_A_JOB = [
    ("GET", "/jobs/{}", None),
    ("PUT", "/jobs/{}", JOB),
    ("DELETE", "/jobs/{}", None),
    ("POST", "/jobs/{}/validate", None),
    ("POST", "/jobs/{}/trigger", None),
    ("POST", "/jobs/{}/pause", None),
    ("POST", "/jobs/{}/resume", None),
    ("POST", "/jobs/{}/stop", None),
    ("GET", "/jobs/{}/executions", None),
    ("GET", "/jobs/{}/resume-preview", None),
    ("GET", "/executions/{}", None),
    ("POST", "/executions/{}/cancel", None),
    ("GET", "/commands/{}", None),
]


@pytest.mark.parametrize(("method", "place", "body"), ABOUT_A_JOB)
async def test_foreign_unknown_and_impossible_ids_are_told_the_same(
    world: World, method: str, place: str, body: Any
) -> None:
    job = await world.created(token=THEIR_TOKEN)
    execution = (await world.ask("POST", f"/jobs/{job['id']}/trigger", token=THEIR_TOKEN)).json()
    foreign = {"jobs": job["id"], "executions": execution["id"], "commands": world.log.commands[0].command_id}
    told = set[str]()
    for id_ in (foreign[place.split("/")[1]], UNKNOWN, "nonsense", "%27%3B--", UNKNOWN.upper()):
        answer = await world.ask(method, place.format(id_), body, token=OUR_TOKEN)
        assert answer.status_code == 404
        told.add(answer.text.replace(answer.json()["path"], ""))
    assert len(told) == 1
    assert world.job(job["id"]).version == 1


async def test_unknown_address_and_method_have_the_shape_of_every_error(world: World) -> None:
    nothing = await world.ask("GET", "/jobz")
    slash = await world.ask("GET", "/jobs/")
    patch = await world.ask("PATCH", "/jobs")
    assert [nothing.status_code, slash.status_code, patch.status_code] == [404, 404, 405]
    assert nothing.json()["path"] == f"{API}/jobz"
    assert set(patch.headers["allow"].split(", ")) >= {"POST"}


async def test_fault_is_told_by_an_id_and_not_by_its_traceback(world: World) -> None:
    world.read_model.broken = True
    answer = await world.ask("GET", "/jobs")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert answer.json()["error"]["details"]["requestId"] == world.served[-1].request_id
    assert "secret" not in answer.text
