"""A job's past and future through the whole system: preview, versions, the job as it was, rollback, lateness."""

from datetime import datetime
from typing import Any

from horolog.cli.replay_filters import Filters, known_types
from horolog.cli.replay_reading import replayed
from horolog.domain.history import existing, note_change
from schemas.codec import decode
from schemas.events.jobs import JobChanged
from schemas.jobs import Job
from tests.e2e.system import PREFIX, TENANT, System, job, running


async def create(system: System, body: dict[str, Any]) -> str:
    answer = await system.client.post(f"{PREFIX}/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return f"{PREFIX}/jobs/{answer.json()['id']}"


async def get(system: System, path: str, **params: str) -> Any:
    answer = await system.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_rollback_brings_the_definition_back_and_every_version_stays_readable(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        path = await create(system, job(name="first"))
        await system.client.put(path, json=job(name="second", timezone="Europe/Vienna"))
        answer = await system.client.post(f"{path}/rollback", json={"toVersion": 1}, headers={"If-Match": '"2"'})
        assert (answer.status_code, answer.headers["etag"], answer.json()["name"]) == (200, '"3"', "first")
        items = (await get(system, f"{path}/versions"))["items"]
        assert [(item["version"], item["reason"]) for item in items] == [
            (3, "rollback to version 1"),
            (2, None),
            (1, None),
        ]
        assert [difference["path"] for difference in items[0]["diff"]] == ["/name", "/timezone"]
        for item in items:
            then = await get(system, path, asOf=item["at"])
            assert (then["version"], then["updatedAt"]) == (item["version"], item["at"])
        assert (await system.client.post(f"{path}/rollback", json={"toVersion": 9})).status_code == 422
        assert (await system.other.get(f"{path}/versions")).status_code == 404
        await system.client.delete(path)
        assert (await system.client.get(path)).status_code == 404
        assert (await get(system, path, asOf=items[0]["at"]))["version"] == 3
        assert (await get(system, f"{path}/versions"))["items"][0]["change"] == "deleted"


async def test_what_was_owed_is_what_the_ledger_holds(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        path = await create(system, job(cronExpression="* * * * * *", maxConcurrent=5))
        place = path.removeprefix(PREFIX)
        await system.eventually(f"{place}/executions", lambda page: len(page["items"]) >= 3)
        await system.client.post(f"{path}/pause")
        paused = (await get(system, f"{path}/versions"))["items"][0]["at"]
        going_on = ("pending", "running")
        page = await system.eventually(
            f"{place}/executions", lambda page: all(item["status"] not in going_on for item in page["items"])
        )
        owed = await get(system, f"{path}/fires", **{"from": "2020-01-01T00:00:00Z", "to": paused})
        ran = {item["scheduledAt"] for item in page["items"] if item["scheduledAt"] < paused}
        assert {item["at"] for item in owed["items"]} >= ran
        assert all(item["lateBy"] >= 0 for item in page["items"] if item["status"] == "completed")
        coming = await get(system, f"{path}/fires", limit="2")
        assert [item["active"] for item in coming["items"]] == [False, False]


async def test_the_log_tells_the_jobs_as_they_were_as_the_read_models_do(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        path = await create(system, job(name="first"))
        await system.client.put(path, json=job(name="second"))
        await system.client.post(f"{path}/pause")
        types = known_types(["job"])
        wanted = Filters(tenant=TENANT, job=path.rpartition("/")[2], types=types)
        places = wanted.places(system.log.partition_count)
        entries = [entry async for entry in replayed(system.log, places, wanted.accepts)]
        decoded = [decode(e.record.topic, e.record.headers, e.record.value) for e in entries]
        changes = [message for message in decoded if isinstance(message, JobChanged)]
        for item in (await get(system, f"{path}/versions"))["items"]:
            jobs: dict[str, Job] = {}
            for change in changes:
                note_change(jobs, change, datetime.fromisoformat(item["at"]))
            then = await get(system, path, asOf=item["at"])
            assert [(j.version, j.definition.name, j.status) for j in existing(jobs)] == [
                (then["version"], then["name"], then["status"])
            ]
