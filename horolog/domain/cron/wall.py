"""Matching on the nominal wall clock, where every day has 86400 seconds and no time zone exists.

A wall time is the number of seconds from 1970-01-01 00:00:00 as a wall clock shows it. Guarantee: every
search ends at the latest `YEARS_AHEAD` calendar years away, or at the ends of the calendar (years 1 to 9999),
and then answers `NEVER` or `NEVER_BEFORE`.
"""

from datetime import date

from horolog.domain.cron.bits import below, lowest
from horolog.domain.cron.spec import CronSpec

DAY_S = 86_400
YEARS_AHEAD = 101
NEVER = 1 << 62
NEVER_BEFORE = -NEVER

_ORDINAL_1970 = date(1970, 1, 1).toordinal()
_FIRST_DAY = date.min.toordinal() - _ORDINAL_1970
_LAST_DAY = date.max.toordinal() - _ORDINAL_1970
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def next_wall(spec: CronSpec, wall: int) -> int:
    """The smallest matching wall time at or after `wall`, else NEVER."""
    day, time = divmod(wall, DAY_S)
    found_day = _next_day(spec, day)
    if found_day is None:
        return NEVER
    if found_day == day:
        found = _next_time(spec, time)
        if found >= 0:
            return wall - time + found
        found_day = _next_day(spec, day + 1)
        if found_day is None:
            return NEVER
    return found_day * DAY_S + spec.first_in_day


def previous_wall(spec: CronSpec, wall: int) -> int:
    """The largest matching wall time at or before `wall`, else NEVER_BEFORE."""
    day, time = divmod(wall, DAY_S)
    found_day = _previous_day(spec, day)
    if found_day == day:
        found = _previous_time(spec, time)
        if found >= 0:
            return wall - time + found
        found_day = _previous_day(spec, day - 1)
    if found_day is None:
        return NEVER_BEFORE
    return found_day * DAY_S + _previous_time(spec, DAY_S - 1)


def count_walls(spec: CronSpec, start: int, end: int) -> int:
    """How many matching wall times lie in [start, end)."""
    if end <= start:
        return 0
    first_day, first_time = divmod(start, DAY_S)
    end_day, end_time = divmod(end, DAY_S)
    per_day = _count_times(spec, DAY_S)
    count = per_day * _count_days(spec, first_day, end_day)
    if first_time and _next_day(spec, first_day) == first_day:
        count -= _count_times(spec, first_time)
    if end_time and _next_day(spec, end_day) == end_day:
        count += _count_times(spec, end_time)
    return count


def _next_time(spec: CronSpec, time: int) -> int:
    hour, rest = divmod(time, 3600)
    hours = spec.hours >> hour
    if hours & 1:
        minute, second = divmod(rest, 60)
        minutes = spec.minutes >> minute
        if minutes & 1:
            seconds = spec.seconds >> second
            if seconds:
                return time + lowest(seconds)
            minutes -= 1
        if minutes:
            return time - second + lowest(minutes) * 60 + spec.first_in_minute
        hours -= 1
    if hours:
        return time - rest + lowest(hours) * 3600 + spec.first_in_hour
    return -1


def _previous_time(spec: CronSpec, time: int) -> int:
    hour, rest = divmod(time, 3600)
    last_second = spec.seconds.bit_length() - 1
    if spec.hours >> hour & 1:
        minute, second = divmod(rest, 60)
        if spec.minutes >> minute & 1 and (seconds := below(spec.seconds, second + 1)):
            return time - second + seconds.bit_length() - 1
        if minutes := below(spec.minutes, minute):
            return time - rest + (minutes.bit_length() - 1) * 60 + last_second
    if hours := below(spec.hours, hour):
        last_minute = spec.minutes.bit_length() - 1
        return (hours.bit_length() - 1) * 3600 + last_minute * 60 + last_second
    return -1


def _count_times(spec: CronSpec, end: int) -> int:
    hour, rest = divmod(end, 3600)
    minute, second = divmod(rest, 60)
    per_minute = spec.seconds.bit_count()
    count = below(spec.hours, hour).bit_count() * spec.minutes.bit_count() * per_minute
    if spec.hours >> hour & 1:
        count += below(spec.minutes, minute).bit_count() * per_minute
        if spec.minutes >> minute & 1:
            count += below(spec.seconds, second).bit_count()
    return count


def _next_day(spec: CronSpec, day: int) -> int | None:
    if day < _FIRST_DAY:
        day = _FIRST_DAY
    elif day > _LAST_DAY:
        return None
    today = date.fromordinal(day + _ORDINAL_1970)
    year, month, first = today.year, today.month, day - today.day
    if spec.months >> month & 1:
        chosen = _chosen(spec, year, month, first) >> today.day
        if chosen:
            return day + lowest(chosen)
    last_year = min(year + YEARS_AHEAD, date.max.year)
    while True:
        later = spec.months >> month + 1
        if later:
            month += 1 + lowest(later)
        elif year < last_year:
            year, month = year + 1, lowest(spec.months)
        else:
            return None
        first = date(year, month, 1).toordinal() - _ORDINAL_1970 - 1
        if chosen := _chosen(spec, year, month, first):
            return first + lowest(chosen)


def _previous_day(spec: CronSpec, day: int) -> int | None:
    if day < _FIRST_DAY:
        return None
    day = min(day, _LAST_DAY)
    today = date.fromordinal(day + _ORDINAL_1970)
    year, month, first = today.year, today.month, day - today.day
    if spec.months >> month & 1 and (chosen := below(_chosen(spec, year, month, first), today.day + 1)):
        return first + chosen.bit_length() - 1
    first_year = max(year - YEARS_AHEAD, date.min.year)
    while True:
        earlier = below(spec.months, month)
        if earlier:
            month = earlier.bit_length() - 1
        elif year > first_year:
            year, month = year - 1, spec.months.bit_length() - 1
        else:
            return None
        first = date(year, month, 1).toordinal() - _ORDINAL_1970 - 1
        if chosen := _chosen(spec, year, month, first):
            return first + chosen.bit_length() - 1


def _count_days(spec: CronSpec, start: int, end: int) -> int:
    count, day = 0, max(start, _FIRST_DAY)
    end = min(end, _LAST_DAY + 1)
    while day < end:
        today = date.fromordinal(day + _ORDINAL_1970)
        first = day - today.day
        next_month = first + 1 + _length(today.year, today.month)
        if spec.months >> today.month & 1:
            chosen = below(_chosen(spec, today.year, today.month, first), end - first)
            count += (chosen >> today.day).bit_count()
        day = next_month
    return count


def _chosen(spec: CronSpec, year: int, month: int, first: int) -> int:
    # `first` is the day before the month's first; the day numbers of 1970 make Thursday (4) day 0.
    return spec.days.in_month(_length(year, month), (first + 5) % 7)


def _length(year: int, month: int) -> int:
    if month == 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
        return 29
    return _LENGTHS[month]
