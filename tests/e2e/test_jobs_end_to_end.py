"""Jobs through the whole system: created, fired or triggered, run, queried."""

from datetime import datetime
from typing import Any

import pytest

from tests.e2e.system import PREFIX, System, command_job, job, running

ENDED = ("completed", "failed", "cancelled", "skipped")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def create(system: System, body: dict[str, Any]) -> dict[str, Any]:
    answer = await system.client.post(f"{PREFIX}/jobs", json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def run_once(system: System, body: dict[str, Any]) -> dict[str, Any]:
    created = await create(system, body)
    answer = await system.client.post(f"{PREFIX}/jobs/{created['id']}/trigger")
    assert answer.status_code == 201, answer.text
    path = f"/executions/{answer.json()['id']}"
    ended: dict[str, Any] = await system.eventually(path, lambda e: e["status"] in ENDED)
    return ended


async def test_each_job_type_runs_and_its_result_is_read_back(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        health = str(system.client.base_url) + "/health"
        ended = await run_once(system, job())
        assert (ended["status"], ended["attempt"], ended["triggerType"]) == ("completed", 1, "manual")
        ended = await run_once(system, command_job("echo out; echo err >&2"))
        assert ended["result"] == {"stdout": "out\n", "stderr": "err\n", "exitCode": 0}
        assert ended["cpuTimeMs"] is not None
        ended = await run_once(system, job(jobType="http", config={"url": health, "method": "GET"}))
        assert (ended["metadata"]["statusCode"], ended["result"]["service"]) == (200, "scheduler-service")


async def test_a_schedule_fires_each_second_once(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = await create(system, job(cronExpression="* * * * * *", maxConcurrent=5))
        path = f"/jobs/{created['id']}/executions?status=completed"
        page = await system.eventually(path, lambda p: len(p["items"]) >= 3)
        instants = sorted(item["scheduledAt"] for item in page["items"])
        assert len(set(instants)) == len(instants)
        assert all(instant(item["startedAt"]) >= instant(item["scheduledAt"]) for item in page["items"])


async def test_a_failing_job_is_retried_with_its_next_attempt(migrated_database: str) -> None:
    retry = {"maxRetries": 2, "retryDelayMs": 10, "retryOnErrorTypes": ["USER_ERROR"]}
    async with running(migrated_database) as system:
        ended = await run_once(system, command_job("exit 3", retryConfig=retry))
        assert (ended["status"], ended["attempt"], ended["retryCount"]) == ("failed", 3, 2)
        assert (ended["errorType"], ended["errorCode"]) == ("USER_ERROR", "EXIT_STATUS")


async def test_a_command_that_ignores_the_first_signal_dies_at_its_timeout(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        ended = await run_once(system, command_job("trap '' TERM; while :; do sleep 1; done", timeout=1))
        assert (ended["status"], ended["errorType"]) == ("failed", "TIMEOUT")


async def test_a_running_execution_blocks_a_trigger_and_can_be_cancelled(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = await create(system, command_job("sleep 60"))
        first = (await system.client.post(f"{PREFIX}/jobs/{created['id']}/trigger")).json()
        second = await system.client.post(f"{PREFIX}/jobs/{created['id']}/trigger")
        assert (second.status_code, second.json()["error"]["code"]) == (409, "JOB_ALREADY_RUNNING")
        await system.eventually(f"/executions/{first['id']}", lambda e: e["status"] == "running")
        answer = await system.client.post(f"{PREFIX}/executions/{first['id']}/cancel")
        assert answer.status_code == 200
        ended = await system.eventually(f"/executions/{first['id']}", lambda e: e["status"] in ENDED)
        assert (ended["status"], ended["reason"]) == ("cancelled", "requested")
        again = await system.client.post(f"{PREFIX}/executions/{first['id']}/cancel")
        assert again.json()["error"]["code"] == "EXECUTION_ALREADY_ENDED"


async def test_a_job_is_paused_resumed_stopped_and_deleted(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = await create(system, job())
        path = f"{PREFIX}/jobs/{created['id']}"
        for action, status in (("pause", "paused"), ("resume", "active"), ("stop", "inactive")):
            answer = await system.client.post(f"{path}/{action}")
            assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert (await system.client.delete(path)).status_code == 204
        assert (await system.client.get(path)).status_code == 404


async def test_a_change_names_the_version_it_expects(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = await create(system, job())
        path, body = f"{PREFIX}/jobs/{created['id']}", job(name="renamed")
        answer = await system.client.put(path, json=body, headers={"If-Match": '"1"'})
        assert (answer.status_code, answer.headers["etag"], answer.json()["name"]) == (200, '"2"', "renamed")
        stale = await system.client.put(path, json=body, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["error"]["code"]) == (412, "VERSION_CONFLICT")
        unchanged = await system.client.get(path, headers={"If-None-Match": '"2"'})
        assert unchanged.status_code == 304


async def test_a_repeated_key_has_one_effect(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        headers = {"Idempotency-Key": "once"}
        first = await system.client.post(f"{PREFIX}/jobs", json=job(), headers=headers)
        again = await system.client.post(f"{PREFIX}/jobs", json=job(), headers=headers)
        assert (first.json()["id"], again.status_code) == (again.json()["id"], 201)
        other = await system.client.post(f"{PREFIX}/jobs", json=job(name="other"), headers=headers)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
        assert len((await system.client.get(f"{PREFIX}/jobs")).json()["items"]) == 1


async def test_a_caller_may_prefer_not_to_wait(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        answer = await system.client.post(f"{PREFIX}/jobs", json=job(), headers={"Prefer": "respond-async"})
        assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
        path = f"/commands/{answer.json()['commandId']}"
        known = await system.eventually(path, lambda c: c["status"] == "applied")
        assert (await system.client.get(known["links"]["job"])).status_code == 200


async def test_lists_are_read_page_by_page(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        for number in range(5):
            await create(system, job(name=f"job {number}", tags=["odd"] if number % 2 else []))
        names: list[str] = []
        page: dict[str, Any] = {"nextCursor": ""}
        while page["nextCursor"] is not None:
            cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else {}
            page = (await system.client.get(f"{PREFIX}/jobs", params={"limit": "2", **cursor})).json()
            names += [item["name"] for item in page["items"]]
        assert names == [f"job {number}" for number in reversed(range(5))]
        tagged = (await system.client.get(f"{PREFIX}/jobs?tag=odd")).json()["items"]
        assert len(tagged) == 2


async def test_other_services_speak_for_a_tenant(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        created = await system.service.post("/internal/jobs/create", json=job())
        assert created.status_code == 201, created.text
        job_id = created.json()["data"]["id"]
        assert (await system.client.get(f"{PREFIX}/jobs/{job_id}")).status_code == 200
        batch = await system.service.post("/internal/jobs/batch-create", json={"jobs": [job(), {"name": "bad"}]})
        assert (batch.json()["data"]["createdCount"], batch.json()["data"]["failedCount"]) == (1, 1)
        for action in ("pause", "resume", "trigger"):
            answer = await system.service.post(f"/internal/jobs/{job_id}/{action}")
            assert answer.json()["success"] is True, answer.text
        state = await system.service.get(f"/internal/jobs/{job_id}/status")
        assert state.json()["data"]["status"] == "active"


@pytest.mark.parametrize("path", ["/status", "/metrics", "/queues", "/workers", "/executions/stats"])
async def test_the_scheduler_tells_of_itself(migrated_database: str, path: str) -> None:
    async with running(migrated_database) as system:
        answer = await system.client.get(f"{PREFIX}{path}")
        assert answer.status_code == 200, answer.text
        assert answer.json()
