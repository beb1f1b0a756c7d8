"""A tenant is stopped and resumed for real: each fire has its row, the proof accepts it, and others go on."""

import math

from horolog.adapters.system import SystemClock
from horolog.verify import Window
from tests.e2e.system import OTHER_TENANT, PREFIX, TENANT, System, command_job, job, running
from tests.e2e.test_ledger_proof import EVERY_SECOND, clean_at_last, completed

TOKEN = "m4nager-of-t3nants-word"
MAY = "jobs:read+tenants:manage"


async def told(system: System, job_id: str, query: str, count: int) -> set[str]:
    """The ids of the job's executions, once there are so many."""
    path = f"/jobs/{job_id}/executions?limit=200&{query}"
    page = await system.eventually(path, lambda found: len(found["items"]) >= count)
    return {item["id"] for item in page["items"]}


async def test_a_suspended_tenants_fires_are_skipped_and_explained_and_another_tenants_run(
    migrated_database: str,
) -> None:
    begun_s = math.floor(SystemClock().now().timestamp())
    async with running(migrated_database, INTERNAL_SERVICE_TOKEN=f"{TOKEN}=billing:{MAY}") as system:
        system.service.headers["X-Service-Token"] = TOKEN
        ours = (await system.client.post(f"{PREFIX}/jobs", json=job(cronExpression=EVERY_SECOND))).json()["id"]
        theirs = (await system.other.post(f"{PREFIX}/jobs", json=job(cronExpression=EVERY_SECOND))).json()["id"]
        await completed(system, ours, 2)
        suspended = await system.service.post(f"/internal/tenants/{TENANT}/suspend", json={"reason": "unpaid"})
        assert suspended.json()["data"]["state"] == "suspended"
        trigger = await system.client.post(f"{PREFIX}/jobs/{ours}/trigger")
        assert (trigger.status_code, trigger.json()["error"]["code"]) == (403, "TENANT_SUSPENDED")
        await told(system, ours, "status=skipped", 1)
        ran = await told(system, ours, "status=completed", 2)
        await told(system, ours, "status=skipped", 3)
        assert await told(system, ours, "status=completed", 2) == ran
        resumed = await system.service.post(f"/internal/tenants/{TENANT}/resume")
        assert resumed.json()["data"]["version"] == 2
        await completed(system, ours, len(ran) + 2)
        elsewhere = (await system.other.get(f"{PREFIX}/jobs/{theirs}/executions?status=skipped")).json()
        assert elsewhere["items"] == []
        now_s = SystemClock().now().timestamp()
        report = await clean_at_last(migrated_database, Window(begun_s, math.floor(now_s), math.floor(now_s), now_s))
        assert report.owed_count > 0


async def test_a_program_that_is_not_named_as_allowed_is_refused_with_a_sentence(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        refused = await system.client.post(f"{PREFIX}/jobs", json={**command_job("true"), "config": {"command": "sh"}})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "COMMAND_NOT_ALLOWED")
        assert "'sh'" in refused.json()["error"]["message"]
        forbidden = await system.client.post(f"/api/v1/tenants/{OTHER_TENANT}/suspend")
        assert forbidden.status_code == 403
