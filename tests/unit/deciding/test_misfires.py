"""What the ticker emits of the instants that nobody was there for, policy by policy."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.limits import FIRES_PER_TURN_COUNT_MAX, MISFIRE_GRACE_S
from schemas.base import Message
from schemas.events.fires import FireDue, FireMissed
from services.ticker.partition import TickerPartition
from services.ticker.segments import floor_s
from tests.unit.deciding.kit import HOME, START, at, definition, messages, record, tabled

Range = tuple[float, float, int]
MINUTES_5 = "0 */5 * * * *"


def gap(seconds: float, cron: str = MINUTES_5, **misfire: Any) -> list[Message]:
    """What a ticker emits that comes this long after the job."""
    table = record(tabled(definition(cron_expression=cron, misfire=misfire)))
    return messages(TickerPartition(HOME, None).turn([table], at(seconds)).outputs)


def late(written: list[Message]) -> list[datetime]:
    return [m.scheduled_for for m in written if isinstance(m, FireDue) and m.catch_up]


def missed(written: list[Message]) -> list[tuple[datetime, datetime, int]]:
    return [(m.first, m.last, m.count) for m in written if isinstance(m, FireMissed)]


@pytest.mark.parametrize(
    ("misfire", "seconds", "fired", "ranges"),
    [
        ({"policy": "skip"}, 1900, [], [(300, 1800, 6)]),
        ({"policy": "latest"}, 1900, [1800], [(300, 1500, 5)]),
        ({"policy": "latest", "maxAge": 99}, 1900, [], [(300, 1800, 6)]),
        ({"policy": "latest", "maxAge": 100}, 1900, [1800], [(300, 1500, 5)]),
        ({"policy": "all"}, 1900, [300, 600, 900, 1200, 1500, 1800], []),
        ({"policy": "all", "maxCount": 2}, 1900, [1500, 1800], [(300, 1200, 4)]),
        ({"policy": "all", "maxAge": 700}, 1900, [1200, 1500, 1800], [(300, 900, 3)]),
        ({"policy": "all", "maxAge": 99}, 1900, [], [(300, 1800, 6)]),
        ({"policy": "all", "maxCount": 1, "maxAge": 604_800}, 400_000, [399_900], [(300, 399_600, 1332)]),
        ({"policy": "all"}, 350, [], []),
        ({"policy": "all"}, 361, [300], []),
    ],
)
def test_a_gap_is_treated_by_the_policy(
    misfire: dict[str, Any], seconds: float, fired: list[float], ranges: list[Range]
) -> None:
    written = gap(seconds, **misfire)
    assert late(written) == [at(second) for second in fired]
    assert missed(written) == [(at(first), at(last), count) for first, last, count in ranges]


def test_an_instant_that_is_merely_late_is_no_catch_up() -> None:
    (due,) = gap(300 + MISFIRE_GRACE_S, policy="skip")
    assert isinstance(due, FireDue)
    assert not due.catch_up


def test_the_latest_does_not_fire_when_one_that_is_merely_late_follows() -> None:
    written = gap(630, policy="latest")
    assert late(written) == []
    assert missed(written) == [(at(300), at(300), 1)]


def test_a_long_catch_up_is_emitted_turn_by_turn_before_anything_newer() -> None:
    state = TickerPartition(HOME, floor_s(START))
    state.take_in(record(tabled(definition(misfire={"policy": "all", "maxCount": 10_000, "maxAge": 604_800}))), 0)
    now, written = at(12_000), list[Message]()
    while True:
        turn = state.turn([], now)
        assert len(turn.outputs) <= FIRES_PER_TURN_COUNT_MAX
        written += messages(turn.outputs)
        if turn.watermark is not None and turn.watermark >= now:
            break
    assert missed(written) == [(at(1), at(1939), 1939)]
    dues = [m for m in written if isinstance(m, FireDue)]
    assert [m.scheduled_for for m in dues] == [at(s) for s in range(1940, 12_002)]
    assert sum(m.catch_up for m in dues) == 10_000


def test_a_version_in_force_from_a_pause_on_owes_the_pause() -> None:
    state = TickerPartition(HOME, None)
    every_minute = definition(cron_expression="0 * * * * *", misfire={"policy": "all"})
    state.turn([record(tabled(every_minute))], at(59))
    state.turn([], at(601))
    resumed = record(tabled(every_minute, version=3, effective_from=at(300)))
    state.take_in(record(tabled(every_minute, version=2, effective_from=at(300))), 1 << 40)
    written = messages(state.turn([resumed], at(601)).outputs)
    assert late(written) == [at(60 * n) for n in range(6, 10)]


misfires = st.fixed_dictionaries(
    {"policy": st.sampled_from(["skip", "latest", "all"])},
    optional={"maxAge": st.integers(1, 4000), "maxCount": st.integers(1, 30)},
)
crons = st.sampled_from(["*/7 * * * * *", "0 * * * * *", "30 */3 * * * *", "* * * * * *", "0 0,1,2 * * * *"])


@settings(max_examples=150, deadline=None)
@given(crons, misfires, st.lists(st.tuples(st.floats(0.2, 900), st.booleans()), min_size=1, max_size=10))
def test_every_owed_instant_fires_once_or_is_in_one_missed_range(
    cron: str, misfire: dict[str, Any], steps: list[tuple[float, bool]]
) -> None:
    """Whatever the gaps between the turns, and whichever of them are lost with their owner."""
    table = record(tabled(definition(cron_expression=cron, misfire=misfire)))
    state, news, now = TickerPartition(HOME, None), [table], START
    committed: datetime | None = None
    accounts, written = Counter[int](), list[Message]()
    for seconds, is_lost in steps:
        now += timedelta(seconds=seconds)
        turn = state.turn(news, now)
        if is_lost:
            state, news = TickerPartition(HOME, None if committed is None else floor_s(committed)), [table]
            if committed is not None:
                state.take_in(table, floor_s(committed))
                news = []
            continue
        committed, news = turn.watermark, []
        written += messages(turn.outputs)
    owed = _owed(cron, committed)
    for message in written:
        accounts.update(_accounted(message, owed))
    assert dict(accounts) == dict.fromkeys(owed, 1)


def _owed(cron: str, until: datetime | None) -> list[int]:
    if until is None:
        return []
    plain = messages(
        TickerPartition(HOME, None).turn([record(tabled(definition(cron_expression=cron)))], START).outputs
    )
    assert plain == [] or cron == "* * * * * *"
    ruler = TickerPartition(HOME, floor_s(START))
    ruler.take_in(record(tabled(definition(cron_expression=cron))), floor_s(START))
    found: list[int] = []
    moment = START
    while moment < until:
        moment = min(moment + timedelta(seconds=30), until)
        found += [floor_s(m.scheduled_for) for m in messages(ruler.turn([], moment).outputs) if isinstance(m, FireDue)]
    return [second for second in found if second <= floor_s(until)]


def _accounted(message: Message, owed: list[int]) -> list[int]:
    if isinstance(message, FireDue):
        return [floor_s(message.scheduled_for)]
    assert isinstance(message, FireMissed)
    covered = [second for second in owed if floor_s(message.first) <= second <= floor_s(message.last)]
    assert len(covered) == message.count
    return covered


def test_no_gap_is_judged_while_a_change_may_wait_to_be_read() -> None:
    state = TickerPartition(HOME, floor_s(START))
    state.take_in(record(tabled(definition(cron_expression=MINUTES_5, misfire={"policy": "skip"}))), 0)
    behind = state.turn([], at(1000), is_behind=True)
    changed = tabled(definition(cron_expression="0 30 * * * *"), version=2, effective_from=at(310))
    read = state.turn([record(changed)], at(1000))
    assert (messages(behind.outputs), behind.watermark) == ([], at(299))
    assert missed(messages(read.outputs)) == [(at(300), at(300), 1)]


def test_what_is_in_time_is_emitted_although_a_change_waits_to_be_read() -> None:
    state = TickerPartition(HOME, floor_s(START))
    state.take_in(record(tabled(definition(cron_expression=MINUTES_5))), 0)
    (due,) = messages(state.turn([], at(300), is_behind=True).outputs)
    assert isinstance(due, FireDue)
