"""Other schedulers' times as cron expressions, exactly or not at all.

Horolog's day rule: when both day fields are restricted, either is enough. Where a source wants both, the pair is
translated only if `x#k` says it: days of the month that are whole weeks counted from the 1st.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from horolog.domain.cron import CronError, ZoneError, is_interval, parse, zone

_WEEKS = (range(1, 8), range(8, 15), range(15, 22), range(22, 29), range(29, 32))
_LOOKED_AT = tuple(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=30 * number) for number in range(30))
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


class NotMapped(Exception):
    """Ends the mapping of one entry with a reason."""


def interval_expression(period_s: int, phase_s: int = 0) -> str:
    """The expression that fires every `period_s` seconds in UTC, `phase_s` after the full minute, hour or day.

    Raises:
        NotMapped: the period divides neither a minute nor, in its unit, an hour or a day.
    """
    phase = phase_s % period_s if period_s > 0 else 0
    second, minute, hour = phase % 60, phase // _MINUTE_S % 60, phase // _HOUR_S
    if 0 < period_s < _MINUTE_S and _MINUTE_S % period_s == 0:
        return f"{_stepped(phase, period_s, 59)} * * * * *"
    if period_s % _MINUTE_S == 0 and 0 < period_s <= _HOUR_S and _HOUR_S % period_s == 0:
        return f"{second} {_stepped(minute, period_s // _MINUTE_S, 59)} * * * *"
    if period_s % _HOUR_S == 0 and 0 < period_s <= _DAY_S and _DAY_S % period_s == 0:
        return f"{second} {minute} {_stepped(hour, period_s // _HOUR_S, 23)} * * *"
    raise NotMapped(f"every {period_s} s is no cron expression: the period must divide a minute, an hour or a day")


def field_text(values: frozenset[int], low: int, high: int, stepped: bool = True) -> str:
    """A set of values as a field; `*` for all of them, with steps only if the source had some too."""
    ordered = sorted(values)
    if len(ordered) == high - low + 1:
        return "*"
    step = ordered[1] - ordered[0] if len(ordered) > 2 else 0
    if stepped and step > 1 and ordered == list(range(low, high + 1, step)):
        return f"*/{step}"
    return ",".join(_runs(ordered))


def both_days(days: frozenset[int], weekdays: frozenset[int]) -> tuple[str, str]:
    """The day fields that choose a date which is one of the days of a month *and* one of the days of a week (0-6).

    Raises:
        NotMapped: no pair of fields says that.
    """
    if len(weekdays) == 7 or len(days) == 31:
        return field_text(days, 1, 31), field_text(weekdays, 0, 6)
    chosen = [number for number, week in enumerate(_WEEKS, 1) if days.issuperset(week)]
    if days != frozenset(day for number in chosen for day in _WEEKS[number - 1]):
        raise NotMapped("wants a day of the month and a day of the week at once; here either would be enough")
    return "*", ",".join(f"{weekday}#{number}" for weekday in sorted(weekdays) for number in chosen)


def clock_change_notes(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What is to be said of a job at fixed times in a zone whose clocks change."""
    try:
        place, spec = zone(str(body.get("timezone", "UTC"))), parse(str(body["cronExpression"]))
    except (ZoneError, CronError):
        return ()
    offsets = {place.stretch_at(int(instant.timestamp())).offset for instant in _LOOKED_AT}
    if is_interval(spec) or len(offsets) == 1:
        return ()
    return ("on days when clocks change it runs once here, also where the source skips or repeats the hour",)


def _stepped(first: int, step: int, last: int) -> str:
    if step == 1:
        return "*"
    if first == 0 and step <= last:
        return f"*/{step}"
    return f"{first}-{last}/{step}" if first + step <= last else str(first)


def _runs(ordered: list[int]) -> Iterator[str]:
    start = 0
    for number, value in enumerate(ordered):
        is_last = number + 1 == len(ordered)
        if is_last or ordered[number + 1] != value + 1:
            first = ordered[start]
            yield str(first) if first == value else f"{first}-{value}"
            start = number + 1
