"""The preview of a resume over HTTP: what would be owed, what would fire late, and what would be lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.api.world import START, THEIR_TOKEN, World

DAYS = timedelta(days=1)


async def paused(world: World, **changes: Any) -> str:
    """A job that was paused a moment after it was made."""
    job = await world.created(**changes)
    await world.ask("POST", f"/jobs/{job['id']}/pause")
    return str(job["id"])


async def preview(world: World, job_id: str) -> Any:
    answer = await world.ask("GET", f"/jobs/{job_id}/resume-preview")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_resume_with_catch_up_fires_the_latest_ones_and_misses_those_before(world: World) -> None:
    misfire = {"policy": "all", "maxAge": 200_000, "maxCount": 2, "rate": 0.5}
    job_id = await paused(world, misfire=misfire)
    world.clock.at = START + 4 * DAYS
    told = await preview(world, job_id)
    outlook = told["withCatchUp"]
    assert [outlook[name] for name in ("instantCount", "missedCount", "lateCount", "promptCount")] == [4, 2, 2, 0]
    assert (outlook["missedFrom"], outlook["missedUntil"]) == ("2026-03-02T02:30:00Z", "2026-03-03T02:30:00Z")
    assert [fire["at"] for fire in outlook["late"]] == ["2026-03-04T02:30:00Z", "2026-03-05T02:30:00Z"]
    assert (outlook["inForceFrom"], outlook["lateUntil"]) == ("2026-03-01T12:00:00Z", "2026-03-05T12:00:02Z")
    assert (told["status"], told["version"], told["misfire"]) == ("paused", 2, misfire)


async def test_resume_without_catch_up_is_in_force_from_now_and_owes_nothing_of_before(world: World) -> None:
    job_id = await paused(world, misfire={"policy": "all"})
    world.clock.at = START + 4 * DAYS
    outlook = (await preview(world, job_id))["withoutCatchUp"]
    assert (outlook["inForceFrom"], outlook["instantCount"], outlook["late"]) == ("2026-03-05T12:00:00Z", 0, [])


async def test_late_instants_show_the_wall_clock_and_the_change_of_the_clocks(world: World) -> None:
    job_id = await paused(world, timezone="Europe/Vienna", misfire={"policy": "all", "maxAge": 604_800})
    world.clock.at = START + 28 * DAYS
    outlook = (await preview(world, job_id))["withCatchUp"]
    shown = [(fire["localTime"], fire["dst"]) for fire in outlook["late"]]
    assert shown[-2:] == [("2026-03-28T02:30:00+01:00", None), ("2026-03-29T03:00:00+02:00", "gap-shifted")]


async def test_years_of_seconds_are_one_answer_with_a_hundred_of_them(world: World) -> None:
    misfire = {"policy": "all", "maxCount": 10_000}
    job_id = await paused(world, cronExpression="* * * * * *", misfire=misfire)
    world.clock.at = START + 10_000 * DAYS
    outlook = (await preview(world, job_id))["withCatchUp"]
    assert outlook["instantCount"] == 10_000 * 86_400
    assert (outlook["lateCount"], len(outlook["late"])) == (3540, 100)


async def test_active_job_has_nothing_to_resume(world: World) -> None:
    told = await preview(world, (await world.created())["id"])
    assert (told["status"], told["withoutCatchUp"], told["withCatchUp"]) == ("active", None, None)


async def test_job_that_has_run_as_often_as_it_may_is_refused_as_a_resume_is(world: World) -> None:
    job_id = await paused(world, maxExecutions=3)
    rows = world.read_model.jobs_by_id
    rows[job_id] = replace(rows[job_id], execution_count=1)
    assert (await preview(world, job_id))["runsLeft"] == 2
    rows[job_id] = replace(rows[job_id], execution_count=3)
    answer = await world.ask("GET", f"/jobs/{job_id}/resume-preview")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "JOB_NOT_ACTIVE")


async def test_job_of_another_tenant_or_a_deleted_one_is_not_there(world: World) -> None:
    job_id = await paused(world)
    foreign = await world.ask("GET", f"/jobs/{job_id}/resume-preview", token=THEIR_TOKEN)
    await world.ask("DELETE", f"/jobs/{job_id}")
    deleted = await world.ask("GET", f"/jobs/{job_id}/resume-preview")
    for answer in (foreign, deleted):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "JOB_NOT_FOUND")
