"""The figures of a tenant by the minute, as they are told over HTTP.

They are derived: what is missing or late here changes nothing, and what counts is the ledger (`GET /executions`).
"""

from datetime import datetime

from schemas.base import Value


class WindowLateness(Value):
    """How long after their instants first attempts began, in milliseconds; null where none did."""

    count: int
    average_ms: float | None
    max_ms: int | None


class WindowResponse(Value):
    """What was decided for the tenant in one window: counts, and what follows from them.

    `ended` is completed, failed and cancelled together. `endedPerSecond` is their rate; `failureRate` the share of
    failed among completed and failed, null where there are none. `missed` counts instants.
    """

    start: datetime
    seconds: int
    admitted: int
    started: int
    completed: int
    failed: int
    cancelled: int
    skipped: int
    missed: int
    retried: int
    ended: int
    ended_per_second: float
    failure_rate: float | None
    lateness: WindowLateness


class AnalyticsResponse(Value):
    """The windows of a range, oldest first; in which nothing was decided are left out."""

    start: datetime
    end: datetime
    windows: list[WindowResponse]
