"""The preview of fires over HTTP: what was owed, what will be, and what would be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from horolog.domain.history_fires import ScheduleSpan
from services.api.preview import Window, look_ahead
from tests.unit.api.past import MemoryHistory
from tests.unit.api.world import JOB, START, World

SECOND = timedelta(seconds=1)
HOURLY = {"cronExpression": "0 0 * * * *"}


async def fires(world: World, job: dict[str, Any], question: str = "") -> Any:
    answer = await world.ask("GET", f"/jobs/{job['id']}/fires?{question}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def instants(body: Any) -> list[str]:
    return [item["at"] for item in body["items"]]


async def test_coming_instants_begin_after_now(world: World) -> None:
    body = await fires(world, await world.created(**HOURLY), "limit=2")
    assert instants(body) == ["2026-03-01T13:00:00Z", "2026-03-01T14:00:00Z"]
    assert (body["status"], body["timezone"], body["to"]) == ("active", "UTC", None)
    assert all(item["active"] for item in body["items"])


async def test_local_times_and_the_change_of_the_clocks_are_shown(world: World) -> None:
    job = await world.created(timezone="Europe/Vienna")
    body = await fires(world, job, "from=2026-03-28T00:00:00Z&to=2026-03-30T12:00:00Z")
    shown = [(item["localTime"], item["dst"]) for item in body["items"]]
    assert shown == [
        ("2026-03-28T02:30:00+01:00", None),
        ("2026-03-29T03:00:00+02:00", "gap-shifted"),
        ("2026-03-30T02:30:00+02:00", None),
    ]


async def test_list_goes_on_where_it_says(world: World) -> None:
    job = await world.created(**HOURLY)
    window = "to=2026-03-02T00:00:00Z"
    whole, seen = instants(await fires(world, job, window)), list[str]()
    start: str | None = ""
    while start is not None:
        body = await fires(world, job, f"{window}&limit=3{start and f'&from={start}'}")
        seen += instants(body)
        start = body["nextFrom"]
    assert (len(whole), seen) == (11, whole)


async def test_past_instants_are_those_of_the_versions_then_in_force(world: World) -> None:
    job = await world.created(**HOURLY)
    world.clock.at = world.log.now = START + timedelta(hours=2, minutes=10)
    await world.ask("PUT", f"/jobs/{job['id']}", {**JOB, "cronExpression": "0 30 * * * *"})
    world.clock.at = START + timedelta(hours=4, minutes=10)
    body = await fires(world, job, "from=2026-03-01T11:00:00Z&to=2026-03-01T17:00:00Z")
    times = [instant[11:16] for instant in instants(body)]
    assert times == ["13:00", "14:00", "14:30", "15:30", "16:30"]
    assert body["nextFrom"] is None


async def test_paused_job_owes_nothing_and_shows_what_it_would(world: World) -> None:
    job = await world.created(**HOURLY)
    world.clock.at = world.log.now = START + timedelta(hours=1, minutes=30)
    await world.ask("POST", f"/jobs/{job['id']}/pause")
    world.clock.at = START + timedelta(hours=3, minutes=30)
    body = await fires(world, job, "from=2026-03-01T12:00:00Z&to=2026-03-01T17:30:00Z")
    assert [(item["at"][11:16], item["active"]) for item in body["items"]] == [
        ("13:00", True),
        ("16:00", False),
        ("17:00", False),
    ]


async def test_list_ends_with_the_jobs_dates_and_its_last_run(world: World) -> None:
    dated = await world.created(**HOURLY, startDate="2026-03-01T14:00:00Z", endDate="2026-03-01T15:00:00Z")
    counted = await world.created(**HOURLY, maxExecutions=3)
    assert [at[11:16] for at in instants(await fires(world, dated))] == ["14:00", "15:00"]
    assert len(instants(await fires(world, counted))) == 3
    assert len(instants(await fires(world, counted, "from=2026-03-01T15:00:00Z"))) == 1
    assert instants(await fires(world, counted, "from=2026-03-01T16:00:00Z")) == []


@pytest.mark.parametrize(
    "question",
    ["limit=0", "limit=1001", "from=yesterday", "to=2026-02-01T00:00:00Z", "from=2026-03-01T00:00:00", "shoe=42"],
)
async def test_window_that_makes_no_sense_is_refused(world: World, question: str) -> None:
    job = await world.created()
    answer = await world.ask("GET", f"/jobs/{job['id']}/fires?{question}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("question", ["from=9999-12-31T00:00:00Z", "from=0001-01-01T00:00:00Z&to=0001-01-02T00:00:00Z"])
async def test_ends_of_the_calendar_hold_no_instants(world: World, question: str) -> None:
    job = await world.created(cronExpression="* * * * * *", timezone="Pacific/Kiritimati")
    assert instants(await fires(world, job, question)) == []


async def test_a_thousand_instants_are_one_answer(world: World) -> None:
    body = await fires(world, await world.created(cronExpression="* * * * * *"), "limit=1000")
    assert (len(body["items"]), body["nextFrom"]) == (1000, "2026-03-01T12:16:41Z")


class Restless(MemoryHistory):
    """A new schedule with every second since the start, for an hour."""

    async def schedules(
        self, tenant_id: str, job_id: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[ScheduleSpan]:
        first = max(0, int((start - START).total_seconds()) - 1)
        numbers = range(first, min(first + limit, 3600))
        moments = [START + number * SECOND for number in numbers]
        return [ScheduleSpan("* * * * * *", "UTC", None, None, at, at + SECOND) for at in moments]


async def test_job_whose_schedule_changed_very_often_is_told_part_by_part(world: World) -> None:
    job = world.job((await world.created(**HOURLY))["id"])
    now, seen = START + timedelta(hours=1), list[datetime]()
    start: datetime | None = START
    while start is not None:
        found = await look_ahead(Restless(), job, Window(start, now + SECOND, 900), now)
        seen += [fire.at for fire in found.settled]
        start = found.next_from
    assert seen == [START + number * SECOND for number in range(1, 3601)]
