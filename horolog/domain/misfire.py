"""What becomes of instants that nobody was there to fire, by the job's misfire policy.

Guarantee: of a gap's instants those from the one named here on fire late, and those before it are missed; so each is
dealt with once. How old an instant may be is measured when the gap is judged.
"""

from datetime import datetime

from horolog.domain.cron import CronSpec, Zone, count_between, next_after_s
from horolog.domain.execution import Execution
from schemas.jobs import Misfire, MisfirePolicy


def caught_up_from(misfire: Misfire, spec: CronSpec, zone: Zone, gap: tuple[int, int], now_s: int) -> int | None:
    """The first instant of the gap that fires after all, in epoch seconds; None when every one of them is missed.

    `gap` is the first and the last instant that went by. The cost does not grow with their number.
    """
    first_s, last_s = gap
    oldest_s = max(first_s, now_s - misfire.max_age)
    if misfire.policy is MisfirePolicy.SKIP or last_s < oldest_s:
        return None
    if misfire.policy is MisfirePolicy.LATEST:
        return last_s
    return _newest(misfire.max_count, spec, zone, (oldest_s, last_s))


def paced(misfire: Misfire, newest: Execution | None, now: datetime) -> datetime:
    """From when on the next execution that catches up may begin: `rate` a second, after the newest that still waits."""
    return now if newest is None else max(now, newest.due_at + misfire.interval())


def _newest(count_max: int, spec: CronSpec, zone: Zone, span: tuple[int, int]) -> int | None:
    """The first of the newest `count_max` instants of a span that ends with an instant, found by halving it."""
    first_s, last_s = span
    too_early, late_enough = first_s - 1, last_s - 1
    if count_between(spec, zone, too_early, last_s, count_max + 1) <= count_max:
        return next_after_s(spec, zone, too_early)
    while late_enough - too_early > 1:
        middle = (too_early + late_enough) // 2
        if count_between(spec, zone, middle, last_s, count_max + 1) > count_max:
            too_early = middle
        else:
            late_enough = middle
    return next_after_s(spec, zone, late_enough)
