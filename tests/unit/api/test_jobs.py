"""Jobs over HTTP: made, read, replaced, operated, listed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.api.world import JOB, OURS, START, THEIR_TOKEN, World, open_world


async def test_created_job_is_answered_with_all_that_was_set_and_its_defaults(world: World) -> None:
    answer = await world.ask("POST", "/jobs", JOB)
    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"].endswith(job["id"])
    assert answer.headers["etag"] == '"1"'
    assert {name: job[name] for name in JOB if name != "config"} == {n: v for n, v in JOB.items() if n != "config"}
    assert job["config"]["timeout"] == 30_000
    assert (job["timeout"], job["priority"], job["maxConcurrent"], job["executionCount"]) == (300, 0, 1, 0)
    assert (job["status"], job["version"], job["createdBy"]) == ("active", 1, "token:ours")
    assert job["nextExecutionAt"] == "2026-03-02T02:30:00Z"
    assert job["lastExecutionAt"] is None


async def test_what_names_no_timeout_has_that_of_the_operator_as_its_own() -> None:
    function = {"modulePath": "a", "functionName": "b"}
    async with open_world(job_timeout_s=600) as world:
        silent = await world.created(jobType="function", config=function)
        assert (silent["timeout"], silent["config"]["timeout"]) == (600, 600_000)
        named = await world.created(jobType="function", config={**function, "timeout": 1000}, timeout=20)
        assert (named["timeout"], named["config"]["timeout"]) == (20, 1000)
        replaced = await world.ask("PUT", f"/jobs/{named['id']}", {**JOB, "name": "replaced"})
        assert replaced.json()["timeout"] == 600


async def test_created_job_can_be_read_at_once(world: World) -> None:
    job = await world.created()
    answer = await world.ask("GET", f"/jobs/{job['id']}")
    assert (answer.status_code, answer.json()) == (200, job)
    assert answer.headers["cache-control"] == "private, no-cache"


async def test_command_in_the_log_names_its_caller_and_tenant(world: World) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await world.ask("POST", "/jobs", JOB, headers={"traceparent": trace})
    (command,), (record,) = world.log.commands, world.log.records
    assert (command.tenant_id, command.actor, command.issued_at) == (OURS, "token:ours", START)
    assert dict(record.headers)["ce_source"] == b"horolog/api"
    assert dict(record.headers)["traceparent"] == trace.encode()


async def test_what_is_no_trace_is_not_passed_on(world: World) -> None:
    await world.ask("POST", "/jobs", JOB, headers={"traceparent": "x" * 4000})
    assert "traceparent" not in dict(world.log.records[0].headers)


async def test_update_replaces_the_whole_definition_and_raises_the_version(world: World) -> None:
    job = await world.created(priority=7)
    answer = await world.ask("PUT", f"/jobs/{job['id']}", {**JOB, "name": "renamed"}, headers={"If-Match": '"1"'})
    assert (answer.json()["name"], answer.json()["priority"], answer.json()["version"]) == ("renamed", 0, 2)
    assert answer.headers["etag"] == '"2"'


@pytest.mark.parametrize(
    ("verb", "status", "next_at"),
    [("pause", "paused", None), ("stop", "inactive", None), ("resume", "active", "2026-03-02T02:30:00Z")],
)
async def test_operated_job_is_answered_in_its_new_state(
    world: World, verb: str, status: str, next_at: str | None
) -> None:
    job = await world.created()
    answer = await world.ask("POST", f"/jobs/{job['id']}/{verb}", {"reason": "as agreed"})
    assert (answer.status_code, answer.json()["status"], answer.headers["etag"]) == (200, status, '"2"')
    assert answer.json()["nextExecutionAt"] == next_at
    assert world.log.commands[-1].reason == "as agreed"


async def test_deleted_job_is_gone_and_answers_without_a_body(world: World) -> None:
    job = await world.created()
    assert (await world.ask("DELETE", f"/jobs/{job['id']}")).status_code == 204
    assert (await world.ask("GET", f"/jobs/{job['id']}")).status_code == 404


@pytest.mark.parametrize("tag", ['"7"', '"0"', 'W/"1"', "1", '"abc"', '"1", "2"', '"01"', ""])
@pytest.mark.parametrize(("method", "verb"), [("PUT", ""), ("DELETE", ""), ("POST", "/pause")])
async def test_version_that_is_not_the_present_one_is_a_conflict(
    world: World, tag: str, method: str, verb: str
) -> None:
    job = await world.created()
    body = JOB if method == "PUT" else None
    answer = await world.ask(method, f"/jobs/{job['id']}{verb}", body, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "VERSION_CONFLICT")
    assert world.job(job["id"]).version == 1


@pytest.mark.parametrize("tag", ['"1"', "*"])
async def test_version_that_is_the_present_one_is_changed(world: World, tag: str) -> None:
    job = await world.created()
    answer = await world.ask("POST", f"/jobs/{job['id']}/pause", headers={"If-Match": tag})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("tag", "status"), [('"1"', 304), ('W/"1"', 304), ('"9", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200)]
)
async def test_job_that_the_caller_has_already_is_not_sent_again(world: World, tag: str, status: int) -> None:
    job = await world.created()
    answer = await world.ask("GET", f"/jobs/{job['id']}", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"]) == (status, '"1"')


async def test_pages_hold_every_job_once_newest_first(world: World) -> None:
    for number in range(5):
        world.log.now = START + timedelta(seconds=number // 2)
        await world.created(name=f"job {number}")
    page = (await world.ask("GET", "/jobs?limit=2")).json()
    seen = [job["id"] for job in page["items"]]
    while page["nextCursor"]:
        page = (await world.ask("GET", f"/jobs?limit=2&cursor={page['nextCursor']}")).json()
        seen += [job["id"] for job in page["items"]]
    rows = sorted(world.read_model.jobs_by_id.values(), key=lambda job: (job.created_at, job.id), reverse=True)
    assert seen == [job.id for job in rows]


@pytest.mark.parametrize(
    ("question", "found"),
    [("q=NIGHT", 1), ("q=other", 0), ("tag=billing", 1), ("tag=x", 0), ("status=paused", 0), ("jobType=http", 1)],
)
async def test_list_holds_only_what_passes_every_filter(world: World, question: str, found: int) -> None:
    await world.created()
    await world.created(token=THEIR_TOKEN)
    assert len((await world.ask("GET", f"/jobs?{question}")).json()["items"]) == found


async def test_next_instant_lies_within_the_jobs_dates(world: World) -> None:
    later = await world.created(startDate="2026-04-01T02:30:00Z")
    over = await world.created(endDate="2026-03-02T02:29:59Z")
    last = await world.created(endDate="2026-03-02T02:30:00Z")
    assert [job["nextExecutionAt"] for job in (later, over, last)] == [
        "2026-04-01T02:30:00Z",
        None,
        "2026-03-02T02:30:00Z",
    ]


async def test_next_instant_comes_after_the_schedule_took_effect(world: World) -> None:
    job = await world.created()
    world.read_model.jobs_by_id[job["id"]] = replace(world.job(job["id"]), effective_from=START + timedelta(days=9))
    assert (await world.ask("GET", f"/jobs/{job['id']}")).json()["nextExecutionAt"] == "2026-03-11T02:30:00Z"


async def test_validation_of_a_good_definition_names_its_next_ten_instants(world: World) -> None:
    verdict = (await world.ask("POST", "/jobs/validate", {**JOB, "cronExpression": "0 0 * * * *"})).json()
    assert (verdict["valid"], verdict["problems"], len(verdict["nextExecutions"])) == (True, [], 10)
    assert verdict["nextExecutions"][0] == "2026-03-01T13:00:00Z"
    assert world.log.commands == []


async def test_validation_stops_where_the_job_would(world: World) -> None:
    dated = {**JOB, "cronExpression": "0 0 * * * *", "endDate": "2026-03-01T15:00:00Z"}
    counted = {**JOB, "maxExecutions": 2}
    verdicts = [(await world.ask("POST", "/jobs/validate", body)).json() for body in (dated, counted)]
    assert [len(verdict["nextExecutions"]) for verdict in verdicts] == [3, 2]


async def test_validation_of_a_job_judges_its_own_definition_or_a_new_one(world: World) -> None:
    job = await world.created()
    own = await world.ask("POST", f"/jobs/{job['id']}/validate")
    new = await world.ask("POST", f"/jobs/{job['id']}/validate", {**JOB, "cronExpression": "0 0 0 30 2 *"})
    assert own.json()["valid"]
    assert (new.status_code, new.json()["valid"], new.json()["nextExecutions"]) == (200, False, [])
    assert new.json()["problems"][0]["cronField"] == "day-of-month"
    assert len(world.log.commands) == 1


async def test_job_whose_zone_was_withdrawn_is_listed_without_a_next_instant(world: World) -> None:
    job, other = await world.created(), await world.created(name="other")
    view = world.read_model.jobs_by_id[job["id"]]
    world.read_model.jobs_by_id[job["id"]] = replace(view, definition={**view.definition, "timezone": "Mars/Olympus"})
    listed = (await world.ask("GET", "/jobs")).json()["items"]
    assert {item["id"]: item["nextExecutionAt"] for item in listed} == {
        job["id"]: None,
        other["id"]: "2026-03-02T02:30:00Z",
    }
