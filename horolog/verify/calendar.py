"""The instants of an expression in a zone, walked day by day; equal pairs share one walk.

Guarantee: ascending and each once, whatever the clocks do. Days around a change of the clock are gathered first,
for there a later date may come before an earlier one; all others are taken as they come. What is kept of days
walked before is bounded.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date

from horolog.verify.expression import Schedule, read
from horolog.verify.zones import DAY_S, ZoneDays, zone_days

INSTANTS_KEPT = 4_000_000
"""At eight bytes each."""
WALKS_KEPT = 20_000
_EPOCH_ORDINAL, _LAST_ORDINAL = date(1970, 1, 1).toordinal(), date.max.toordinal()
_DAY_COST = 16

Block = tuple["array[int]", int]
"""The instants of a run of local days, and the day after the run."""


class Calendar:
    """Walks of any number of expressions and zones."""

    def __init__(self) -> None:
        self._walks: dict[tuple[str, str], Walk] = {}
        self._kept = 0

    def walk(self, expression: str, zone: str) -> "Walk":
        """The walk of this pair.

        Raises:
            UnreadableSchedule: the expression or the zone means nothing.
        """
        found = self._walks.get((expression, zone))
        if found is None:
            if len(self._walks) >= WALKS_KEPT:
                self._walks.clear()
            found = self._walks[expression, zone] = Walk(read(expression), zone_days(zone), self)
        return found

    def keep(self, instant_count: int) -> None:
        """Take note that a walk keeps so many more instants; when it is too much, all walks forget theirs."""
        self._kept += instant_count + _DAY_COST
        if self._kept > INSTANTS_KEPT:
            self._kept = 0
            for walk in self._walks.values():
                walk.forget()


class Walk:
    """The instants of one schedule in one zone, in epoch seconds."""

    def __init__(self, schedule: Schedule, days: ZoneDays, calendar: Calendar) -> None:
        self._schedule = schedule
        self._days = days
        self._calendar = calendar
        self._blocks: dict[int, Block] = {}

    def instants(self, after_s: int, until_s: int) -> Iterator[int]:
        """Those in (after_s, until_s], ascending."""
        # The local day of an instant is at most one away from its UTC day.
        day = self._first_of_run(after_s // DAY_S - 1)
        while (day - 1) * DAY_S <= until_s:
            instants, day = self._block(day)
            if not instants or instants[-1] <= after_s:
                continue
            start = bisect_right(instants, after_s) if instants[0] <= after_s else 0
            if instants[-1] > until_s:
                yield from instants[start : bisect_right(instants, until_s)]
                return
            yield from instants[start:] if start else instants

    def first(self, after_s: int, until_s: int) -> int | None:
        """The first one in (after_s, until_s], without walking whole days."""
        day = self._first_of_run(after_s // DAY_S - 1)
        while (day - 1) * DAY_S <= until_s:
            midnight = self._days.midnight(day)
            if midnight is None:
                following = self._end_of_run(day)
                found = self._first_around(range(day, following), after_s)
            else:
                named = self._is_named(day)
                time, following = (_first_time(self._schedule, after_s + 1 - midnight) if named else None), day + 1
                found = None if time is None else midnight + time
            if found is not None:
                return found if found <= until_s else None
            day = following
        return None

    def last(self, after_s: int, until_s: int) -> int | None:
        """The last one in (after_s, until_s], likewise; it looks back no further than to `after_s`."""
        day = until_s // DAY_S + 1
        while (day + 2) * DAY_S > after_s:
            midnight = self._days.midnight(day)
            if midnight is None:
                following, day = day + 1, self._first_of_run(day)
                found = self._last_around(range(day, following), until_s)
            else:
                time = _last_time(self._schedule, until_s - midnight) if self._is_named(day) else None
                found = None if time is None else midnight + time
            if found is not None:
                return found if found > after_s else None
            day -= 1
        return None

    def forget(self) -> None:
        """Keep nothing of the days walked so far."""
        self._blocks.clear()

    def _first_of_run(self, day: int) -> int:
        """The day itself, or the first of the run of days around a change of the clock that it is in."""
        while self._days.midnight(day) is None and self._days.midnight(day - 1) is None:
            day -= 1
        return day

    def _end_of_run(self, day: int) -> int:
        """The day after the run of days around a change of the clock that the day is in."""
        while self._days.midnight(day) is None:
            day += 1
        return day

    def _first_around(self, run: range, after_s: int) -> int | None:
        """The first one after `after_s` of the days around a change of the clock.

        An instant with the offset o is a local time of at most o after it; at a skip's end also of less, but not of
        less than the offset before the skip says. So few local times can be the first: two hours of them at worst,
        where the clock changes by an hour.
        """
        spread_s = self._days.spread(run)
        earliest_s = after_s + 1 + min(self._days.offsets(after_s, after_s + spread_s))
        found: int | None = None
        latest_s = run.stop * DAY_S
        for minute_s in self._minutes(run):
            if minute_s + 59 < earliest_s:
                continue
            if minute_s > latest_s:
                break
            first = min((i for i in self._instants_in(minute_s) if i > after_s), default=None)
            if first is not None and (found is None or first < found):
                found = first
                latest_s = found + max(self._days.offsets(after_s, found))
        return found

    def _last_around(self, run: range, until_s: int) -> int | None:
        """The last one not after `until_s` of the days around a change of the clock, likewise."""
        spread_s = self._days.spread(run)
        latest_s = until_s + max(self._days.offsets(until_s - spread_s, until_s))
        found: int | None = None
        earliest_s = run.start * DAY_S
        for minute_s in self._minutes(run[::-1]):
            if minute_s > latest_s:
                continue
            if minute_s + 59 < earliest_s:
                break
            last = max((i for i in self._instants_in(minute_s) if i <= until_s), default=None)
            if last is not None and (found is None or last > found):
                found = last
                earliest_s = found + min(self._days.offsets(found, until_s))
        return found

    def _minutes(self, run: range) -> Iterator[int]:
        """The local minutes of the schedule on these days, in their order or backwards."""
        schedule, step = self._schedule, run.step
        for day in run:
            if self._is_named(day):
                for hour in schedule.hours[::step]:
                    yield from (day * DAY_S + hour + minute for minute in schedule.minutes[::step])

    def _instants_in(self, minute_s: int) -> Iterator[int]:
        for second in self._schedule.seconds:
            yield from self._days.instants(minute_s + second, self._schedule.interval)

    def _block(self, day: int) -> Block:
        block = self._blocks.get(day)
        if block is None:
            block = self._blocks[day] = self._find_block(day)
            self._calendar.keep(len(block[0]))
        return block

    def _find_block(self, day: int) -> Block:
        midnight = self._days.midnight(day)
        if midnight is not None:
            return array("q", self._times(midnight) if self._is_named(day) else ()), day + 1
        following = self._end_of_run(day)
        found: set[int] = set()
        for minute_s in self._minutes(range(day, following)):
            found.update(self._instants_in(minute_s))
        return array("q", sorted(found)), following

    def _is_named(self, day: int) -> bool:
        ordinal = _EPOCH_ORDINAL + day
        return 1 <= ordinal <= _LAST_ORDINAL and self._schedule.falls_on(date.fromordinal(ordinal))

    def _times(self, base: int) -> list[int]:
        """The schedule's times of day, counted from `base`."""
        schedule = self._schedule
        minutes = [base + hour + minute for hour in schedule.hours for minute in schedule.minutes]
        return [moment + second for moment in minutes for second in schedule.seconds]


def _first_time(schedule: Schedule, from_s: int) -> int | None:
    """The first of the schedule's times of day that is not before `from_s`."""
    for hour in schedule.hours[bisect_left(schedule.hours, from_s - 3599) :]:
        for minute in schedule.minutes[bisect_left(schedule.minutes, from_s - hour - 59) :]:
            index = bisect_left(schedule.seconds, from_s - hour - minute)
            if index < len(schedule.seconds):
                return hour + minute + schedule.seconds[index]
    return None


def _last_time(schedule: Schedule, until_s: int) -> int | None:
    """The last of the schedule's times of day that is not after `until_s`."""
    for hour in reversed(schedule.hours[: bisect_right(schedule.hours, until_s)]):
        for minute in reversed(schedule.minutes[: bisect_right(schedule.minutes, until_s - hour)]):
            count = bisect_right(schedule.seconds, until_s - hour - minute)
            if count:
                return hour + minute + schedule.seconds[count - 1]
    return None
