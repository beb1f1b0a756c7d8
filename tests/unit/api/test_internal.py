"""The internal API: a service acts for the tenant that it names."""

from typing import Any

import pytest

from tests.unit.api.world import JOB, OURS, THEIRS, UNKNOWN, World, open_world

FOR_US = {"X-Tenant-Id": OURS}


async def test_created_job_belongs_to_the_tenant_that_was_named(world: World) -> None:
    by_body = await world.ask("POST", "/internal/jobs/create", {**JOB, "tenantId": OURS})
    by_header = await world.ask("POST", "/internal/jobs/create", JOB, headers={"X-Tenant-Id": THEIRS})
    assert (by_body.status_code, by_body.json()["success"]) == (201, True)
    assert by_body.json()["data"]["createdBy"] == "service:internal"
    tenants = [world.job(answer.json()["data"]["id"]).tenant_id for answer in (by_body, by_header)]
    assert tenants == [OURS, THEIRS]


@pytest.mark.parametrize(
    ("named", "headers"),
    [
        ({}, {}),
        ({"tenantId": THEIRS}, FOR_US),
        ({"tenantId": "us"}, {}),
        ({"tenantId": 7}, {}),
        ({"tenantId": [OURS]}, FOR_US),
        ({}, {"X-Tenant-Id": "'"}),
    ],
)
async def test_call_that_names_no_single_tenant_is_refused(
    world: World, named: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = await world.ask("POST", "/internal/jobs/create", {**JOB, **named}, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")


async def test_batch_tells_of_each_definition_by_itself(world: World) -> None:
    jobs: list[Any] = [JOB, {**JOB, "cronExpression": "x"}, 7, {**JOB, "name": "second"}]
    answer = await world.ask("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": jobs})
    result = answer.json()["data"]
    assert (answer.status_code, result["createdCount"], result["failedCount"]) == (200, 2, 2)
    told = [item["job"]["name"] if item["success"] else item["errorCode"] for item in result["items"]]
    assert told == ["nightly", "INVALID_CRON_EXPRESSION", "INVALID_JOB_CONFIG", "second"]
    assert result["items"][1]["details"][0]["reason"]


async def test_repeated_batch_creates_nothing_twice(world: World) -> None:
    body = {"tenantId": OURS, "jobs": [JOB, JOB]}
    headers = {"Idempotency-Key": "batch-1"}
    first = await world.ask("POST", "/internal/jobs/batch-create", body, headers=headers)
    again = await world.ask("POST", "/internal/jobs/batch-create", body, headers=headers)
    assert first.json()["data"] == again.json()["data"]
    assert len(world.read_model.jobs_by_id) == len(world.log.commands) == 2


@pytest.mark.parametrize("jobs", [[], [JOB] * 101, "x", None])
async def test_batch_has_a_size(world: World, jobs: Any) -> None:
    answer = await world.ask("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": jobs})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "INVALID_BODY")


async def test_batch_that_nobody_answers_tells_so_for_each() -> None:
    async with open_world(wait_s=0.05) as world:
        world.log.silent = True
        answer = await world.ask("POST", "/internal/jobs/batch-create", {"tenantId": OURS, "jobs": [JOB, JOB]})
    codes = [item["errorCode"] for item in answer.json()["data"]["items"]]
    assert codes == ["LOCK_ACQUISITION_FAILED"] * 2


async def test_status_names_what_waits_or_runs(world: World) -> None:
    job = await world.created()
    execution = await world.ask("POST", f"/internal/jobs/{job['id']}/trigger", {"tenantId": OURS})
    state = (await world.ask("GET", f"/internal/jobs/{job['id']}/status", headers=FOR_US)).json()["data"]
    assert execution.status_code == 201
    assert (state["jobId"], state["status"]) == (job["id"], "active")
    assert state["runningExecutions"] == [execution.json()["data"]["id"]]


async def test_job_is_paused_and_resumed_by_a_service(world: World) -> None:
    job = await world.created()
    paused = await world.ask("POST", f"/internal/jobs/{job['id']}/pause", {"reason": "plan ended"}, headers=FOR_US)
    resumed = await world.ask("POST", f"/internal/jobs/{job['id']}/resume", headers=FOR_US)
    assert [answer.json()["data"]["status"] for answer in (paused, resumed)] == ["paused", "active"]
    assert world.log.commands[1].reason == "plan ended"


@pytest.mark.parametrize(
    ("method", "verb"), [("POST", "trigger"), ("GET", "status"), ("POST", "pause"), ("POST", "resume")]
)
async def test_job_of_another_tenant_is_told_like_an_unknown_one(world: World, method: str, verb: str) -> None:
    job = await world.created()
    told = set[str]()
    for id_, tenant in ((job["id"], THEIRS), (UNKNOWN, OURS), ("nonsense", OURS)):
        answer = await world.ask(method, f"/internal/jobs/{id_}/{verb}", headers={"X-Tenant-Id": tenant})
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "JOB_NOT_FOUND")
        told.add(answer.text)
    assert len(told) == 1


async def test_errors_list_every_problem_in_the_message(world: World) -> None:
    wrong = {**JOB, "tenantId": OURS, "cronExpression": "* * *", "timeout": -1}
    answer = await world.ask("POST", "/internal/jobs/create", wrong)
    body = answer.json()
    assert (answer.status_code, body["errorCode"], body["success"]) == (422, "INVALID_CRON_EXPRESSION", False)
    assert "cronExpression:" in body["message"]
    assert "timeout:" in body["message"]


async def test_unknown_internal_address_has_the_internal_shape(world: World) -> None:
    answer = await world.ask("GET", "/internal/nothing")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "NOT_FOUND")


async def test_fault_behind_an_internal_route_is_told_by_an_id(world: World) -> None:
    world.read_model.broken = True
    answer = await world.ask("GET", f"/internal/jobs/{UNKNOWN}/status", headers=FOR_US)
    assert answer.json()["errorCode"] == "INTERNAL_ERROR"
    assert world.served[-1].request_id in answer.json()["message"]
    assert "secret" not in answer.text
