"""Two evaluators that share no code name the same instants: the ticker's, and the proof's."""

import json
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horolog.domain.cron import CronError, fires_between_s, parse, zone, zone_names
from horolog.verify import Calendar
from horolog.verify.expression import UnreadableSchedule, read
from horolog.verify.zones import zone_days
from tests.unit.cron import oracle
from tests.unit.cron.cases import Schedule, Values, night_schedules, schedules, values
from tests.unit.cron.test_against_oracles import CHANGES

GOLDEN = Path(__file__).parents[2] / "golden" / "cron"
DAY_S = 86_400
COUNT_MAX = 20_000
ON_THE_MINUTE = st.just(Values("0", frozenset({0})))
PIECES = [*"0123456789*/-,#?LW ", "MON", "SUN", "JAN", "*", "0", "@daily", "\t", " * * *"]

transitions = st.sampled_from(CHANGES).flatmap(
    lambda change: st.tuples(st.just(change[0]), st.sampled_from(oracle.transitions(*change)))
)
generous = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def walked(text: str, name: str, after_s: int, until_s: int) -> list[int]:
    return list(islice(Calendar().walk(text, name).instants(after_s, until_s), COUNT_MAX))


def assert_agreed(schedule: Schedule, name: str, after_s: int, until_s: int) -> None:
    try:
        spec = parse(schedule.text)
    except CronError:
        with pytest.raises(UnreadableSchedule):
            read(schedule.text)
        return
    expected = fires_between_s(spec, zone(name), after_s, until_s, COUNT_MAX)
    assert walked(schedule.text, name, after_s, until_s) == expected, schedule.text


@settings(generous, max_examples=300)
@given(night_schedules(ON_THE_MINUTE), transitions, st.integers(-3 * DAY_S, DAY_S), st.integers(0, 4 * DAY_S))
def test_minute_schedules_agree_around_changes_of_the_clock(
    schedule: Schedule, change: tuple[str, int], shift_s: int, length_s: int
) -> None:
    name, moment = change
    assert_agreed(schedule, name, moment + shift_s, moment + shift_s + length_s)


@settings(generous, max_examples=60)
@given(night_schedules(values(0, 59)), transitions, st.integers(-7200, 3600))
def test_second_schedules_agree_around_changes_of_the_clock(
    schedule: Schedule, change: tuple[str, int], shift_s: int
) -> None:
    name, moment = change
    assert_agreed(schedule, name, moment + shift_s, moment + shift_s + 7200)


@settings(generous, max_examples=300)
@given(schedules(), st.sampled_from(sorted(zone_names())), st.integers(0, 4_000_000_000), st.integers(0, 60))
def test_any_schedule_agrees_in_any_zone(schedule: Schedule, name: str, after_s: int, day_count: int) -> None:
    assert_agreed(schedule, name, after_s, after_s + day_count * DAY_S)


@settings(generous, max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=30))
def test_both_refuse_the_same_texts(text: str) -> None:
    try:
        parse(text)
    except CronError:
        with pytest.raises(UnreadableSchedule):
            read(text)
    else:
        read(text)


@pytest.mark.parametrize("name", ["vectors.jsonl", "edges.jsonl"])
def test_every_golden_vector_gives_its_instants(name: str) -> None:
    for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines():
        vector = json.loads(line)
        expected = [int(datetime.fromisoformat(text).timestamp()) for text in vector["next"]]
        after_s = int(datetime.fromisoformat(vector["after"]).timestamp() // 1)
        until_s = expected[-1] if expected else after_s + 366 * DAY_S
        found = walked(vector["expr"], vector["tz"], after_s, until_s)
        assert found == expected, vector


def test_every_golden_bad_expression_is_refused() -> None:
    for line in (GOLDEN / "invalid.jsonl").read_text(encoding="utf-8").splitlines():
        with pytest.raises(UnreadableSchedule):
            read(json.loads(line)["expr"])


@pytest.mark.parametrize("name", ["", "Europe", "../tzdata.zi", "/etc/localtime", "Nowhere/At_All", "a\0b", "Ä"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnreadableSchedule):
        zone_days(name)


def test_equal_pairs_share_a_walk_and_what_is_kept_is_forgotten_when_it_is_too_much() -> None:
    calendar = Calendar()
    walk = calendar.walk("* * * * * *", "UTC")
    assert calendar.walk("* * * * * *", "UTC") is walk
    first = list(walk.instants(-1, DAY_S))
    calendar.keep(10_000_000)
    assert list(walk.instants(-1, DAY_S)) == first
    assert len(first) == DAY_S + 1
