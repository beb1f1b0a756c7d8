"""When a day in UTC is over for good, as far as copies of its figures go.

What ran into the next day, and instants that an outage has left to be accounted for, still change a day after its end.
So it is copied some time later, and whoever writes tells of every change from a little before that on: the two limits
differ, so that clocks that differ by less have no say in it.
"""

from datetime import UTC, date, datetime, time, timedelta

COPIED_AFTER = timedelta(hours=2)
"""How long after its end a day is copied at the earliest."""
TOLD_AFTER = timedelta(hours=1)
"""How long after its end changes of a day are told."""

TenantDay = tuple[str, date]
"""A tenant, and a day in UTC."""


def beginning(day: date) -> datetime:
    """The first instant of a day."""
    return datetime.combine(day, time(), UTC)


def is_copied(day: date, now: datetime) -> bool:
    """Whether a day's figures may be copied."""
    return beginning(day) + timedelta(days=1) + COPIED_AFTER <= now


def told_before(now: datetime) -> datetime:
    """Changes of instants before this one are told."""
    return beginning((now - TOLD_AFTER).astimezone(UTC).date())
