"""Reading a cron expression, independently of the ticker: which times of day, and which dates.

Six fields are second, minute, hour, day of month, month, day of week; five leave out the second. A date counts when
its month is named and the day fields agree: both free, or any of those that are not. Guarantee: what is not an
expression raises `UnreadableSchedule`; the same text always reads the same.
Source: the rules in `horolog/domain/cron/__init__.py`, written down once more as sets and a predicate.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

OnDate = Callable[[date], bool]

LENGTH_MAX = 255
_FREE = frozenset("*?")
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MACROS: Mapping[str, str] = MappingProxyType(
    {
        "@YEARLY": "0 0 0 1 1 *",
        "@ANNUALLY": "0 0 0 1 1 *",
        "@MONTHLY": "0 0 0 1 * *",
        "@WEEKLY": "0 0 0 * * SUN",
        "@DAILY": "0 0 0 * * *",
        "@MIDNIGHT": "0 0 0 * * *",
        "@HOURLY": "0 0 * * * *",
    }
)


class UnreadableSchedule(ValueError):
    """The expression or the zone means nothing; which instants it owes cannot be told."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What an expression means: seconds, minutes and hours of a day, and the dates.

    `interval` schedules follow every pass of the clock: they have `*` or `/` in one of the time fields.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    on_day: OnDate | None
    on_weekday: OnDate | None
    interval: bool

    def falls_on(self, day: date) -> bool:
        """Whether the local date is one of the schedule's."""
        if day.month not in self.months:
            return False
        if self.on_day is None and self.on_weekday is None:
            return True
        by_day = self.on_day is not None and self.on_day(day)
        return by_day or (self.on_weekday is not None and self.on_weekday(day))


@dataclass(frozen=True, slots=True)
class _Range:
    """The values of a field, from `low`, `count` of them; `names` stand for them in order from `low`."""

    low: int
    count: int
    names: Sequence[str] = ()
    written_max: int | None = None

    def number(self, text: str) -> int:
        """The value that a number or name stands for."""
        if text in self.names:
            return self.low + self.names.index(text)
        largest = self.low + self.count - 1 if self.written_max is None else self.written_max
        if not (text.isdigit() and len(text) <= 2 and self.low <= int(text) <= largest):
            raise UnreadableSchedule(f"{text[:40]!r} is no value of its field")
        return int(text)


_SIXTY = _Range(0, 60)
_HOURS = _Range(0, 24)
_DAYS = _Range(1, 31)
_MONTH = _Range(1, 12, _MONTHS)
_WEEKDAY = _Range(0, 7, _WEEKDAYS, written_max=7)


def read(text: str) -> Schedule:
    """The schedule that the text means.

    Raises:
        UnreadableSchedule: it means none, or one that never comes.
    """
    second, minute, hour, day, month, weekday = _fields(text)
    months = frozenset(_values(_MONTH, month))
    return Schedule(
        seconds=tuple(sorted(_values(_SIXTY, second))),
        minutes=tuple(sorted(value * 60 for value in _values(_SIXTY, minute))),
        hours=tuple(sorted(value * 3600 for value in _values(_HOURS, hour))),
        months=months,
        on_day=None if day in _FREE else _day_rule(day, months, alone=weekday in _FREE),
        on_weekday=None if weekday in _FREE else _weekday_rule(weekday),
        interval=any(sign in field for field in (second, minute, hour) for sign in "*/"),
    )


def _fields(text: str) -> list[str]:
    if len(text) > LENGTH_MAX or any(not ("!" <= char <= "~" or char in " \t") for char in text):
        raise UnreadableSchedule("an expression is short, and of ASCII letters, digits and signs")
    fields = text.upper().split()
    if len(fields) == 1 and fields[0] in _MACROS:
        fields = _MACROS[fields[0]].split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise UnreadableSchedule(f"an expression has 5 or 6 fields, not {len(fields)}")
    return fields


def _values(field: _Range, text: str) -> set[int]:
    return {value for item in text.split(",") for value in _item(field, item)}


def _item(field: _Range, item: str) -> list[int]:
    """The values of one item of a list: `*`, `a`, `a-b`, each perhaps with `/n`."""
    span, slash, step_text = item.partition("/")
    first_text, dash, last_text = span.partition("-")
    step = _step(step_text) if slash else 1
    if span == "*":
        first, last = field.low, field.low + field.count - 1
    elif dash:
        first, last = field.number(first_text), field.number(last_text)
        # A range that wraps goes on counting past the top, so that its step keeps its phase.
        last += field.count if last < first else 0
    else:
        first = _within(field, field.number(span)) if slash else field.number(span)
        last = field.low + field.count - 1 if slash else first
    return [_within(field, value) for value in range(first, last + 1, step)]


def _within(field: _Range, value: int) -> int:
    return field.low + (value - field.low) % field.count


def _step(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise UnreadableSchedule(f"{text[:40]!r} is no step")
    return int(text)


def _day_rule(text: str, months: frozenset[int], alone: bool) -> OnDate:
    plain: set[int] = set()
    nearest: set[int] = set()
    is_last = is_last_workday = False
    for item in text.split(","):
        if item == "L":
            is_last = True
        elif item == "LW":
            is_last_workday = True
        elif item.endswith("W"):
            nearest.add(_DAYS.number(item[:-1]))
        else:
            plain.update(_item(_DAYS, item))
    comes = is_last or is_last_workday or min(plain | nearest) <= max(_LONGEST_MONTH[month - 1] for month in months)
    if alone and not comes:
        raise UnreadableSchedule(f"day {text[:40]!r} never comes in the months named")

    def on_day(day: date) -> bool:
        length = monthrange(day.year, day.month)[1]
        if day.day in plain or (is_last and day.day == length):
            return True
        wanted = {number for number in nearest if number <= length} | ({length} if is_last_workday else set())
        return any(day.day == _nearest_workday(day, number, length) for number in wanted)

    return on_day


def _nearest_workday(month: date, number: int, length: int) -> int:
    """The workday of the month that is nearest to day `number`; it never leaves the month."""
    workdays = (other for other in range(1, length + 1) if month.replace(day=other).weekday() < 5)
    return min(workdays, key=lambda other: abs(other - number))


def _weekday_rule(text: str) -> OnDate:
    plain: set[int] = set()
    last: set[int] = set()
    numbered: set[tuple[int, int]] = set()
    for item in text.split(","):
        name, hash_, week = item.partition("#")
        if hash_:
            if not week.isdigit() or not 1 <= int(week) <= 5:
                raise UnreadableSchedule(f"{item[:40]!r}: a month has five weeks")
            numbered.add((_WEEKDAY.number(name) % 7, int(week)))
        elif item.endswith("L"):
            last.add(_WEEKDAY.number(item[:-1]) % 7)
        else:
            plain.update(_item(_WEEKDAY, item))

    def on_weekday(day: date) -> bool:
        weekday = day.isoweekday() % 7
        if weekday in plain or (weekday, (day.day - 1) // 7 + 1) in numbered:
            return True
        return weekday in last and day.day + 7 > monthrange(day.year, day.month)[1]

    return on_weekday
