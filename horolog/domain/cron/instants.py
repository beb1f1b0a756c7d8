"""The searches on aware datetimes: thin conversions around the integer functions.

Instants go in with any time zone and any fraction of a second, and come out in UTC on a whole second.
A datetime without a time zone is refused with ValueError.
"""

from datetime import UTC, datetime, timedelta

from horolog.domain.cron.search import next_after_s, previous_before_s
from horolog.domain.cron.spec import CronSpec
from horolog.domain.cron.window import fires_between_s
from horolog.domain.cron.zone import Zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def next_after(spec: CronSpec, zone: Zone, instant: datetime) -> datetime | None:
    """The smallest fire strictly after `instant`; None if the next 100 years (up to year 9999) have none."""
    fire = next_after_s(spec, zone, _floor(instant))
    return None if fire is None else _moment(fire)


def previous_before(spec: CronSpec, zone: Zone, instant: datetime) -> datetime | None:
    """The largest fire strictly before `instant`; None if the 100 years before (down to year 1) have none."""
    fire = previous_before_s(spec, zone, _floor(instant) + (instant.microsecond > 0))
    return None if fire is None else _moment(fire)


def fires_between(spec: CronSpec, zone: Zone, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The first `limit` fires in (after, until], ascending; nothing beyond 100 years after `after`."""
    return [_moment(fire) for fire in fires_between_s(spec, zone, _floor(after), _floor(until), limit)]


def _floor(instant: datetime) -> int:
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    return (instant - _EPOCH) // _SECOND


def _moment(epoch_s: int) -> datetime:
    return _EPOCH + timedelta(seconds=epoch_s)
