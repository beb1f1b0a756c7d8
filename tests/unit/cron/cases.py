"""Random schedules, each as text for the engine and as a predicate for the oracle."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from hypothesis import strategies as st

OnDate = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Values:
    """A time or month field: its text and the values it means."""

    text: str
    chosen: frozenset[int]


@dataclass(frozen=True, slots=True)
class Dates:
    """A day field: its text and the dates it means, None for a free field."""

    text: str
    on: OnDate | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Six fields and what they mean together."""

    second: Values
    minute: Values
    hour: Values
    day: Dates
    month: Values
    weekday: Dates

    @property
    def text(self) -> str:
        fields = (self.second, self.minute, self.hour, self.day, self.month, self.weekday)
        return " ".join(field.text for field in fields)

    @property
    def interval(self) -> bool:
        return any(sign in field.text for field in (self.second, self.minute, self.hour) for sign in "*/")

    def matches(self, wall: datetime) -> bool:
        """Whether a naive local time is one the schedule names."""
        return (
            wall.second in self.second.chosen
            and wall.minute in self.minute.chosen
            and wall.hour in self.hour.chosen
            and wall.month in self.month.chosen
            and self._on(wall.date())
        )

    def _on(self, day: date) -> bool:
        rules = [rule for rule in (self.day.on, self.weekday.on) if rule is not None]
        return not rules or any(rule(day) for rule in rules)


@st.composite
def values(draw: st.DrawFn, low: int, high: int) -> Values:
    """Any spelling of a time or month field."""
    every = range(low, high + 1)
    start, end = draw(st.integers(low, high)), draw(st.integers(low, high))
    step = draw(st.integers(1, high + 5))
    round_trip = [*range(start, high + 1), *range(low, end + 1)] if start > end else range(start, end + 1)
    return draw(
        st.sampled_from(
            [
                Values("*", frozenset(every)),
                Values(f"{start}", frozenset({start})),
                Values(f"{start:02},{end}", frozenset({start, end})),
                Values(f"{start}-{end}", frozenset(round_trip)),
                Values(f"*/{step}", frozenset(every[::step])),
                Values(f"{start}/{step}", frozenset(range(start, high + 1, step))),
                Values(f"{start}-{end}/{step}", frozenset(round_trip[::step])),
                Values(f"{end},{start}-{end}", frozenset({end, *round_trip})),
            ]
        )
    )


@st.composite
def month_days(draw: st.DrawFn) -> Dates:
    """Any spelling of a day-of-month field."""
    number = draw(st.integers(1, 31))
    plain = draw(values(1, 31))
    return draw(
        st.sampled_from(
            [
                Dates("*", None),
                Dates("?", None),
                Dates(plain.text, None if plain.text == "*" else lambda day: day.day in plain.chosen),
                Dates("L", lambda day: day.day == _length(day)),
                Dates(f"{number},LW", lambda day: day.day == number or day.day == _workday(day, _length(day))),
                Dates(f"{number}w", lambda day: number <= _length(day) and day.day == _workday(day, number)),
            ]
        )
    )


@st.composite
def week_days(draw: st.DrawFn) -> Dates:
    """Any spelling of a day-of-week field."""
    number, week = draw(st.integers(0, 7)), draw(st.integers(1, 5))
    name = draw(st.sampled_from(["sun", "Mon", "TUE", "WED", "THU", "FRI", "SAT"]))
    named = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].index(name.upper())
    return draw(
        st.sampled_from(
            [
                Dates("*", None),
                Dates(f"{number}", lambda day: _weekday(day) == number % 7),
                Dates(f"{name}", lambda day: _weekday(day) == named),
                Dates("*/2", lambda day: _weekday(day) in (0, 2, 4, 6)),
                Dates("FRI-MON", lambda day: _weekday(day) in (5, 6, 0, 1)),
                Dates(f"{number}L", lambda day: _weekday(day) == number % 7 and day.day + 7 > _length(day)),
                Dates(f"{name}#{week}", lambda day: _weekday(day) == named and week == (day.day + 6) // 7),
            ]
        )
    )


MONTHS = st.one_of(st.just(Values("*", frozenset(range(1, 13)))), values(1, 12))
SMALL_HOURS = st.sampled_from(
    [
        *(Values(f"{hour}", frozenset({hour})) for hour in (0, 1, 2, 3, 22, 23)),
        Values("0-4", frozenset({0, 1, 2, 3, 4})),
        Values("22-2", frozenset({22, 23, 0, 1, 2})),
        Values("*/2", frozenset(range(0, 24, 2))),
        Values("1/1", frozenset(range(1, 24))),
        Values("*", frozenset(range(24))),
    ]
)


def schedules() -> st.SearchStrategy[Schedule]:
    """Any schedule; some of them can never fire."""
    return st.builds(Schedule, values(0, 59), values(0, 59), values(0, 23), month_days(), MONTHS, week_days())


def night_schedules(second: st.SearchStrategy[Values]) -> st.SearchStrategy[Schedule]:
    """Schedules for the hours in which clocks are turned, on most dates."""
    day = st.one_of(st.just(Dates("*", None)), month_days())
    weekday = st.one_of(st.just(Dates("?", None)), week_days())
    minute = st.one_of(values(0, 59), st.just(Values("0,30", frozenset({0, 30}))))
    return st.builds(Schedule, second, minute, SMALL_HOURS, day, MONTHS, weekday)


def _weekday(day: date) -> int:
    return day.isoweekday() % 7


def _length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _workday(day: date, number: int) -> int:
    workdays = [n for n in range(1, _length(day) + 1) if day.replace(day=n).isoweekday() < 6]
    return min(workdays, key=lambda n: abs(n - number))
