"""What holds for every schedule, zone and instant."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from horolog.domain.cron import (
    HORIZON_S,
    CronError,
    CronSpec,
    count_between,
    fires_between,
    fires_between_s,
    is_interval,
    next_after,
    next_after_s,
    parse,
    previous_before,
    previous_before_s,
    zone,
)
from tests.unit.cron.cases import Schedule, schedules

ZONES = [
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Nuuk",
]

anywhere = st.sampled_from(ZONES)
moments = st.integers(-2_000_000_000, 4_000_000_000)
laws = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def accepted(schedule: Schedule) -> CronSpec:
    try:
        return parse(schedule.text)
    except CronError:
        assume(False)
        raise


@laws
@given(schedules(), anywhere, moments)
def test_fires_increase_and_each_is_next_of_the_second_before(schedule: Schedule, name: str, moment: int) -> None:
    spec, place = accepted(schedule), zone(name)
    for _ in range(5):
        fire = next_after_s(spec, place, moment)
        assert fire is not None
        assert fire > moment
        assert next_after_s(spec, place, fire - 1) == fire
        moment = fire


@laws
@given(schedules(), anywhere, moments, st.floats(0, 1))
def test_the_answer_does_not_depend_on_where_it_is_asked_from(
    schedule: Schedule, name: str, moment: int, part: float
) -> None:
    spec, place = accepted(schedule), zone(name)
    first = next_after_s(spec, place, moment)
    assert first is not None
    second = next_after_s(spec, place, first)
    assert second is not None
    between = first + int((second - 1 - first) * part)
    assert next_after_s(spec, place, between) == second
    assert next_after_s(spec, place, moment + int((first - 1 - moment) * part)) == first


@laws
@given(schedules(), anywhere, moments)
def test_previous_undoes_next(schedule: Schedule, name: str, moment: int) -> None:
    spec, place = accepted(schedule), zone(name)
    first = next_after_s(spec, place, moment)
    assert first is not None
    second = next_after_s(spec, place, first)
    assert second is not None
    assert previous_before_s(spec, place, second) == first
    assert previous_before_s(spec, place, first + 1) == first
    before = previous_before_s(spec, place, first)
    assert before is not None
    assert before <= moment
    assert next_after_s(spec, place, before) == first


@laws
@given(schedules(), anywhere, moments, st.integers(0, 3 * 366 * 86_400))
def test_a_window_lists_and_counts_what_repeated_asking_finds(
    schedule: Schedule, name: str, moment: int, width: int
) -> None:
    spec, place, until = accepted(schedule), zone(name), moment + width
    asked: list[int] = []
    fire = next_after_s(spec, place, moment)
    while fire is not None and fire <= until and len(asked) < 40:
        asked.append(fire)
        fire = next_after_s(spec, place, fire)
    assert fires_between_s(spec, place, moment, until, 40) == asked
    assert count_between(spec, place, moment, until, 40) == len(asked)


@laws
@given(schedules(), schedules(), anywhere, moments)
def test_equal_specs_have_equal_hashes_and_fires(one: Schedule, other: Schedule, name: str, moment: int) -> None:
    spec, place = accepted(one), zone(name)
    again = parse("\t" + one.text.lower().replace(" ", "  ") + " ")
    assert again == spec
    assert hash(again) == hash(spec)
    assert next_after_s(again, place, moment) == next_after_s(spec, place, moment)
    assert is_interval(spec) == one.interval


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0/15 * * * * *", "*/15 * * * * *"),
        ("0 */15 * * * *", "0 0,15,30,45 * * * *"),
        ("0 9 * * mon-fri", "0 0 9 ? * 1-5"),
        ("0 0 0 * * 7", "0 0 0 * * SUN"),
        ("0 0 0 * * 0-7", "0 0 0 * * SUN-SAT"),
        ("0 0 22-2 * * *", "0 0 0,1,2,22,23 * * *"),
        ("0 0 23-8/2 * * *", "0 0 1-7/2,23 * * *"),
        ("0 0 0 1 11-2 *", "0 0 0 01 JAN,FEB,NOV,DEC ?"),
        ("*/90 * * * * *", "0/60 * * * * *"),
        ("@weekly", "0 0 0 * * SUN"),
        ("@hourly", "0 0 */1 * * *"),
        ("0 0 0 * * FRI#2", "0 0 0 ? * 5#2"),
        ("0 0 0 l * *", "0 0 0 L * ?"),
    ],
)
def test_spellings_of_one_schedule_are_equal(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@laws
@given(st.sampled_from(ZONES), moments, st.integers(0, 59), st.sampled_from([2, 7, 15, 25]), st.sampled_from([0, 1, 2]))
def test_steps_ranges_and_lists_of_the_same_values_agree_on_days_without_a_change(
    name: str, moment: int, start: int, step: int, field: int
) -> None:
    day, place = moment - moment % 86_400, zone(name)
    assume(len({place.stretch_at(second).offset for second in range(day, day + 86_401, 3600)}) == 1)
    size = 24 if field == 2 else 60
    chosen = [str(value) for value in range(start % size, size, step)]
    spellings = [
        f"{start % size}/{step}",
        f"{start % size}-{size - 1}/{step}",
        ",".join(chosen),
        ",".join(chosen[::-1]),
    ]
    fields = [["0", "0", "*"], ["0", "0", "12"]][field == 2]
    specs = [parse(" ".join([*fields[:field], spelling, *fields[field + 1 :], "* * *"])) for spelling in spellings]
    answers = [fires_between_s(spec, place, day - 1, day + 86_399, 100_000) for spec in specs]
    assert len(answers[0]) == len(chosen) * (1 if field == 2 else 24)
    assert answers.count(answers[0]) == 4


def test_a_list_is_a_fixed_job_and_a_step_is_not() -> None:
    assert not is_interval(parse("0 0,15,30,45 0-23 * * *"))
    assert is_interval(parse("0 0/15 0-23 * * *"))
    assert not is_interval(parse("0 0 0 */2 */2 */2"))
    assert parse("0 0 2-2 * * *") == parse("0 0 2 * * *") != parse("0 0 2-2/1 * * *")


def test_fractions_of_a_second_are_kept_strictly_apart() -> None:
    spec, place, fire = parse("0 0 12 * * *"), zone("UTC"), datetime(2024, 6, 1, 12, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    assert next_after(spec, place, fire - tick) == fire
    assert next_after(spec, place, fire) == fire + timedelta(days=1)
    assert previous_before(spec, place, fire + tick) == fire
    assert previous_before(spec, place, fire) == fire - timedelta(days=1)
    assert fires_between(spec, place, fire - tick, fire, 9) == [fire]
    assert fires_between(spec, place, fire, fire + timedelta(days=1), 9) == [fire + timedelta(days=1)]
    assert fires_between(spec, place, fire, fire - tick, 9) == []


def test_an_instant_may_come_in_any_zone_but_not_without_one() -> None:
    spec, place = parse("0 0 12 * * *"), zone("UTC")
    noon_elsewhere = datetime(2024, 6, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    answer = next_after(spec, place, noon_elsewhere)
    assert answer == datetime(2024, 6, 2, 12, tzinfo=UTC)
    assert answer is not None
    assert answer.tzinfo is UTC
    with pytest.raises(ValueError, match="time zone"):
        next_after(spec, place, noon_elsewhere.replace(tzinfo=None))


@pytest.mark.parametrize("name", ["UTC", "Pacific/Kiritimati", "America/New_York", "Africa/Casablanca"])
def test_the_ends_of_the_calendar_are_answered_with_none(name: str) -> None:
    place = zone(name)
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for text in ("* * * * * *", "0 0 0 29 2 MON", "0 30 2 * * *", "59 59 23 31 12 *"):
        spec = parse(text)
        assert next_after(spec, place, last) is None
        assert previous_before(spec, place, first) is None
        assert next_after(spec, place, first) is not None
        assert previous_before(spec, place, last) is not None
        assert next_after_s(spec, place, 1 << 70) is None
        assert previous_before_s(spec, place, -(1 << 70)) is None


def test_nothing_is_looked_for_beyond_the_horizon() -> None:
    spec, place = parse("0 0 0 * * *"), zone("Europe/Paris")
    assert next_after_s(spec, place, -(1 << 70)) is None
    assert previous_before_s(spec, place, 1 << 70) is None
    assert fires_between_s(spec, place, -(1 << 70), 0, 9) == []
    assert count_between(spec, place, 0, 1 << 70, 1 << 70) == HORIZON_S // 86_400


@pytest.mark.parametrize("text", ["0 45/30 1 3 11 *", "0 45 1 3 11 *"])
def test_the_first_pass_of_a_rare_job_is_found_from_within_the_second(text: str) -> None:
    asked = datetime(2024, 11, 3, 6, 30, tzinfo=UTC)
    answer = previous_before(parse(text), zone("America/New_York"), asked)
    assert answer == datetime(2024, 11, 3, 5, 45, tzinfo=UTC)


def test_a_catch_up_and_a_match_at_the_gaps_end_are_listed_and_counted_once() -> None:
    spec, place = parse("0 0,30 2,3 * * *"), zone("America/New_York")
    gap_end = int(datetime(2024, 3, 10, 7, tzinfo=UTC).timestamp())
    for start in (gap_end - 1, gap_end - 7200):
        assert fires_between_s(spec, place, start, gap_end + 3600, 9) == [gap_end, gap_end + 1800]
        assert count_between(spec, place, start, gap_end + 3600, 9) == 2


def test_a_rare_interval_job_keeps_its_second_pass_in_a_window() -> None:
    spec, place = parse("0 */30 1 * * SUN"), zone("America/New_York")
    after, until = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 11, 4, tzinfo=UTC)
    last_four = fires_between(spec, place, after, until, 1000)[-4:]
    assert [fire.hour * 60 + fire.minute for fire in last_four] == [300, 330, 360, 390]
