"""Quartz' cron expressions, as XXL-JOB has them, in Horolog's dialect.

Different there: days of the week are 1 (Sunday) to 7 (Saturday), one of the two day fields must be `?`, `L` alone in
the day of the week is Saturday, and there may be a year. What is the same is passed on as it is written.
Source: Quartz 2.3, CronExpression.java, of which XXL-JOB keeps a copy.
"""

import re

from horolog.cli.importing.schedules import NotMapped, field_text

_NAMES = {name: number for number, name in enumerate("SUN MON TUE WED THU FRI SAT".split(), 1)}  # noqa: SIM905
_MONTHS = frozenset("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())  # noqa: SIM905
_ITEM = re.compile(r"(?:\*|([0-9]{1,2}|[A-Z]{3})(?:-([0-9]{1,2}|[A-Z]{3}))?)(?:/([0-9]{1,2}))?")
_DAY = re.compile(r"L|LW|WL|([0-9]{1,2})W")
_WEEKDAY = re.compile(r"([1-7]|[A-Z]{3})(L|#[1-5])")
_FIELDS = (("second", 0, 59), ("minute", 0, 59), ("hour", 0, 23), ("month", 1, 12))
_EVERY_MONTH_HAS = 28


def quartz_expression(text: str) -> str:
    """The same instants as an expression of Horolog.

    Raises:
        NotMapped: it is no expression of Quartz, or means what cannot be said here.
    """
    fields = text.upper().split()
    if len(fields) not in (6, 7):
        raise NotMapped(f"the expression has {len(fields)} fields; Quartz has 6, or 7 with a year")
    if len(fields) == 7 and fields[6] != "*":
        raise NotMapped("the expression names years; there is no field for them here")
    second, minute, hour, day, month, weekday = fields[:6]
    for field, (name, low, high) in zip((second, minute, hour, month), _FIELDS, strict=True):
        _check(field, name, low, high)
    if (day == "?") == (weekday == "?"):
        raise NotMapped("Quartz wants `?` in exactly one of the two day fields")
    return f"{second} {minute} {hour} {_day(day)} {month} {_weekday(weekday)}"


def _check(field: str, name: str, low: int, high: int) -> None:
    for item in field.split(","):
        found = _ITEM.fullmatch(item)
        if found is None:
            raise NotMapped(f"{name}: {item[:40]!r} is not understood")
        bounds = [word for word in found.group(1, 2) if word is not None]
        if not all(
            word in _MONTHS if name == "month" and not word.isdecimal() else _is_within(word, low, high)
            for word in bounds
        ):
            raise NotMapped(f"{name}: {item[:40]!r} is not within {low} and {high}")
        if found[3] is not None and not 1 <= int(found[3]) <= high:
            raise NotMapped(f"{name}: Quartz takes no step of {found[3]}")


def _is_within(word: str, low: int, high: int) -> bool:
    return word.isdecimal() and low <= int(word) <= high


def _day(field: str) -> str:
    if field == "?":
        return "*"
    if found := _DAY.fullmatch(field):
        if found[1] is not None and not 1 <= int(found[1]) <= _EVERY_MONTH_HAS:
            raise NotMapped(f"day of month: Quartz goes beyond months that have no day {found[1]}")
        return "LW" if field == "WL" else field
    _check(field, "day of month", 1, 31)
    return field


def _weekday(field: str) -> str:
    """The day of the week, counted from 0: a set of days is written out, so that no step is counted otherwise."""
    if field == "?":
        return "*"
    if field == "L":
        return "6"
    if found := _WEEKDAY.fullmatch(field):
        return f"{_number(found[1]) - 1}{found[2]}"
    chosen: set[int] = set()
    for item in field.split(","):
        chosen.update(_days(item))
    return field_text(frozenset(chosen), 0, 6, stepped=False)


def _days(item: str) -> list[int]:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise NotMapped(f"day of week: {item[:40]!r} is not understood")
    step = int(found[3] or "1")
    if not 1 <= step <= 7:
        raise NotMapped(f"day of week: Quartz takes no step of {step}")
    if found[1] is None:
        first, last = 1, 7
    else:
        first = _number(found[1])
        last = _number(found[2]) if found[2] is not None else 7 if found[3] is not None else first
    # A range may go round the end of the week, and keeps its step.
    return [(number - 1) % 7 for number in range(first, (last if last >= first else last + 7) + 1, step)]


def _number(word: str) -> int:
    number = _NAMES.get(word) or (int(word) if word.isdecimal() else 0)
    if not 1 <= number <= 7:
        raise NotMapped(f"day of week: {word[:40]!r} is not within 1 (Sunday) and 7 (Saturday)")
    return number
