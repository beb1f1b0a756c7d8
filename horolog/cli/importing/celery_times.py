"""Celery's schedules as cron expressions: crontab fields, intervals; the sun's are refused.

Guarantee: a date fires only if it is in both of crontab's day fields, as in Celery, or the schedule is refused. An
interval keeps its period to the second; it is counted from the full minute, hour or day instead of beat's start.
Source: Celery 5, celery/schedules.py (crontab_parser, crontab, schedule).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from horolog.cli.importing.port import Setting, refuse_unknown
from horolog.cli.importing.schedules import NotMapped, both_days, field_text, interval_expression

_PERIODS_S = {
    "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1, "weeks": 604_800, "microseconds": 1e-6,
    "milliseconds": 1e-3,
}  # fmt: skip
_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
_DAY_NAMES = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}  # noqa: SIM905
_LONG_DAY_NAMES = dict(
    zip("sunday monday tuesday wednesday thursday friday saturday".split(), range(7), strict=True)  # noqa: SIM905
)
_TERM = re.compile(r"(\*|[A-Za-z0-9]+(?:-[A-Za-z0-9]+)?)(?:/([0-9]{1,4}))?")
_NUMBER_MAX = 10**9
_INTERVAL = "an interval is counted from the full minute, hour or day (UTC) here, from beat's start or last run there"


@dataclass(frozen=True, slots=True)
class Timing:
    """When an entry runs."""

    expression: str
    timezone: str
    notes: tuple[str, ...] = ()


def timing_of(schedule: Any, setting: Setting, zone_name: str | None) -> Timing:
    """When a schedule runs: a number of seconds, `{"crontab": {…}}`, `{"timedelta": {…}}`, or crontab's own fields.

    Raises:
        NotMapped: it cannot be said here.
    """
    if isinstance(schedule, int | float) and not isinstance(schedule, bool):
        return _interval(schedule)
    if not isinstance(schedule, dict):
        raise NotMapped("its schedule is neither a number of seconds nor one of crontab's or timedelta's")
    if "solar" in schedule or "clocked" in schedule:
        raise NotMapped("a schedule by the sun, or of one instant, is no cron expression")
    if len(schedule) == 1 and isinstance(parts := schedule.get("timedelta"), dict):
        return _interval(_seconds(parts))
    fields = schedule.get("crontab", schedule)
    if not isinstance(fields, dict) or (len(schedule) != 1 and "crontab" in schedule):
        raise NotMapped("its schedule is not understood")
    refuse_unknown(fields, (*_FIELDS, "timezone"), "the crontab")
    own = fields.get("timezone")
    if own is not None and not isinstance(own, str):
        raise NotMapped("the crontab's timezone is no text")
    place = setting.zone_or(own or zone_name, "the app's `timezone` setting, by default UTC")
    return Timing(crontab_expression(fields), place)


def crontab_expression(fields: Mapping[str, Any]) -> str:
    """The expression that fires when all of crontab's fields match.

    Raises:
        NotMapped: a field is not understood, or no expression says that.
    """
    minute, hour = (_expanded(fields.get(name, "*"), 0, high) for name, high in (("minute", 59), ("hour", 23)))
    days, months = (
        _expanded(fields.get(name, "*"), 1, high) for name, high in (("day_of_month", 31), (_FIELDS[3], 12))
    )
    weekdays = _expanded(fields.get("day_of_week", "*"), 0, 6, {**_DAY_NAMES, **_LONG_DAY_NAMES})
    day, weekday = both_days(days, weekdays)
    times = (
        field_text(values, 0, high, stepped=_is_stepped(fields.get(name, "*")))
        for values, high, name in ((minute, 59, "minute"), (hour, 23, "hour"))
    )
    return f"{' '.join(times)} {day} {field_text(months, 1, 12)} {weekday}"


def _interval(seconds: float) -> Timing:
    if not 1 <= seconds <= _NUMBER_MAX or seconds != int(seconds):
        raise NotMapped(f"every {seconds} s: a period is a whole number of seconds")
    return Timing(interval_expression(int(seconds)), "UTC", (_INTERVAL,))


def _seconds(parts: Mapping[str, Any]) -> float:
    refuse_unknown(parts, _PERIODS_S, "the timedelta")
    values = parts.values()
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise NotMapped("the timedelta holds what is no number")
    if not all(-_NUMBER_MAX <= value <= _NUMBER_MAX for value in values):
        raise NotMapped("the timedelta is longer than anything sensible")
    return float(sum(value * _PERIODS_S[name] for name, value in parts.items()))


def _is_stepped(value: Any) -> bool:
    return isinstance(value, str) and ("*" in value or "/" in value)


def _expanded(value: Any, low: int, high: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The values that a field of Celery's crontab chooses: a number, a text, or a list of either."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, list):
        chosen = [_expanded(item, low, high, names) for item in value]
        return _within(frozenset[int]().union(*chosen), low, high)
    if not isinstance(value, str):
        raise NotMapped("a crontab field is no number, text or list of these")
    terms = (_term(term, low, high, names or {}) for term in value.replace(" ", "").split(","))
    return _within(frozenset(number for term in terms for number in term), low, high)


def _term(term: str, low: int, high: int, names: Mapping[str, int]) -> Iterator[int]:
    found = _TERM.fullmatch(term)
    # A step needs a range or `*` before it.
    if found is None or (found[2] is not None and "-" not in found[1] and found[1] != "*"):
        raise NotMapped(f"crontab: {term[:40]!r} is not understood")
    step = int(found[2] or "1")
    if step == 0:
        raise NotMapped("crontab: a step of 0")
    yield from list(_range(found[1], low, high, names))[::step]


def _range(text: str, low: int, high: int, names: Mapping[str, int]) -> Iterable[int]:
    if text == "*":
        return range(low, high + 1)
    bounds = [_number(word, names) for word in text.split("-")]
    if any(not low <= bound <= high for bound in bounds):
        raise NotMapped(f"crontab: {text[:40]!r} is not within {low} and {high}")
    first, last = bounds[0], bounds[-1]
    # Celery's ranges go round the end of a field, as Horolog's do.
    return range(first, last + 1) if first <= last else [*range(first, high + 1), *range(low, last + 1)]


def _number(word: str, names: Mapping[str, int]) -> int:
    if word.lower() in names:
        return names[word.lower()]
    if not word.isdecimal() or len(word) > 4:
        raise NotMapped(f"crontab: {word[:40]!r} is no number")
    return int(word)


def _within(values: frozenset[int], low: int, high: int) -> frozenset[int]:
    if not values or any(not low <= value <= high for value in values):
        raise NotMapped(f"crontab: a field chooses nothing, or something beyond {low} and {high}")
    return values
