"""The figures by the minute: the caller's own, within bounds, and not for those who see a part of the jobs only."""

from datetime import timedelta

from services.api.analytics_routes import window_body
from services.api.permissions import ROLES
from services.api.ports import Headers, Principal
from tests.unit.api.measuring import window
from tests.unit.api.world import OURS, START, THEIRS, World, open_world

ANALYTICS = "/api/v1/analytics"
MINUTE = timedelta(minutes=1)


class Narrow:
    """Recognises everybody as somebody who reads jobs with one tag."""

    async def recognise(self, headers: Headers) -> Principal | None:
        return Principal(OURS, "user:1", ROLES["viewer"], tags=("billing",))


async def test_windows_are_told_oldest_first_with_what_follows_from_them(world: World) -> None:
    late = {"late_count": 2, "late_sum_ms": 50, "late_max_ms": 40}
    ours = [window(START - MINUTE, completed=3, failed=1, cancelled=2, **late), window(START - 2 * MINUTE, skipped=1)]
    world.windows.rows += [(OURS, row) for row in ours] + [(THEIRS, window(START - MINUTE, failed=9))]
    answer = await world.ask("GET", ANALYTICS)
    quiet, busy = answer.json()["windows"]
    assert (quiet["skipped"], quiet["failureRate"], quiet["lateness"]["averageMs"]) == (1, None, None)
    assert (busy["ended"], busy["endedPerSecond"], busy["failureRate"]) == (6, 0.1, 0.25)
    assert busy["lateness"] == {"count": 2, "averageMs": 25.0, "maxMs": 40}


async def test_where_nothing_was_counted_there_are_no_windows(world: World) -> None:
    answer = await world.ask("GET", ANALYTICS)
    assert (answer.status_code, answer.json()["windows"]) == (200, [])


async def test_a_range_is_from_inclusive_to_exclusive_and_a_day_at_most(world: World) -> None:
    world.windows.rows += [(OURS, window(START - count * MINUTE)) for count in range(3)]
    start, end = ((START - count * MINUTE).isoformat().replace("+00:00", "Z") for count in (2, 0))
    found = (await world.ask("GET", f"{ANALYTICS}?from={start}&to={end}")).json()["windows"]
    assert [one["start"] for one in found] == [
        (START - count * MINUTE).isoformat().replace("+00:00", "Z") for count in (2, 1)
    ]
    answer = await world.ask("GET", f"{ANALYTICS}?from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:01Z")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_PARAMETER")


async def test_a_caller_for_certain_tags_is_refused() -> None:
    async with open_world(callers=Narrow()) as world:
        assert (await world.ask("GET", ANALYTICS)).status_code == 403


def test_every_figure_of_a_row_is_told() -> None:
    told = window_body(window(START, admitted=1, started=2, retried=3, missed=4))
    assert (told["admitted"], told["started"], told["retried"], told["missed"]) == (1, 2, 3, 4)
