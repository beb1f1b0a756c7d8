"""How much work one answer is: counted in calls of functions, which is the same on every machine."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from horolog.domain.cron import CronError, next_after_s, parse, previous_before_s, zone
from tests.unit.cron import oracle
from tests.unit.cron.cases import Schedule, schedules
from tests.unit.cron.test_against_oracles import CHANGES

STEPS_MAX = 6_000
"""Of a search over decades; 29 February on one weekday, across 2100, is the longest there is."""
USUAL_STEPS_MAX = 60
"""Of a search that finds its fire within the day, with the zone's rules already read."""
PARSE_STEPS_MAX = 600

moments = st.integers(-2_000_000_000, 4_000_000_000)
anywhere = st.sampled_from(sorted({name for name, _ in CHANGES} | {"UTC"}))


def steps(work: Callable[[], object]) -> int:
    """How many functions the work calls, those of the standard library and of C counted too."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(schedules(), anywhere, moments)
def test_any_answer_takes_a_bounded_number_of_steps(schedule: Schedule, name: str, moment: int) -> None:
    try:
        spec = parse(schedule.text)
    except CronError:
        assume(False)
    assert steps(lambda: next_after_s(spec, zone(name), moment)) <= STEPS_MAX
    assert steps(lambda: previous_before_s(spec, zone(name), moment)) <= STEPS_MAX


@pytest.mark.parametrize(
    "text", ["0 0 0 29 2 MON", "0 30 2 29 2 *", "0 0 0 29W 2 *", "0 0 0 * 2 SUN#5", "0 0 2 31 12 *"]
)
@pytest.mark.parametrize("name", ["UTC", "America/New_York", "Africa/Casablanca", "Antarctica/Troll"])
def test_the_rarest_schedules_stay_within_the_bound_across_the_century(text: str, name: str) -> None:
    spec, start = parse(text), 3_981_000_000
    assert steps(lambda: next_after_s(spec, zone(name), start)) <= STEPS_MAX
    assert steps(lambda: previous_before_s(spec, zone(name), start + 400_000_000)) <= STEPS_MAX


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("text", ["* * * * * *", "*/5 * * * * *", "*/30 * * * * *", "0 0 * * * *", "0 30 2 * * *"])
def test_a_gap_or_an_overlap_costs_no_walk_through_its_seconds(text: str, change: tuple[str, int]) -> None:
    name, year = change
    spec, place = parse(text), zone(name)
    for moment in oracle.transitions(name, year):
        for start in (moment - 1, moment, moment + 1799):
            next_after_s(spec, place, start)
            assert steps(lambda start=start: next_after_s(spec, place, start)) <= USUAL_STEPS_MAX  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        "0 0 0 * * " + "MON," * 2_500,
        "*/" + "9" * 10_000 + " * * * * *",
        "0 " * 5_000,
        "\t" * 10_000,
        "0 0 0 " + ",".join(["15W"] * 60) + " * *",
        ",".join(["0-59/1"] * 35) + " * * * * *",
        "0 0 0 1-31/" + "1" * 240 + " * *",
    ],
)
def test_reading_any_text_takes_a_bounded_number_of_steps(text: str) -> None:
    def read() -> None:
        try:
            parse(text)
        except CronError:
            return

    assert steps(read) <= PARSE_STEPS_MAX
