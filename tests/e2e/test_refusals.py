"""Bad input through the whole system: refused at the edge, with a code and a sentence, and nothing written."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.api.app import openapi_document
from tests.e2e.system import PREFIX, System, command_job, job, running

UNKNOWN = "00000000-1111-4222-8333-444444444444"
REQUIRED = """
POST /jobs, GET /jobs, GET /jobs/{}, PUT /jobs/{}, DELETE /jobs/{}, POST /jobs/{}/validate, POST /jobs/{}/trigger,
POST /jobs/{}/pause, POST /jobs/{}/resume, POST /jobs/{}/stop, GET /executions, GET /executions/{},
GET /jobs/{}/executions, GET /executions/stats, POST /executions/{}/cancel, GET /status, GET /metrics, GET /queues,
GET /workers, POST /jobs/validate
"""
REQUIRED_INTERNAL = """
POST /jobs/create, POST /jobs/batch-create, POST /jobs/{}/trigger, GET /jobs/{}/status, POST /jobs/{}/pause,
POST /jobs/{}/resume, GET /health
"""
BAD_CRON = {
    "malformed": "every day",
    "never fires": "0 0 0 31 2 *",
    "ten kilobytes": "0," * 5000 + "0 * * * * *",
    "out of range": "61 * * * * *",
}
BAD_CONFIG: dict[str, dict[str, Any]] = {
    "timezone": {"timezone": "Mars/Olympus"},
    "jobType": {"jobType": "telepathy"},
    "config.functionName": {"config": {"modulePath": "a"}},
    "config.surprise": {"config": {"modulePath": "a", "functionName": "b", "surprise": 1}},
    "timeout": {"timeout": -1},
    "endDate": {"startDate": "2027-01-02T00:00:00Z", "endDate": "2027-01-01T00:00:00Z"},
}


async def refused(system: System, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = await system.client.post(f"{PREFIX}/jobs", json=body)
    return answer.status_code, answer.json()["error"]


def listed(text: str) -> set[tuple[str, str]]:
    pairs = (entry.split() for entry in text.replace("\n", " ").split(","))
    return {(method, path) for method, path in pairs}


def offered(prefix: str) -> set[tuple[str, str]]:
    paths = openapi_document()["paths"]
    return {
        (method.upper(), re.sub(r"{\w+}", "{}", path.removeprefix(prefix)))
        for path, operations in paths.items()
        for method in operations
        if path.startswith(prefix)
    }


def test_every_required_endpoint_is_in_the_document() -> None:
    assert listed(REQUIRED) <= offered(PREFIX)
    assert listed(REQUIRED_INTERNAL) <= offered("/internal")


async def test_bad_definitions_are_refused_with_every_problem(migrated_database: str) -> None:
    async with running(migrated_database, roles=("dispatcher", "ticker", "executor", "projections")) as system:
        for expression in BAD_CRON.values():
            status, error = await refused(system, job(cronExpression=expression))
            assert (status, error["code"]) == (422, "INVALID_CRON_EXPRESSION")
            assert error["details"][0]["field"] == "cronExpression"
            assert error["details"][0]["reason"]
        for field, changes in BAD_CONFIG.items():
            status, error = await refused(system, job(**changes))
            assert (status, error["code"]) == (422, "INVALID_JOB_CONFIG"), field
            assert field in [problem["field"] for problem in error["details"]]
        together = {name: value for changes in BAD_CONFIG.values() for name, value in changes.items()}
        _, error = await refused(system, job(**together))
        assert {"timezone", "jobType", "timeout", "endDate"} <= {p["field"] for p in error["details"]}
        assert (await system.client.get(f"{PREFIX}/jobs")).json()["items"] == []


async def test_large_and_malformed_bodies_are_refused(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        large = await system.client.post(f"{PREFIX}/jobs", json=job(description="x" * 1_000_000))
        assert (large.status_code, large.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
        kind = {"Content-Type": "application/json"}
        broken = await system.client.post(f"{PREFIX}/jobs", content=b'{"name": ', headers=kind)
        assert (broken.status_code, broken.json()["error"]["code"]) == (400, "INVALID_JSON")


async def test_another_tenants_id_is_answered_like_an_unknown_one(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = (await system.client.post(f"{PREFIX}/jobs", json=job())).json()
        for method, suffix in (("GET", ""), ("DELETE", ""), ("POST", "/trigger"), ("POST", "/pause")):
            foreign = await system.other.request(method, f"{PREFIX}/jobs/{created['id']}{suffix}")
            unknown = await system.other.request(method, f"{PREFIX}/jobs/{UNKNOWN}{suffix}")
            assert (foreign.status_code, unknown.status_code) == (404, 404)
            assert foreign.json()["error"] == unknown.json()["error"]
        assert (await system.client.get(f"{PREFIX}/jobs/{created['id']}")).json()["status"] == "active"


async def test_without_an_owner_a_command_is_answered_with_503(migrated_database: str) -> None:
    async with running(migrated_database, roles=("projections",), wait_s="0.3") as system:
        answer = await system.client.post(f"{PREFIX}/jobs", json=job(), headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LOCK_ACQUISITION_FAILED")
        assert answer.headers["retry-after"]
        assert answer.json()["error"]["details"]["commandId"]


async def test_a_command_that_was_answered_with_503_is_applied_once_and_told_when_it_is_repeated(
    migrated_database: str,
) -> None:
    async with running(migrated_database, roles=("projections",), wait_s="0.3") as system:
        key = {"Idempotency-Key": "k"}
        first = await system.client.post(f"{PREFIX}/jobs", json=job(), headers=key)
        assert first.status_code == 503
        system.start("dispatcher")
        (created,) = (await system.eventually("/jobs", lambda page: len(page["items"]) > 0))["items"]
        for _ in range(2):
            again = await system.client.post(f"{PREFIX}/jobs", json=job(), headers=key)
            assert (again.status_code, again.json()["id"]) == (201, created["id"])
        assert len((await system.client.get(f"{PREFIX}/jobs")).json()["items"]) == 1


async def test_a_key_with_another_body_and_a_stale_version_are_refused(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        key = {"Idempotency-Key": "k"}
        created = await system.client.post(f"{PREFIX}/jobs", json=job(), headers=key)
        other = await system.client.post(f"{PREFIX}/jobs", json=job(name="another"), headers=key)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
        path, version = f"{PREFIX}/jobs/{created.json()['id']}", {"If-Match": created.headers["etag"]}
        renamed = await system.client.put(path, json=job(name="renamed"), headers=version)
        assert renamed.status_code == 200
        stale = await system.client.put(path, json=job(name="lost"), headers=version)
        assert (stale.status_code, stale.json()["error"]["code"]) == (412, "VERSION_CONFLICT")
        assert (await system.client.get(path)).json()["name"] == "renamed"


async def test_a_trigger_beyond_max_concurrent_is_refused(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = (await system.client.post(f"{PREFIX}/jobs", json=command_job("sleep 60"))).json()
        path = f"{PREFIX}/jobs/{created['id']}/trigger"
        assert (await system.client.post(path)).status_code == 201
        refused = await system.client.post(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "JOB_ALREADY_RUNNING")
        await system.client.post(f"{PREFIX}/jobs/{created['id']}/stop")


async def test_everything_but_health_is_closed_without_a_token(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        for path, operations in openapi_document()["paths"].items():
            for method in operations:
                answer = await system.nobody.request(method, re.sub(r"{\w+}", UNKNOWN, path))
                assert answer.status_code == (200 if path.endswith("/health") else 401), (method, path)
        assert (await system.nobody.get("/anything")).status_code == 401


@pytest.mark.parametrize("path", ["/jobs", "/executions", "/status", "/metrics", "/queues", "/workers"])
async def test_answers_keep_to_their_documented_shape(migrated_database: str, path: str) -> None:
    document = openapi_document()
    async with running(migrated_database) as system:
        await system.client.post(f"{PREFIX}/jobs", json=job())
        answer = await system.client.get(f"{PREFIX}{path}")
    content = document["paths"][f"{PREFIX}{path}"]["get"]["responses"]["200"]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(answer.json())
