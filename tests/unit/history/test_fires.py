"""Which instants spans owe, and how the changes of the clocks are marked."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.domain.cron import next_after, parse, zone
from horolog.domain.history_fires import Fire, ScheduleSpan, count_owed, next_second, owed
from services.ticker.segments import segment_of
from tests.unit.projections.facts import job

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "America/Nuuk", "Antarctica/Troll", "UTC")
EXPRESSIONS = ("0 30 2 * * *", "0 30 1 * * *", "0 */15 * * * *", "0 0 * * * *", "0 15,45 0-3 * * *", "0 0 0 * * SUN")


def span(expression: str, place: str = "Europe/Vienna", after: datetime = LONG_AGO) -> ScheduleSpan:
    return ScheduleSpan(expression, place, None, None, after)


def day(text: str) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return start - timedelta(hours=4), start + timedelta(hours=12)


def shown(fires: Sequence[Fire]) -> list[tuple[str, str | None]]:
    return [(fire.local.strftime("%H:%M%z"), fire.dst) for fire in fires if fire.local.hour in (1, 2, 3)]


@pytest.mark.parametrize(
    ("expression", "date", "expected"),
    [
        ("0 30 2 * * *", "2026-03-29", [("03:00+0200", "gap-shifted")]),
        ("0 0 2,3 * * *", "2026-03-29", [("03:00+0200", "gap-shifted")]),
        ("0 30 3 * * *", "2026-03-29", [("03:30+0200", None)]),
        ("0 0 * * * *", "2026-03-29", [("01:00+0100", None), ("03:00+0200", None)]),
        ("0 30 2 * * *", "2026-10-25", [("02:30+0200", "first-of-two")]),
        ("0 0 3 * * *", "2026-10-25", [("03:00+0100", None)]),
        (
            "0 30 * * * *",
            "2026-10-25",
            [
                ("01:30+0200", None),
                ("02:30+0200", "first-of-two"),
                ("02:30+0100", "second-of-two"),
                ("03:30+0100", None),
            ],
        ),
    ],
)
def test_the_days_on_which_clocks_change(expression: str, date: str, expected: list[tuple[str, str | None]]) -> None:
    start, end = day(date)
    assert shown(owed([span(expression)], start, end, 100)) == expected


@given(st.sampled_from(EXPRESSIONS), st.sampled_from(ZONES), st.integers(0, 400), st.integers(1, 40))
def test_instants_and_marks_are_those_of_the_zone(expression: str, place: str, days: int, limit: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
    fires = owed([span(expression, place)], start, None, limit)
    expected, spec = start - timedelta(seconds=1), parse(expression)
    for fire in fires:
        following = next_after(spec, zone(place), expected)
        assert following is not None
        expected = following
        local = fire.at.astimezone(ZoneInfo(place))
        ambiguous = local.replace(fold=1).utcoffset() != local.replace(fold=0).utcoffset()
        assert (fire.at, fire.local.utcoffset()) == (expected, local.utcoffset())
        if fire.dst != "gap-shifted":
            assert fire.dst == (("first-of-two", "second-of-two")[local.fold] if ambiguous else None)
        else:
            assert (fire.at - timedelta(seconds=1)).astimezone(ZoneInfo(place)).utcoffset() != local.utcoffset()
    assert len(fires) == limit


@given(st.integers(0, 7200), st.integers(0, 7200), st.integers(-3600, 7200), st.booleans())
def test_a_span_owes_what_the_ticker_emits(after: int, length: int, start: int, dated: bool) -> None:
    begin = LONG_AGO + timedelta(seconds=after, milliseconds=500)
    until = begin + timedelta(seconds=length)
    start_date = LONG_AGO + timedelta(seconds=start, milliseconds=250) if dated else None
    version = job(cron_expression="*/7 * * * * *", start_date=start_date).model_copy(update={"effective_from": begin})
    segment, emitted = segment_of(version, 0), list[int]()
    assert segment is not None
    segment.close(int(until.timestamp()))
    while segment.next_s <= segment.until_s:
        emitted.append(segment.next_s)
        if not segment.advance(segment.next_s):
            break
    asked = ScheduleSpan("*/7 * * * * *", "UTC", start_date, None, begin, until)
    window = (LONG_AGO, LONG_AGO + timedelta(days=1))
    assert [int(fire.at.timestamp()) for fire in owed([asked], *window, 10_000)] == emitted
    assert count_owed(asked, *window, 10_000) == len(emitted)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    hourly, hour = span("0 0 * * * *", "UTC"), timedelta(hours=1)
    assert [fire.at for fire in owed([hourly], noon, noon + hour, 9)] == [noon]
    part = timedelta(milliseconds=1)
    assert [fire.at for fire in owed([hourly], noon + part, noon + hour + part, 9)] == [noon + hour]


def test_spans_follow_each_other_up_to_the_limit() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    spans = [
        ScheduleSpan("0 0 * * * *", "UTC", None, None, start, start + timedelta(hours=2)),
        span("0 30 * * * *", "UTC", start + timedelta(hours=2)),
    ]
    found = owed(spans, start, None, 4)
    assert [fire.at.strftime("%H:%M") for fire in found] == ["01:00", "02:00", "02:30", "03:30"]


def test_what_can_no_longer_be_understood_owes_nothing() -> None:
    for unknown in (span("0 0 * * * *", "Mars/Olympus"), span("0 0 0 30 2 *")):
        assert owed([unknown], LONG_AGO, None, 5) == []
        assert count_owed(unknown, LONG_AGO, LONG_AGO + timedelta(days=1), 5) == 0


def test_the_next_second_is_whole_and_later() -> None:
    assert next_second(LONG_AGO) == LONG_AGO + timedelta(seconds=1)
    assert next_second(LONG_AGO + timedelta(milliseconds=1)) == LONG_AGO + timedelta(seconds=1)
