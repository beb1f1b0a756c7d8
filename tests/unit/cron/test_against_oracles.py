"""The engine against two references: every tick tried through zoneinfo, and croniter in UTC."""

from datetime import UTC, datetime
from itertools import pairwise

from croniter import croniter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from horolog.domain.cron import (
    CronError,
    count_between,
    fires_between_s,
    next_after_s,
    parse,
    previous_before_s,
    zone,
)
from tests.unit.cron import oracle
from tests.unit.cron.cases import Schedule, Values, night_schedules, values

HOUR_S = 3600
CHANGES = [
    ("America/New_York", 2024),
    ("Europe/London", 2023),
    ("Australia/Lord_Howe", 2024),
    ("Pacific/Apia", 2011),
    ("Antarctica/Troll", 2024),
    ("Africa/Casablanca", 2024),
    ("America/St_Johns", 2010),
    ("America/Nuuk", 2025),
    ("America/Scoresbysund", 2024),
    ("America/Scoresbysund", 2025),
    ("America/Sao_Paulo", 2018),
    ("Asia/Tehran", 2021),
    ("Asia/Pyongyang", 2018),
    ("Antarctica/Casey", 2020),
    ("Pacific/Kwajalein", 1993),
    ("Africa/Monrovia", 1972),
    ("Asia/Gaza", 2040),
    ("Europe/Dublin", 2024),
    ("Pacific/Chatham", 2024),
]
ON_THE_MINUTE = st.just(Values("0", frozenset({0})))

transitions = st.sampled_from(CHANGES).flatmap(
    lambda change: st.tuples(st.just(change[0]), st.sampled_from(oracle.transitions(*change)))
)
near_transitions = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def assert_same_fires(schedule: Schedule, name: str, after: int, until: int, tick: int) -> None:
    try:
        spec = parse(schedule.text)
    except CronError:
        assume(False)
    place, expected = zone(name), oracle.fires(schedule.matches, schedule.interval, name, after, until, tick)
    listed = fires_between_s(spec, place, after, until, 1_000_000)
    assert listed == expected, schedule.text
    assert count_between(spec, place, after, until, 1_000_000) == len(expected)
    for earlier, later in list(pairwise([after, *expected]))[-50:]:
        assert next_after_s(spec, place, earlier) == later
    for earlier, later in list(pairwise(expected))[:50]:
        assert previous_before_s(spec, place, later) == earlier


@near_transitions
@given(night_schedules(ON_THE_MINUTE), transitions, st.integers(-30, 30))
def test_minute_schedules_agree_with_every_tick_around_a_change(
    schedule: Schedule, change: tuple[str, int], shift: int
) -> None:
    name, moment = change
    start = moment - 27 * HOUR_S
    # Monrovia's old offset was not a whole number of minutes: only there are seconds needed.
    tick = 30 if name == "Africa/Monrovia" else 60
    assert_same_fires(schedule, name, start + shift * tick, moment + 27 * HOUR_S, tick)


@settings(near_transitions, max_examples=100)
@given(night_schedules(values(0, 59)), transitions, st.integers(-3600, 3600))
def test_second_schedules_agree_with_every_second_around_a_change(
    schedule: Schedule, change: tuple[str, int], shift: int
) -> None:
    name, moment = change
    assert_same_fires(schedule, name, moment - 1800 + min(shift, 0), moment + 1800 + max(shift, 0), 1)


@near_transitions
@given(
    st.tuples(*(values(low, high) for low, high in [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)])),
    st.integers(31_536_000, 3_786_912_000),
)
def test_plain_schedules_in_utc_agree_with_croniter(fields: tuple[Values, ...], start: int) -> None:
    assume(not any(wraps_or_collapses(field.text) for field in fields))
    # croniter takes a day field that lists every value, such as */1, for a free one.
    assume(all(field.text == "*" or len(field.chosen) < size for field, size in ((fields[3], 31), (fields[5], 7))))
    text = " ".join(field.text for field in fields)
    try:
        spec = parse(text)
    except CronError:
        assume(False)
    other = croniter(text, datetime.fromtimestamp(start, UTC), second_at_beginning=True)
    moment: int | None = start
    for _ in range(5):
        assert moment is not None
        moment = next_after_s(spec, zone("UTC"), moment)
        assert moment == int(other.get_next(datetime).timestamp()), text


@settings(near_transitions, max_examples=100)
@given(
    st.sampled_from(["L", "1,15,L", "L,31", "*"]),
    st.sampled_from(["5#3", "MON#2", "sun#5", "tue,fri", "1-5", "*"]),
    st.sampled_from(["FEB", "jan-mar", "*/3", "*"]),
    st.integers(31_536_000, 3_786_912_000),
)
def test_last_days_nth_weekdays_and_names_in_utc_agree_with_croniter(
    day: str, weekday: str, month: str, start: int
) -> None:
    # Of both day fields restricted, croniter takes some pairs for AND.
    assume("*" in (day, weekday))
    text = f"0 30 9 {day} {month} {weekday}"
    spec, moment = parse(text), start
    other = croniter(text, datetime.fromtimestamp(start, UTC), second_at_beginning=True)
    for _ in range(5):
        found = next_after_s(spec, zone("UTC"), moment)
        assert found is not None
        assert found == int(other.get_next(datetime).timestamp()), text
        moment = found


def wraps_or_collapses(text: str) -> bool:
    """Spellings croniter reads otherwise: ranges that wrap or hold one value."""
    bounds = [item.split("/")[0].split("-") for item in text.split(",") if "-" in item]
    return any(int(start) >= int(end) for start, end in bounds)
