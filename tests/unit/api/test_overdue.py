"""What callers learn of overdue schedules: everybody counts, a tenant its own jobs, another service the names."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.api.overdue import Findings, Overdue
from tests.unit.api.world import OURS, SERVICE_TOKEN, START, THEIR_TOKEN, THEIRS, World

OUR_JOB = "00000001-0000-4000-8000-000000000000"
THEIR_JOB = "00000002-0000-4000-8000-000000000000"


def find(world: World, *overdue: Overdue, **fields: Any) -> None:
    """Let the API's watch have found these."""
    counts = Counter(one.tenant_id for one in overdue)
    found = Findings(world.clock.monotonic(), overdue, counts)
    world.watch.findings = replace(found, **fields)


def ours_and_theirs() -> tuple[Overdue, Overdue]:
    return Overdue(OURS, OUR_JOB, START), Overdue(THEIRS, THEIR_JOB, START, is_unreadable=True)


async def test_health_tells_everybody_counts_and_no_names(world: World) -> None:
    find(world, *ours_and_theirs())
    for path in ("/health", "/internal/health"):
        answer = await world.client.get(path)
        body = answer.json()
        assert (answer.status_code, body["status"], body["dependencies"]["schedules"]) == (503, *["unhealthy"] * 2)
        assert body["problems"] == [
            "2 schedules of 2 tenants are overdue: an instant has come, and nothing tells of it."
        ]
        assert body.get("overdueJobs") is None
        assert not [name for name in (OURS, THEIRS, OUR_JOB, THEIR_JOB) if name in answer.text]


async def test_another_service_is_told_names_and_a_wrong_token_is_not(world: World) -> None:
    find(
        world, *ours_and_theirs(), *(Overdue(THEIRS, f"{n:08x}-0000-4000-8000-000000000000", START) for n in range(30))
    )
    told = (await world.ask("GET", "/internal/health")).json()["overdueJobs"]
    assert len(told) == 20
    assert told[0] == {"tenantId": OURS, "jobId": OUR_JOB, "since": "2026-03-01T12:00:00Z", "reason": "unaccounted"}
    assert (told[1]["jobId"], told[1]["reason"]) == (THEIR_JOB, "unreadable")
    wrong = await world.client.get("/internal/health", headers={"X-Service-Token": f"{SERVICE_TOKEN}x"})
    assert wrong.json()["overdueJobs"] is None


async def test_status_names_the_callers_own_jobs_only(world: World) -> None:
    find(world, *ours_and_theirs())
    ours = (await world.ask("GET", "/status")).json()
    assert (ours["status"], ours["overdueCount"], [j["jobId"] for j in ours["overdueJobs"]]) == (
        "degraded",
        1,
        [OUR_JOB],
    )
    theirs = await world.ask("GET", "/status", token=THEIR_TOKEN)
    assert OUR_JOB not in theirs.text
    find(world)
    assert (await world.ask("GET", "/status")).json()["status"] == "running"


async def test_ticker_that_stands_still_is_told_unless_the_read_models_are_behind(world: World) -> None:
    old = START - timedelta(seconds=31)
    world.read_model.owner_rows[2] = replace(world.read_model.owner_rows[2], watermark=old)
    health = await world.ask("GET", "/health", token=None)
    assert health.json()["problems"] == ["Tickers stand still: their watermark is too old in partitions 2."]
    status = (await world.ask("GET", "/status")).json()
    assert (status["status"], status["standing"], status["unowned"]) == ("degraded", ["ticker/2"], [])
    find(world, behind=[2])
    world.clock.at += timedelta(seconds=1)
    (problem,) = (await world.ask("GET", "/health", token=None)).json()["problems"]
    assert problem.startswith("The read models are behind the log in partitions 2:")


async def test_watch_that_has_not_looked_for_long_is_a_problem(world: World) -> None:
    find(world, looked_at_s=world.clock.monotonic() - 151)
    (problem,) = (await world.ask("GET", "/health", token=None)).json()["problems"]
    assert problem.startswith("The schedules have not been looked at")


async def test_status_tells_how_far_owners_and_read_models_are_behind_the_log(world: World) -> None:
    world.log.end = 10
    rows = world.read_model.owner_rows
    rows[1] = replace(rows[1], positions={"job-table.v1": 4})
    rows[5] = replace(rows[5], positions={"commands.v1": 10, "fires.v1": 7})
    world.read_model.positions_by_place = {("jobs.v1", 0): 10, ("executions.v1", 0): 8, ("jobs.v1", 3): 9}
    status = (await world.ask("GET", "/status")).json()
    lags = {(owner["role"], owner["partition"]): owner["lag"] for owner in status["owners"]}
    assert (lags["ticker", 1], lags["dispatcher", 1], lags["ticker", 0]) == (6, 3, 0)
    assert [one["lag"] for one in status["projections"]] == [2, 0, 0, 1]
    world.log.unreachable = True
    silent = (await world.ask("GET", "/status")).json()
    assert {owner["lag"] for owner in silent["owners"]} == {None}
