"""All fires of a window, listed or counted, in whole epoch seconds.

Within a stretch of constant offset fires are expanded minute by minute (or only counted, month by month)
rather than searched one at a time. Guarantee: the same instants as repeated `next_after_s`; no work is done
past the limit, or more than 100 years after the window's start.
"""

from collections.abc import Iterator
from itertools import islice

from horolog.domain.cron.bits import members
from horolog.domain.cron.search import HORIZON_S, fires_at_gap_end, resume
from horolog.domain.cron.spec import CronSpec
from horolog.domain.cron.wall import count_walls, next_wall
from horolog.domain.cron.zone import FIRST_S, LAST_S, Zone


def fires_between_s(spec: CronSpec, zone: Zone, after_s: int, until_s: int, limit: int) -> list[int]:
    """The first `limit` fires in (after_s, until_s], ascending."""
    return list(islice(_fires(spec, zone, after_s, until_s), limit))


def count_between(spec: CronSpec, zone: Zone, after_s: int, until_s: int, cap: int) -> int:
    """How many fires lie in (after_s, until_s], or `cap` if there are at least that many."""
    moment, until = _bounds(after_s, until_s)
    count = 0
    while moment <= until and count < cap:
        stretch = zone.stretch_at(moment)
        start, end, offset, shown = stretch
        wall = moment + offset
        stop = min(end, until + 1) + offset
        if not spec.interval:
            if moment == start and fires_at_gap_end(spec, stretch):
                count += 1
                wall += 1
            wall = max(wall, shown)
        count += count_walls(spec, wall, stop)
        moment = end
    return min(count, cap)


def _fires(spec: CronSpec, zone: Zone, after_s: int, until_s: int) -> Iterator[int]:
    moment, until = _bounds(after_s, until_s)
    seconds = members(spec.seconds)
    while moment <= until:
        stretch = zone.stretch_at(moment)
        start, end, offset, shown = stretch
        wall = moment + offset
        stop = min(end, until + 1) + offset
        if not spec.interval:
            if moment == start and fires_at_gap_end(spec, stretch):
                yield moment
                wall += 1
            wall = max(wall, shown)
        found = next_wall(spec, wall)
        while found < stop:
            minute = found - found % 60
            yield from (minute + second - offset for second in seconds if found <= minute + second < stop)
            wall = minute + 60
            found = next_wall(spec, wall)
        moment = resume(wall - offset, end, found - offset)


def _bounds(after_s: int, until_s: int) -> tuple[int, int]:
    return max(after_s + 1, FIRST_S), min(until_s, after_s + HORIZON_S, LAST_S)
