"""One field of an expression: its text in, a set of values (the bits of an int) out.

Accepted is a comma list of `*`, `a`, `a-b`, each with an optional `/n`. `a/n` runs to the field's maximum;
`a-b` with a > b wraps around and keeps its step phase; `a-a` is `a`. Day-of-month adds `L`, `LW`, `nW`;
day-of-week adds `xL`, `x#k`; both accept a lone `?` for `*`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from horolog.domain.cron.errors import CronError, FieldName, quoted

_ITEM = re.compile(r"(?:\*|([0-9]{1,2}|[A-Z]{3})(?:-([0-9]{1,2}|[A-Z]{3}))?)(?:/([0-9]+))?")
_NEAREST = re.compile(r"([0-9]{1,2})W")
_LAST_WEEKDAY = re.compile(r"([0-9]{1,2}|[A-Z]{3})L")
_NTH_WEEKDAY = re.compile(r"([0-9]{1,2}|[A-Z]{3})#([0-9]+)")


@dataclass(frozen=True, slots=True)
class Field:
    """The value range of a field; values repeat with period `size` when a range wraps around."""

    name: FieldName
    low: int
    high: int
    size: int
    names: Mapping[str, int]


def _numbered(words: str, first: int) -> Mapping[str, int]:
    return MappingProxyType({word: number for number, word in enumerate(words.split(), first)})


_NO_NAMES: Mapping[str, int] = MappingProxyType({})

SECOND = Field("second", 0, 59, 60, _NO_NAMES)
MINUTE = Field("minute", 0, 59, 60, _NO_NAMES)
HOUR = Field("hour", 0, 23, 24, _NO_NAMES)
DAY = Field("day-of-month", 1, 31, 31, _NO_NAMES)
MONTH = Field("month", 1, 12, 12, _numbered("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1))
WEEKDAY = Field("day-of-week", 0, 7, 7, _numbered("SUN MON TUE WED THU FRI SAT", 0))


class MonthDays(NamedTuple):
    """What a restricted day-of-month field chooses; `days` and `nearest` are sets of 1..31."""

    days: int
    nearest: int
    last: bool
    last_workday: bool


class WeekDays(NamedTuple):
    """What a restricted day-of-week field chooses; 0 is Sunday, `nth` holds 7 * (k - 1) + weekday."""

    weekdays: int
    nth: int
    last: int


def read_values(field: Field, text: str) -> int:
    """The values a time or month field chooses; CronError if the text is not one."""
    if text == "*":
        return _span(field, field.low, field.low + field.size - 1, 1)
    values = 0
    for item in text.upper().split(","):
        values |= _values(field, item)
    return values


def read_month_days(text: str) -> MonthDays:
    """The dates a restricted day-of-month field chooses; CronError if the text is not one."""
    days = nearest = 0
    last = last_workday = False
    for item in text.upper().split(","):
        if item == "L":
            last = True
        elif item == "LW":
            last_workday = True
        elif match := _NEAREST.fullmatch(item):
            nearest |= 1 << _value(DAY, match[1])
        else:
            days |= _values(DAY, item)
    return MonthDays(days, nearest, last, last_workday)


def read_week_days(text: str) -> WeekDays:
    """The weekdays a restricted day-of-week field chooses; CronError if the text is not one."""
    weekdays = nth = last = 0
    for item in text.upper().split(","):
        if match := _LAST_WEEKDAY.fullmatch(item):
            last |= 1 << _value(WEEKDAY, match[1]) % 7
        elif match := _NTH_WEEKDAY.fullmatch(item):
            weekday, week = _value(WEEKDAY, match[1]) % 7, int(match[2])
            if not 1 <= week <= 5:
                raise CronError(WEEKDAY.name, f"#{match[2]} is not a week of a month; use #1 to #5.")
            nth |= 1 << 7 * (week - 1) + weekday
        else:
            weekdays |= _values(WEEKDAY, item)
    return WeekDays(weekdays, nth, last)


def _values(field: Field, item: str) -> int:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise CronError(field.name, _why_unreadable(field, item))
    start_text, end_text, step_text = match.groups()
    step = int(step_text) if step_text else 1
    if step < 1:
        raise CronError(field.name, f"the step of {quoted(item)} must be at least 1.")
    top = field.low + field.size - 1
    if start_text is None:
        return _span(field, field.low, top, step)
    start = _value(field, start_text)
    if end_text:
        end = _value(field, end_text)
        return _span(field, start, end + field.size if start > end else end, step)
    if step_text:
        # Only day-of-week has a value above its top: 7/n is read as 0/n, both being Sunday.
        return _span(field, start if start <= top else field.low, top, step)
    return _span(field, start, start, 1)


def _value(field: Field, text: str) -> int:
    if text.isdigit():
        value = int(text)
        if field.low <= value <= field.high:
            return value
        raise CronError(field.name, f"{value} is out of range {field.low}-{field.high}.")
    if text in field.names:
        return field.names[text]
    if field.names:
        known = ", ".join(field.names)
        raise CronError(field.name, f"{quoted(text)} is not one of {known}.")
    raise CronError(field.name, f"{quoted(text)} is not a number.")


def _span(field: Field, start: int, end: int, step: int) -> int:
    low, size = field.low, field.size
    if step == 1 and end < low + size:
        return (1 << end + 1) - (1 << start)
    values = 0
    for value in range(start, end + 1, step):
        values |= 1 << (value - low) % size + low
    return values


def _why_unreadable(field: Field, item: str) -> str:
    if not item:
        return "a list has an empty item."
    if "?" in item:
        return "'?' may only stand alone, in day-of-month or day-of-week."
    if field is DAY and item.startswith("L-"):
        return f"{quoted(item)}: an offset from the last day is not supported."
    if field is WEEKDAY and item == "L":
        return "a bare L is ambiguous here; write the weekday before it, such as 5L."
    if item[0] in "HR":
        return f"{quoted(item)}: hashed and random values are not supported."
    return f"{quoted(item)} is not a value, a range, a list or a step."
