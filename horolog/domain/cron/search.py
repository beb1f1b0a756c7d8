"""The fire after and the fire before an instant, in whole epoch seconds.

The search walks the zone's stretches of constant offset, in each of which wall time and instant differ by
a constant. Guarantee: an answer is strictly after (before) the instant asked about and at most `HORIZON_S`
away; quiet years are jumped over, so a search visits few stretches.
"""

from horolog.domain.cron.spec import CronSpec
from horolog.domain.cron.wall import DAY_S, next_wall, previous_wall
from horolog.domain.cron.zone import FIRST_S, LAST_S, Stretch, Zone

HORIZON_S = 36_525 * DAY_S

# Further from any transition than a clock was ever turned, and than two offsets can differ.
_QUIET_S = 2 * DAY_S


def next_after_s(spec: CronSpec, zone: Zone, epoch_s: int) -> int | None:
    """The smallest fire after `epoch_s`; None if the next 100 years (up to year 9999) have none."""
    moment = max(epoch_s + 1, FIRST_S)
    limit = min(epoch_s + HORIZON_S, LAST_S)
    while moment <= limit:
        stretch = zone.stretch_at(moment)
        start, end, offset, shown = stretch
        wall = moment + offset
        if not spec.interval and shown != wall:
            if moment == start and fires_at_gap_end(spec, stretch):
                return moment
            wall = max(wall, shown)
        fire = next_wall(spec, wall) - offset
        if fire < end:
            return fire if fire <= limit else None
        moment = resume(moment, end, fire)
    return None


def previous_before_s(spec: CronSpec, zone: Zone, epoch_s: int) -> int | None:
    """The largest fire before `epoch_s`; None if the 100 years before (down to year 1) have none."""
    moment = min(epoch_s - 1, LAST_S)
    limit = max(epoch_s - HORIZON_S, FIRST_S)
    while moment >= limit:
        stretch = zone.stretch_at(moment)
        start, _, offset, shown = stretch
        first = start if spec.interval else max(start, shown - offset)
        fire = previous_wall(spec, moment + offset) - offset
        if fire >= first:
            return fire if fire >= limit else None
        if not spec.interval and fires_at_gap_end(spec, stretch):
            return start if start >= limit else None
        jump = min(start - 1, fire + _QUIET_S)
        moment = jump if moment - start >= _QUIET_S else start - 1
    return None


def fires_at_gap_end(spec: CronSpec, stretch: Stretch) -> bool:
    """Whether a fixed-time schedule matches in a gap, shorter than 24 h, just before the stretch."""
    begin = stretch.start + stretch.offset
    return 0 < begin - stretch.shown < DAY_S and next_wall(spec, stretch.shown) < begin


def resume(moment: int, end: int, fire: int) -> int:
    """Where to go on if a search from `moment` found nothing before `end`, but `fire` with this offset.

    A search begun far from the transition has seen all that an overlap could repeat, so everything up to
    shortly before `fire` is known to be silent.
    """
    return max(end, fire - _QUIET_S) if end - moment >= _QUIET_S else end
