"""A job's past over HTTP: its versions, the job as it was, and going back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.commands import UpdateJob
from tests.unit.api.world import JOB, START, THEIR_TOKEN, UNKNOWN, World

LATER = {**JOB, "cronExpression": "0 0 3 * * *"}


async def aged(world: World) -> str:
    """A job that was created at the start, updated after an hour and paused after two."""
    job = await world.created()
    path = f"/jobs/{job['id']}"
    for hours, method, place, body in ((1, "PUT", path, LATER), (2, "POST", f"{path}/pause", {"reason": "a break"})):
        world.clock.at = world.log.now = START + timedelta(hours=hours)
        assert (await world.ask(method, place, body)).status_code == 200
    return path


def hours_on(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


async def test_versions_say_who_changed_what_when_and_why(world: World) -> None:
    path = await aged(world)
    items = (await world.ask("GET", f"{path}/versions")).json()["items"]
    assert [(item["version"], item["change"]) for item in items] == [(3, "paused"), (2, "updated"), (1, "created")]
    paused, updated, created = items
    assert (paused["reason"], paused["status"], paused["until"]) == ("a break", "paused", None)
    assert paused["diff"] == [{"path": "/status", "before": "active", "after": "paused"}]
    assert (updated["at"], updated["until"], updated["actor"]) == (hours_on(1), hours_on(2), "token:ours")
    assert updated["diff"] == [{"path": "/cronExpression", "before": "0 30 2 * * *", "after": "0 0 3 * * *"}]
    assert created["diff"] == []


async def test_pages_of_versions_tell_the_same_differences(world: World) -> None:
    path = await aged(world)
    whole = (await world.ask("GET", f"{path}/versions")).json()["items"]
    seen = list[Any]()
    cursor: str | None = ""
    while cursor is not None:
        page = (await world.ask("GET", f"{path}/versions?limit=1{cursor and f'&cursor={cursor}'}")).json()
        seen += page["items"]
        cursor = page["nextCursor"]
    assert seen == whole


async def test_cursor_of_another_list_is_refused(world: World) -> None:
    for number in range(2):
        await world.created(name=f"job {number}")
    cursor = (await world.ask("GET", "/jobs?limit=1")).json()["nextCursor"]
    path = await aged(world)
    answer = await world.ask("GET", f"{path}/versions?cursor={cursor}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize(
    ("hours", "version", "expression"), [(0, 1, "0 30 2 * * *"), (1.5, 2, "0 0 3 * * *"), (9, 3, "0 0 3 * * *")]
)
async def test_job_is_shown_as_it_was(world: World, hours: float, version: int, expression: str) -> None:
    path = await aged(world)
    answer = await world.ask("GET", f"{path}?asOf={hours_on(hours)}")
    assert (answer.json()["version"], answer.json()["cronExpression"]) == (version, expression)
    assert answer.headers["etag"] == f'"{version}"'


async def test_next_instant_is_that_of_the_time_asked_about(world: World) -> None:
    path = await aged(world)
    assert (await world.ask("GET", f"{path}?asOf={hours_on(0.5)}")).json()["nextExecutionAt"] == "2026-03-02T02:30:00Z"
    assert (await world.ask("GET", f"{path}?asOf={hours_on(3)}")).json()["nextExecutionAt"] is None


async def test_job_is_not_found_before_its_creation_and_after_its_deletion(world: World) -> None:
    path = await aged(world)
    world.clock.at = world.log.now = START + timedelta(hours=3)
    await world.ask("DELETE", path)
    statuses = [(await world.ask("GET", f"{path}?asOf={hours_on(h)}")).status_code for h in (-1, 2, 3, 4)]
    assert statuses == [404, 200, 404, 404]
    newest = (await world.ask("GET", f"{path}/versions")).json()["items"][0]
    assert (newest["change"], newest["diff"][0]["path"]) == ("deleted", "/deleted")
    assert (await world.ask("POST", f"{path}/rollback", {"toVersion": 1})).status_code == 404


async def test_past_of_another_tenants_job_is_not_found(world: World) -> None:
    path = await aged(world)
    for place in (f"{path}/versions", f"{path}?asOf={hours_on(0)}", f"{path}/fires", f"/jobs/{UNKNOWN}/versions"):
        assert (await world.ask("GET", place, token=THEIR_TOKEN)).status_code == 404
    assert (await world.ask("POST", f"{path}/rollback", {"toVersion": 1}, token=THEIR_TOKEN)).status_code == 404


async def test_rollback_is_a_new_version_with_the_old_definition(world: World) -> None:
    path = await aged(world)
    answer = await world.ask("POST", f"{path}/rollback", {"toVersion": 1, "reason": "it was better"})
    assert (answer.json()["version"], answer.json()["cronExpression"]) == (4, "0 30 2 * * *")
    command = world.log.commands[-1]
    assert isinstance(command, UpdateJob)
    assert command.reason == "rollback to version 1: it was better"
    assert command.definition == world.log.history.versions_by_id[command.job_id][0].job.definition


@pytest.mark.parametrize("version", [4, 0, -1, 2**31 - 1, 2**31, "first", None])
async def test_rollback_to_what_never_was_is_refused(world: World, version: Any) -> None:
    path = await aged(world)
    answer = await world.ask("POST", f"{path}/rollback", {"toVersion": version})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
    assert "toVersion" in answer.json()["error"]["details"][0]["field"]


async def test_rollback_to_a_definition_that_is_good_no_longer_is_refused(world: World) -> None:
    path = await aged(world)
    history = world.log.history.versions_by_id[path.removeprefix("/jobs/")]
    bad = history[0].job.definition.model_copy(update={"timezone": "Mars/Olympus"})
    history[0] = replace(history[0], job=history[0].job.model_copy(update={"definition": bad}))
    answer = await world.ask("POST", f"{path}/rollback", {"toVersion": 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_JOB_CONFIG")
    assert answer.json()["error"]["details"][0]["field"] == "timezone"


async def test_rollback_names_the_version_it_expects_and_has_one_effect_under_a_key(world: World) -> None:
    path = await aged(world)
    stale = await world.ask("POST", f"{path}/rollback", {"toVersion": 1}, headers={"If-Match": '"2"'})
    assert stale.status_code == 412
    headers = {"If-Match": '"3"', "Idempotency-Key": "once"}
    answers = [await world.ask("POST", f"{path}/rollback", {"toVersion": 1}, headers=headers) for _ in range(2)]
    assert [answer.json()["version"] for answer in answers] == [4, 4]


async def test_execution_tells_how_late_it_began(world: World) -> None:
    job = await world.created()
    execution = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()
    assert execution["lateBy"] is None
    rows = world.read_model.executions_by_id
    rows[execution["id"]] = replace(rows[execution["id"]], started_at=START + timedelta(milliseconds=1250))
    assert (await world.ask("GET", f"/executions/{execution['id']}")).json()["lateBy"] == 1250
    assert (await world.ask("GET", "/executions")).json()["items"][0]["lateBy"] == 1250
