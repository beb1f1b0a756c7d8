"""The first and the last instant of a span are the ends of the walk through it, whatever the clocks do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.verify import Calendar, ScheduleVersion, first_owed, last_owed
from horolog.verify.calendar import Walk
from horolog.verify.expression import read
from horolog.verify.zones import ZoneDays, zone_days
from tests.unit.cron.cases import Schedule, night_schedules, values
from tests.unit.verify.test_against_the_engine import DAY_S, generous, transitions

START_S = 1_767_225_600
VIENNA_BACK_S = 1_792_890_000
"""2026-10-25 01:00 UTC: 03:00 becomes 02:00."""
SPANS = st.tuples(st.integers(-3 * DAY_S, 2 * DAY_S), st.integers(0, 4 * DAY_S))
WHOLE = Calendar()
EXPRESSIONS = (
    "*/7 * * * * *",
    "0 30 2 * * *",
    "0 0 0 29 2 *",
    "59 59 23 * * MON-FRI",
    "0 0 9 L * *",
    "0 15,45 8-9 * * *",
)


@generous
@given(night_schedules(values(0, 59)), transitions, SPANS)
def test_first_and_last_are_the_ends_of_the_walk_around_changes_of_the_clock(
    schedule: Schedule, change: tuple[str, int], span: tuple[int, int]
) -> None:
    name, moment = change
    assert_ends(schedule.text, name, moment + span[0], moment + span[0] + span[1])


@generous
@given(st.sampled_from(EXPRESSIONS), st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Vienna"]), SPANS)
def test_first_and_last_are_the_ends_of_the_walk(expression: str, name: str, span: tuple[int, int]) -> None:
    assert_ends(expression, name, START_S + span[0], START_S + span[0] + span[1])


def assert_ends(expression: str, name: str, after_s: int, until_s: int) -> None:
    walk = Calendar().walk(expression, name)
    instants = list(walk.instants(after_s, until_s))
    assert walk.first(after_s, until_s) == (instants[0] if instants else None)
    assert walk.last(after_s, until_s) == (instants[-1] if instants else None)


class CountingDays(ZoneDays):
    """Counts the local times that were asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(zone_days(name)._rules)
        self.count = 0

    def instants(self, local_s: int, interval: bool) -> tuple[int, ...]:
        self.count += 1
        return super().instants(local_s, interval)


@pytest.mark.parametrize("distance_s", [-2 * DAY_S, -DAY_S, -3600, -1, 0, 3600, DAY_S])
@pytest.mark.parametrize("expression", ["* * * * * *", "0-59 0-59 0-23 * * *"])
def test_an_instant_near_a_change_of_the_clock_costs_two_hours_of_local_times_at_most(
    expression: str, distance_s: int
) -> None:
    days, moment = CountingDays("Europe/Vienna"), VIENNA_BACK_S + distance_s
    walk, whole = Walk(read(expression), days, Calendar()), WHOLE.walk(expression, "Europe/Vienna")
    assert walk.first(moment, moment + DAY_S) == next(whole.instants(moment, moment + DAY_S))
    assert days.count <= 2 * 3600 + 2 * 60
    days.count = 0
    assert walk.last(moment - DAY_S, moment) == list(whole.instants(moment - DAY_S, moment))[-1]
    assert days.count <= 2 * 3600 + 2 * 60


@pytest.mark.parametrize(
    ("status", "start_s", "end_s", "ends"),
    [
        ("active", None, None, (START_S + 60, START_S + 600)),
        ("active", START_S + 120.0, START_S + 300.0, (START_S + 120, START_S + 300)),
        ("paused", None, None, (None, None)),
        ("active", None, START_S - 1.0, (None, None)),
    ],
)
def test_version_owes_within_its_dates_and_while_it_is_active(
    status: str, start_s: float | None, end_s: float | None, ends: tuple[int | None, int | None]
) -> None:
    version = ScheduleVersion(START_S, "0 * * * * *", "UTC", status, start_s=start_s, end_s=end_s)
    span = START_S - DAY_S, START_S + 600
    assert (first_owed(version, Calendar(), *span), last_owed(version, Calendar(), *span)) == ends
