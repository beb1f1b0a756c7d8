"""Executions over HTTP: run, read, listed, counted, cancelled."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.api.scheduler import execution_view
from tests.unit.api.world import START, THEIR_TOKEN, World


async def test_triggered_execution_is_answered_and_can_be_read_at_once(world: World) -> None:
    job = await world.created(jobType="function", config={"modulePath": "m", "functionName": "f"})
    answer = await world.ask("POST", f"/jobs/{job['id']}/trigger", {"parameters": {"day": 1}, "reason": "now"})
    execution = answer.json()
    assert (answer.status_code, execution["jobId"], execution["status"]) == (201, job["id"], "pending")
    assert (execution["triggerType"], execution["triggeredBy"]) == ("manual", "token:ours")
    assert execution["id"] == execution["executionId"]
    assert answer.headers["location"].endswith(f"/executions/{execution['id']}")
    assert (await world.ask("GET", f"/executions/{execution['id']}")).json() == execution


async def test_each_trigger_of_a_job_is_a_run_of_its_own_though_all_come_in_one_second(world: World) -> None:
    job = await world.created()
    answers = [await world.ask("POST", f"/jobs/{job['id']}/trigger") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == len(world.read_model.executions_by_id) == 5
    assert world.clock.now() == START


async def test_jobs_and_executions_are_read_while_the_log_cannot_be_reached(world: World) -> None:
    job = await world.created()
    id_ = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()["id"]
    world.log.unreachable = True
    assert (await world.ask("POST", f"/jobs/{job['id']}/trigger")).status_code == 503
    for path in ("/jobs", f"/jobs/{job['id']}", "/executions", f"/executions/{id_}", f"/jobs/{job['id']}/executions"):
        assert (await world.ask("GET", path)).status_code == 200, path


async def test_result_is_in_the_detail_and_not_in_lists(world: World) -> None:
    job = await world.created()
    id_ = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()["id"]
    rows = world.read_model.executions_by_id
    rows[id_] = replace(rows[id_], status="completed", result={"big": [1, None]}, metadata={"statusCode": 200})
    detail = (await world.ask("GET", f"/executions/{id_}")).json()
    listed = (await world.ask("GET", "/executions")).json()["items"][0]
    assert (detail["result"], detail["metadata"]) == ({"big": [1, None]}, {"statusCode": 200})
    assert set(detail) - set(listed) == {"result", "metadata", "errorStack"}


async def test_cancelled_execution_is_answered_as_it_is_now(world: World) -> None:
    job = await world.created()
    id_ = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()["id"]
    answer = await world.ask("POST", f"/executions/{id_}/cancel", {"reason": "mistake"})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert world.log.commands[-1].reason == "mistake"


async def test_ended_execution_cannot_be_cancelled_but_a_repeat_is_answered_as_before(world: World) -> None:
    job = await world.created()
    id_ = (await world.ask("POST", f"/jobs/{job['id']}/trigger")).json()["id"]
    keyed = {"Idempotency-Key": "once"}
    assert (await world.ask("POST", f"/executions/{id_}/cancel", headers=keyed)).status_code == 200
    assert (await world.ask("POST", f"/executions/{id_}/cancel", headers=keyed)).status_code == 200
    other = await world.ask("POST", f"/executions/{id_}/cancel")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "EXECUTION_ALREADY_ENDED")


async def test_pages_of_a_jobs_executions_hold_each_once_latest_first(world: World) -> None:
    job = world.job((await world.created())["id"])
    other = world.job((await world.created(token=THEIR_TOKEN))["id"])
    rows = [execution_view(f"00000000-0000-4000-8000-{n:012d}", job, START + timedelta(hours=n // 2)) for n in range(7)]
    rows.append(execution_view("00000000-0000-4000-8000-00000000ffff", other, START))
    world.read_model.executions_by_id = {row.execution_id: row for row in rows}
    page = (await world.ask("GET", f"/jobs/{job.id}/executions?limit=3")).json()
    seen = [row["id"] for row in page["items"]]
    while page["nextCursor"]:
        place = f"/jobs/{job.id}/executions?limit=3&cursor={page['nextCursor']}"
        page = (await world.ask("GET", place)).json()
        seen += [row["id"] for row in page["items"]]
    assert seen == [row.execution_id for row in reversed(rows[:-1])]


async def test_time_range_includes_its_start_and_not_its_end(world: World) -> None:
    job = world.job((await world.created())["id"])
    rows = [execution_view(f"00000000-0000-4000-8000-{n:012d}", job, START + timedelta(hours=n)) for n in range(4)]
    world.read_model.executions_by_id = {row.execution_id: row for row in rows}
    place = "/executions?from=2026-03-01T13:00:00Z&to=2026-03-01T15:00:00%2B00:00"
    assert [row["scheduledAt"] for row in (await world.ask("GET", place)).json()["items"]] == [
        "2026-03-01T14:00:00Z",
        "2026-03-01T13:00:00Z",
    ]


async def test_executions_of_a_deleted_job_stay_in_the_ledger(world: World) -> None:
    job = await world.created()
    await world.ask("POST", f"/jobs/{job['id']}/trigger")
    await world.ask("DELETE", f"/jobs/{job['id']}")
    assert len((await world.ask("GET", f"/jobs/{job['id']}/executions")).json()["items"]) == 1


async def test_statistics_count_the_last_day_unless_told(world: World) -> None:
    job = world.job((await world.created())["id"])
    at = [START - timedelta(hours=30), START - timedelta(hours=2), START - timedelta(hours=1)]
    rows = [execution_view(f"00000000-0000-4000-8000-{n:012d}", job, moment) for n, moment in enumerate(at)]
    ended = [replace(row, status=status) for row, status in zip(rows, ("failed", "failed", "completed"), strict=True)]
    world.read_model.executions_by_id = {row.execution_id: row for row in ended}
    day = (await world.ask("GET", "/executions/stats")).json()
    all_ = (await world.ask("GET", f"/executions/stats?from=2026-02-01T00:00:00Z&jobId={job.id}")).json()
    assert (day["total"], day["byStatus"], day["successRate"]) == (2, {"failed": 1, "completed": 1}, 0.5)
    assert (day["from"], day["to"]) == ("2026-02-28T12:00:00Z", "2026-03-01T12:00:00Z")
    assert (all_["total"], day["today"]) == (3, {"failed": 1, "completed": 1})
