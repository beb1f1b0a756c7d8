"""Intervals and pairs of day fields: exactly, or not at all."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.importing.schedules import (
    NotMapped,
    both_days,
    clock_change_notes,
    field_text,
    interval_expression,
)
from horolog.domain.cron import fires_between, parse, zone

DIVISORS_S = [period for period in range(1, 86_401) if 86_400 % period == 0]
START = datetime(2026, 1, 1, tzinfo=UTC)
once = settings(max_examples=150, database=None, deadline=None)


@pytest.mark.parametrize(
    ("period_s", "phase_s", "expression"),
    [
        (1, 0, "* * * * * *"),
        (30, 0, "*/30 * * * * *"),
        (30, 5, "5-59/30 * * * * *"),
        (60, 0, "0 * * * * *"),
        (300, 62, "2 1-59/5 * * * *"),
        (3600, 0, "0 0 * * * *"),
        (21_600, 3600, "0 0 1-23/6 * * *"),
        (86_400, 3661, "1 1 1 * * *"),
    ],
)
def test_an_interval_is_counted_from_the_full_minute_hour_or_day(period_s: int, phase_s: int, expression: str) -> None:
    assert interval_expression(period_s, phase_s) == expression


@once
@given(period_s=st.sampled_from(DIVISORS_S), phase_s=st.integers(0, 100_000))
def test_an_interval_that_is_taken_keeps_its_period_and_phase(period_s: int, phase_s: int) -> None:
    try:
        spec = parse(interval_expression(period_s, phase_s))
    except NotMapped:
        return
    found = fires_between(spec, zone("UTC"), START, START + timedelta(days=4), 50)
    seconds = [int((one - START).total_seconds()) for one in found]
    assert {second % period_s for second in seconds} == {phase_s % period_s}
    assert {later - former for former, later in pairwise(seconds)} <= {period_s}


@pytest.mark.parametrize("period_s", [0, -5, 7, 90, 5400, 18_000, 86_401, 172_800])
def test_an_interval_that_no_expression_has_is_refused(period_s: int) -> None:
    with pytest.raises(NotMapped):
        interval_expression(period_s)


@once
@given(values=st.frozensets(st.integers(0, 59), min_size=1), stepped=st.booleans())
def test_a_field_chooses_the_set_that_it_was_made_of(values: frozenset[int], stepped: bool) -> None:
    text = field_text(values, 0, 59, stepped)
    wanted = parse(f"{','.join(map(str, sorted(values)))} 0 0 * * *")
    assert parse(f"{text} 0 0 * * *").seconds == wanted.seconds
    assert stepped or text == "*" or "/" not in text


WEEKS = [range(1, 8), range(8, 15), range(15, 22), range(22, 29), range(29, 32)]


@once
@given(
    weeks=st.sets(st.integers(0, 4), min_size=1),
    extra=st.sets(st.integers(1, 31), max_size=2),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
)
def test_both_days_hold_at_once_or_the_pair_is_refused(
    weeks: set[int], extra: set[int], weekdays: frozenset[int]
) -> None:
    days = frozenset(day for week in weeks for day in WEEKS[week]) | extra
    try:
        day, weekday = both_days(days, weekdays)
    except NotMapped:
        return
    found = fires_between(parse(f"0 0 {day} * {weekday}"), zone("UTC"), START, START + timedelta(days=800), 1000)
    dates = [START + timedelta(days=number) for number in range(1, 801)]
    assert found == [date for date in dates if date.day in days and date.isoweekday() % 7 in weekdays]


def test_a_fixed_time_in_a_zone_whose_clocks_change_is_remarked_on() -> None:
    assert clock_change_notes({"cronExpression": "0 0 2 * * *", "timezone": "Europe/Berlin"})
    assert not clock_change_notes({"cronExpression": "0 0 * * * *", "timezone": "Europe/Berlin"})
    assert not clock_change_notes({"cronExpression": "0 0 2 * * *", "timezone": "Asia/Tokyo"})
