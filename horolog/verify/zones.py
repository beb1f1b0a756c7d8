"""Local days of a time zone, told by `zoneinfo`: where each begins, and which instants a local time names.

A day is plain when the zone keeps one offset from two days before it to two days after: its local times are then
the seconds after its midnight. On other days each local time is asked for by itself (PEP 495): its two readings are
equal when it exists once, in order when it exists twice, and in reverse when the clock skips it.
Guarantee: only the rules of the `tzdata` package count, never the system's copy.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from importlib import import_module, resources
from zoneinfo import ZoneInfo

from horolog.verify.expression import UnreadableSchedule

DAY_S = 86_400
_HOUR_S = 3_600
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are naive until a zone is put to them
_SECOND = timedelta(seconds=1)
# Beyond the years 1 to 9999 no local time can be named; the offset at their edges holds there.
_FIRST_S, _LAST_S = -62_135_510_400, 253_402_128_000
_MARGIN_DAYS = 2
_DAYS_KEPT = 40_000


class ZoneDays:
    """The days of one zone; a day is a number, 0 being 1970-01-01. Made by `zone_days` only."""

    def __init__(self, rules: ZoneInfo) -> None:
        self._rules = rules
        self._bases: dict[int, int | None] = {}
        self._offsets: dict[int, int | None] = {}
        self._spreads: dict[int, int] = {}

    def midnight(self, day: int) -> int | None:
        """The instant (epoch seconds) at which a plain day begins; None when the day is not plain."""
        if day not in self._bases:
            if len(self._bases) >= _DAYS_KEPT:
                self._bases.clear()
                self._offsets.clear()
                self._spreads.clear()
            self._bases[day] = self._find_midnight(day)
        return self._bases[day]

    def instants(self, local_s: int, interval: bool) -> tuple[int, ...]:
        """The instants of a local time, given in seconds as if it were UTC.

        One that exists twice counts twice for an interval schedule, else the first time only. One that the clock
        skips counts at the skip's end, unless the schedule is an interval one or the whole date is skipped.
        """
        first, second = self._readings(local_s)
        if first == second:
            return (first,)
        if first < second:
            return (first, second) if interval else (first,)
        if interval or first - second >= DAY_S:
            return ()
        return (self._end_of_skip(second, first),)

    def offsets(self, first_s: int, last_s: int) -> set[int]:
        """The offsets (seconds) from one instant to another, both included, looked at every hour."""
        return {self._offset(moment) for moment in (*range(first_s, last_s, _HOUR_S), last_s)}

    def spread(self, run: range) -> int:
        """How far apart (seconds) the offsets are around a run of days that are not plain."""
        found = self._spreads.get(run.start)
        if found is None:
            offsets = self.offsets((run.start - 1) * DAY_S, (run.stop + 1) * DAY_S)
            found = self._spreads[run.start] = max(offsets) - min(offsets)
        return found

    def _find_midnight(self, day: int) -> int | None:
        around = range(day - _MARGIN_DAYS, day + _MARGIN_DAYS + 1)
        offsets = {self._offset_of_day(utc_day) for utc_day in around}
        offset = offsets.pop()
        return None if offsets or offset is None else day * DAY_S - offset

    def _offset_of_day(self, utc_day: int) -> int | None:
        """The one offset of a UTC day, looked at every hour; None when there are several."""
        if utc_day not in self._offsets:
            start = utc_day * DAY_S
            seen = {self._offset(moment) for moment in range(start, start + DAY_S + 1, _HOUR_S)}
            self._offsets[utc_day] = seen.pop() if len(seen) == 1 else None
        return self._offsets[utc_day]

    def _offset(self, epoch_s: int) -> int:
        named_s = min(max(epoch_s, _FIRST_S), _LAST_S)
        offset = datetime.fromtimestamp(named_s, self._rules).utcoffset()
        assert offset is not None
        return offset // _SECOND

    def _readings(self, local_s: int) -> tuple[int, int]:
        shown = (_EPOCH + timedelta(seconds=local_s)).replace(tzinfo=self._rules)
        first, second = shown.utcoffset(), shown.replace(fold=1).utcoffset()
        assert first is not None
        assert second is not None
        return local_s - first // _SECOND, local_s - second // _SECOND

    def _end_of_skip(self, before: int, after: int) -> int:
        """The first instant in (before, after] with the offset that holds at `after`."""
        offset = self._offset(after)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == offset:
                after = middle
            else:
                before = middle
        return after


def zone_data_version() -> str:
    """The release of the time zone data that a proof computes by."""
    return str(import_module("tzdata").IANA_VERSION)


@lru_cache(maxsize=600)
def zone_days(name: str) -> ZoneDays:
    """The days of the zone called `name`.

    Raises:
        UnreadableSchedule: the package knows no such zone.
    """
    if not name.isascii() or ".." in name or name.startswith("/") or "\0" in name:
        raise UnreadableSchedule(f"{name[:60]!r} is no time zone")
    try:
        with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as source:
            rules = ZoneInfo.from_file(source, key=name)
    except (OSError, ValueError) as error:
        raise UnreadableSchedule(f"{name[:60]!r} is no time zone") from error
    return ZoneDays(rules)
