"""Which dates of a month a schedule runs on.

A `Days` value is the union of everything the day-of-month and day-of-week fields choose. A field that is
free chooses nothing beside a restricted one, which makes "both restricted" mean OR.
Guarantee: `in_month` is a pure function of the month's length and the weekday of its first day, so at most
28 answers exist per value; they are kept, and equal values share them.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from horolog.domain.cron.bits import members
from horolog.domain.cron.fields import MonthDays, WeekDays

_EVERY_DAY = MonthDays(days=(1 << 32) - 2, nearest=0, last=False, last_workday=False)
_NO_MONTH_DAY = MonthDays(days=0, nearest=0, last=False, last_workday=False)
_NO_WEEK_DAY = WeekDays(weekdays=0, nth=0, last=0)


@dataclass(frozen=True, slots=True)
class Days:
    """The chosen dates: by day of month, or by weekday (0 is Sunday)."""

    month_days: MonthDays
    week_days: WeekDays
    _months: dict[int, int] = field(default_factory=dict, compare=False, repr=False)

    def in_month(self, length: int, first_weekday: int) -> int:
        """The chosen days of such a month, as the bits 1..length."""
        key = length * 7 + first_weekday
        chosen = self._months.get(key)
        if chosen is None:
            chosen = self._months[key] = self._choose(length, first_weekday)
        return chosen

    def _choose(self, length: int, first_weekday: int) -> int:
        days, nearest, last, last_workday = self.month_days
        weekdays, nth, last_of = self.week_days
        chosen = days & (1 << length + 1) - 1
        if last:
            chosen |= 1 << length
        if last_workday:
            nearest |= 1 << length
        for day in members(nearest & (1 << length + 1) - 1):
            chosen |= 1 << _nearest_workday(day, length, first_weekday)
        for day in range(1, length + 1):
            weekday = (first_weekday + day - 1) % 7
            is_nth = nth >> ((day - 1) // 7 * 7 + weekday) & 1
            is_last = day + 7 > length and last_of >> weekday & 1
            if weekdays >> weekday & 1 or is_nth or is_last:
                chosen |= 1 << day
        return chosen


@lru_cache(maxsize=4096)
def choose_days(month_days: MonthDays | None, week_days: WeekDays | None) -> Days:
    """The dates of both day fields together; None is a free field (`*` or `?`)."""
    if month_days is None and week_days is None:
        return Days(_EVERY_DAY, _NO_WEEK_DAY)
    return Days(month_days or _NO_MONTH_DAY, week_days or _NO_WEEK_DAY)


def _nearest_workday(day: int, length: int, first_weekday: int) -> int:
    weekday = (first_weekday + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else 3
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day
