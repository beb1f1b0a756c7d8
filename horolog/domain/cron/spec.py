"""Reading an expression into a `CronSpec`.

Six fields are `second minute hour day-of-month month day-of-week`; five leave out the second, which is
then 0. Macros (@daily and its kin) stand for such a text. Guarantee: whatever is accepted fires again and
again for ever; whatever can never fire is refused here, by an exact check, not by a search.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from horolog.domain.cron import fields
from horolog.domain.cron.bits import lowest, members
from horolog.domain.cron.days import Days, choose_days
from horolog.domain.cron.errors import CronError, quoted

EXPRESSION_LENGTH_MAX = 255

_PLAIN_TEXT = re.compile(r"[\t -~]*")
_FREE = ("*", "?")
_MACROS: Mapping[str, str] = MappingProxyType(
    {
        "@yearly": "0 0 0 1 1 *",
        "@annually": "0 0 0 1 1 *",
        "@monthly": "0 0 0 1 * *",
        "@weekly": "0 0 0 * * 0",
        "@daily": "0 0 0 * * *",
        "@midnight": "0 0 0 * * *",
        "@hourly": "0 0 * * * *",
    }
)
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class CronSpec:
    """A schedule, compiled: sets of values as bits, so spellings of the same schedule compare equal.

    Made by `parse` only. The three `first_*` values are seconds into a minute, an hour and a day.
    """

    seconds: int
    minutes: int
    hours: int
    months: int
    days: Days
    interval: bool
    first_in_minute: int = field(compare=False, repr=False)
    first_in_hour: int = field(compare=False, repr=False)
    first_in_day: int = field(compare=False, repr=False)


def parse(text: str) -> CronSpec:
    """The schedule an expression of 5 or 6 fields, or a macro, means; CronError names the first problem."""
    spec, errors = _compile(text)
    if spec is None:
        raise errors[0]
    return spec


def problems(text: str) -> tuple[CronError, ...]:
    """Everything wrong with an expression, one error per bad field in field order; empty if it is good."""
    return tuple(_compile(text)[1])


def is_interval(spec: CronSpec) -> bool:
    """Whether the schedule follows every pass of the clock (`*` or `/` in second, minute or hour)."""
    return spec.interval


def _compile(text: str) -> tuple[CronSpec | None, list[CronError]]:
    errors: list[CronError] = []
    try:
        second, minute, hour, day, month, weekday = _split(text)
    except CronError as error:
        return None, [error]

    def read(reader: Callable[[str], _Read], source: str) -> _Read | None:
        try:
            return reader(source)
        except CronError as error:
            errors.append(error)
            return None

    seconds = read(_second, second)
    minutes = read(_minute, minute)
    hours = read(_hour, hour)
    month_days = None if day in _FREE else read(fields.read_month_days, day)
    months = read(_month, month)
    week_days = None if weekday in _FREE else read(fields.read_week_days, weekday)
    if errors or seconds is None or minutes is None or hours is None or months is None:
        return None, errors
    if month_days is not None and week_days is None and not _can_fire(month_days, months):
        return None, [CronError("day-of-month", f"{quoted(day)} never comes in the chosen months.")]
    times = second + minute + hour
    first_in_minute = lowest(seconds)
    first_in_hour = lowest(minutes) * 60 + first_in_minute
    spec = CronSpec(
        seconds,
        minutes,
        hours,
        months,
        choose_days(month_days, week_days),
        "*" in times or "/" in times,
        first_in_minute,
        first_in_hour,
        lowest(hours) * 3600 + first_in_hour,
    )
    return spec, errors


def _split(text: str) -> list[str]:
    if len(text) > EXPRESSION_LENGTH_MAX:
        raise CronError(None, f"An expression has at most {EXPRESSION_LENGTH_MAX} characters.")
    if _PLAIN_TEXT.fullmatch(text) is None:
        raise CronError(None, "An expression holds ASCII letters, digits and signs, blanks and tabs only.")
    parts = text.split()
    if parts and parts[0].startswith("@"):
        return _macro(parts)
    if len(parts) == 5:
        return ["0", *parts]
    if len(parts) != 6:
        raise CronError(None, f"An expression has 5 or 6 fields separated by blanks, not {len(parts)}.")
    return parts


def _macro(parts: list[str]) -> list[str]:
    expansion = _MACROS.get(parts[0].lower())
    if expansion is None:
        known = ", ".join(_MACROS)
        raise CronError(None, f"{quoted(parts[0])} is not one of {known}.")
    if len(parts) > 1:
        raise CronError(None, f"{parts[0]} stands alone, without further fields.")
    return expansion.split()


def _can_fire(chosen: fields.MonthDays, months: int) -> bool:
    if chosen.last or chosen.last_workday:
        return True
    earliest = lowest(chosen.days | chosen.nearest)
    return any(earliest <= _LONGEST[month] for month in members(months))


def _second(text: str) -> int:
    return fields.read_values(fields.SECOND, text)


def _minute(text: str) -> int:
    return fields.read_values(fields.MINUTE, text)


def _hour(text: str) -> int:
    return fields.read_values(fields.HOUR, text)


def _month(text: str) -> int:
    return fields.read_values(fields.MONTH, text)
