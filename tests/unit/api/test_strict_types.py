"""A body's values have the types that are documented, and its fields the names: nothing is converted or guessed."""

from typing import Any

import httpx
import pytest

from services.api.validation import judge
from tests.unit.api.test_bad_input import problems
from tests.unit.api.world import JOB, OURS, World

HTTP = JOB["config"]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"misfire": {"policy": "all", "maxCount": "7"}}, "misfire.maxCount"),
    ({"misfire": {"policy": "all", "rate": True}}, "misfire.rate"),
    ({"misfire": {"policy": "all", "rate": "1.5"}}, "misfire.rate"),
    ({"misfire": {"maxAge": True}}, "misfire.maxAge"),
    ({"misfire": {"max_age": 60}}, "misfire.max_age"),
    ({"overlap": {"policy": "queueAll", "queueMax": "3"}}, "overlap.queueMax"),
    ({"overlap": {"queue_max": 3}}, "overlap.queue_max"),
    ({"timeout": "60"}, "timeout"),
    ({"timeout": True}, "timeout"),
    ({"priority": False}, "priority"),
    ({"maxConcurrent": "2"}, "maxConcurrent"),
    ({"max_concurrent": 2}, "max_concurrent"),
    ({"maxExecutions": "2"}, "maxExecutions"),
    ({"startDate": 1_800_000_000}, "startDate"),
    ({"tags": "billing"}, "tags"),
    ({"retryConfig": {"maxRetries": "3"}}, "retryConfig.maxRetries"),
    ({"retryConfig": {"exponentialBackoff": "yes"}}, "retryConfig.exponentialBackoff"),
    ({"retryConfig": {"exponentialBackoff": 1}}, "retryConfig.exponentialBackoff"),
    ({"retryConfig": {"max_retries": 3}}, "retryConfig.max_retries"),
    ({"config": {**HTTP, "timeout": "1000"}}, "config.timeout"),
    ({"config": {**HTTP, "expectedStatusCode": True}}, "config.expectedStatusCode"),
    ({"config": {**HTTP, "expected_status_code": 200}}, "config.expected_status_code"),
    ({"config": {**HTTP, "retryOnStatusCodes": ["503"]}}, "config.retryOnStatusCodes.0"),
    ({"config": {**HTTP, "headers": {"A": 1}}}, "config.headers.A"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
async def test_definition_with_a_wrong_type_or_name_is_refused_and_the_field_is_named(
    world: World, changes: dict[str, Any], field: str
) -> None:
    answer = await world.ask("POST", "/jobs", {**JOB, **changes})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_JOB_CONFIG")
    assert list(problems(answer)) == [field]
    assert world.log.commands == []


@pytest.mark.parametrize(("changes", "field"), WRONG)
async def test_update_validation_and_internal_creation_judge_the_same(
    world: World, changes: dict[str, Any], field: str
) -> None:
    job = await world.created()
    body = {**JOB, **changes}
    update = await world.ask("PUT", f"/jobs/{job['id']}", body)
    validation = await world.ask("POST", "/jobs/validate", body)
    internal = await world.ask("POST", "/internal/jobs/create", {"tenantId": OURS, **body})
    batch = await world.ask("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": [body]})
    assert (update.status_code, list(problems(update))) == (422, [field])
    assert [problem["field"] for problem in validation.json()["problems"]] == [field]
    assert (internal.status_code, internal.json()["errorCode"]) == (422, "INVALID_JOB_CONFIG")
    assert [problem["field"] for problem in batch.json()["data"]["items"][0]["details"]] == [field]
    assert len(world.log.commands) == 1


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("resume", {"catchUp": "yes"}, "catchUp"),
        ("resume", {"catchUp": 1}, "catchUp"),
        ("resume", {"catch_up": True}, "catch_up"),
        ("rollback", {"toVersion": "1"}, "toVersion"),
        ("rollback", {"toVersion": True}, "toVersion"),
        ("rollback", {"toVersion": 1, "to_version": 1}, "to_version"),
        ("pause", {"reason": 7}, "reason"),
        ("trigger", {"parameters": "{}"}, "parameters"),
    ],
)
async def test_small_body_with_a_wrong_type_or_name_is_refused(
    world: World, action: str, body: dict[str, Any], field: str
) -> None:
    job = await world.created()
    answer = await world.ask("POST", f"/jobs/{job['id']}/{action}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
    assert list(problems(answer)) == [field]
    assert len(world.log.commands) == 1


async def test_internal_body_with_a_wrong_type_or_name_is_refused(world: World) -> None:
    job = await world.created()
    place = f"/internal/jobs/{job['id']}/resume"
    sent: list[dict[str, Any]] = [{"tenantId": OURS, "catchUp": "yes"}, {"tenant_id": OURS}]
    answers: list[httpx.Response] = [await world.ask("POST", place, body) for body in sent]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert "catchUp" in answers[0].text


async def test_right_types_in_their_json_forms_are_taken(world: World) -> None:
    job = await world.created(
        startDate="2026-03-01T00:00:00+01:00",
        tags=["a", "b"],
        misfire={"policy": "all", "maxAge": 60, "maxCount": 5, "rate": 2},
        retryConfig={"maxRetries": 1, "retryOnErrorTypes": ["TIMEOUT"]},
        delivery="at_least_once",
        priority=0,
    )
    assert (job["misfire"]["rate"], job["tags"], job["startDate"]) == (2.0, ["a", "b"], "2026-02-28T23:00:00Z")


def test_retries_and_dates_of_a_wrong_type_are_no_second_problem() -> None:
    wrong = {**JOB, "delivery": "at_most_once", "retryConfig": {"maxRetries": "3"}}
    for body, field in (
        (wrong, "retryConfig.maxRetries"),
        ({**JOB, "startDate": 5_000_000_000, "endDate": "2026-01-01T00:00:00Z"}, "startDate"),
    ):
        _, found = judge(body)
        assert [problem.field for problem in found] == [field]
