"""The instants that a job owed, owes and will owe, and what the clocks' changes do to them.

Guarantee: the same instants as the ticker's. Each version of a schedule owes those after it took effect, up to and
with the instant at which the next took effect, within the job's dates (both included). A schedule that can no longer
be understood (its zone was withdrawn) owes nothing, there as here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

from horolog.domain import cron
from horolog.domain.cron.search import fires_at_gap_end

Transition = Literal["gap-shifted", "first-of-two", "second-of-two"]
"""`gap-shifted`: it stands for a local time that the clocks skipped. The others: its local time comes twice."""

SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TURN_S_MAX = 26 * 3600
"""Further than any two offsets are apart."""
_LAST_S = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // SECOND - _TURN_S_MAX
"""Later instants may have a local time that no calendar of ours names."""
_compiled = lru_cache(maxsize=20_000)(cron.parse)


@dataclass(frozen=True, slots=True)
class ScheduleSpan:
    """One version of a schedule, in force after `after` up to and with `until` (None: still)."""

    cron_expression: str
    timezone: str
    start_date: datetime | None
    end_date: datetime | None
    after: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fire:
    """One instant in UTC, and the same on the wall clock of the schedule's zone."""

    at: datetime
    local: datetime
    dst: Transition | None


def owed(spans: Sequence[ScheduleSpan], start: datetime, end: datetime | None, limit: int) -> list[Fire]:
    """The first `limit` instants in [`start`, `end`) of spans that follow each other; at most 100 years ahead."""
    fires: list[Fire] = []
    for span in spans:
        found = _plan(span)
        if found is not None and len(fires) < limit:
            spec, place = found
            after_s, until_s = _bounds(span, start, end)
            instants = cron.fires_between_s(spec, place, after_s, until_s, limit - len(fires))
            fires += [_fire(spec, place, instant) for instant in instants]
    return fires


def count_owed(span: ScheduleSpan, start: datetime, end: datetime, cap: int) -> int:
    """How many instants of a span lie in [`start`, `end`), or `cap` if there are at least that many."""
    found = _plan(span)
    return 0 if found is None else cron.count_between(*found, *_bounds(span, start, end), cap)


def next_second(instant: datetime) -> datetime:
    """The first whole second after an instant."""
    return instant.replace(microsecond=0) + SECOND


def transition_of(spec: cron.CronSpec, place: cron.Zone, epoch_s: int) -> Transition | None:
    """What a change of the clocks has to do with an instant that the schedule owes."""
    stretch = place.stretch_at(epoch_s)
    if not spec.interval and epoch_s == stretch.start and fires_at_gap_end(spec, stretch):
        return "gap-shifted"
    wall = epoch_s + stretch.offset
    if wall < stretch.shown:
        return "second-of-two"
    while stretch.end - epoch_s <= _TURN_S_MAX:
        stretch = place.stretch_at(stretch.end)
        if stretch.start <= wall - stretch.offset < stretch.end:
            return "first-of-two"
    return None


def _plan(span: ScheduleSpan) -> tuple[cron.CronSpec, cron.Zone] | None:
    try:
        return _compiled(span.cron_expression), cron.zone(span.timezone)
    except (cron.CronError, cron.ZoneError):
        return None


def _bounds(span: ScheduleSpan, start: datetime, end: datetime | None) -> tuple[int, int]:
    """The seconds (after, until] that are both within the window and within the span."""
    after = [_ceiling_s(start) - 1, _floor_s(span.after)]
    until = [_LAST_S]
    if span.start_date is not None:
        after.append(_ceiling_s(span.start_date) - 1)
    if end is not None:
        until.append(_ceiling_s(end) - 1)
    until += [_floor_s(bound) for bound in (span.until, span.end_date) if bound is not None]
    return max(after), min(until)


def _fire(spec: cron.CronSpec, place: cron.Zone, epoch_s: int) -> Fire:
    at = _EPOCH + timedelta(seconds=epoch_s)
    offset = timedelta(seconds=place.stretch_at(epoch_s).offset)
    return Fire(at, at.astimezone(timezone(offset)), transition_of(spec, place, epoch_s))


def _floor_s(instant: datetime) -> int:
    return (instant - _EPOCH) // SECOND


def _ceiling_s(instant: datetime) -> int:
    return -((_EPOCH - instant) // SECOND)
