"""What a caller may put after the question mark: every list's filters, bounded and typed.

An unknown parameter is refused rather than ignored, so that a misspelt filter never widens a list.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from horolog.limits import API_PAGE_COUNT_DEFAULT, API_PAGE_COUNT_MAX
from schemas.base import Text, UtcTime, Uuid, Value
from schemas.events.executions import ExecutionStatus, TriggerType
from schemas.jobs import JobStatus, JobType
from services.api.errors import ApiError

RANGE_DEFAULT = timedelta(days=1)

Tag = Annotated[Text, Field(min_length=1, max_length=50)]
Start = Annotated[UtcTime | None, Field(alias="from")]
End = Annotated[UtcTime | None, Field(alias="to")]


class PageQuery(Value):
    """How much, and from where on. `cursor` is the `nextCursor` of the page before."""

    limit: Annotated[int, Field(ge=1, le=API_PAGE_COUNT_MAX)] = API_PAGE_COUNT_DEFAULT
    cursor: Annotated[str, Field(max_length=400)] | None = None


class JobQuery(PageQuery):
    """Which jobs: all conditions must hold; `q` is looked for in the name."""

    status: JobStatus | None = None
    job_type: JobType | None = None
    tag: Tag | None = None
    q: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class JobExecutionQuery(PageQuery):
    """Which executions of a job: all conditions must hold; the time range is over the nominal instant."""

    status: ExecutionStatus | None = None
    trigger_type: TriggerType | None = None
    start: Start = None
    end: End = None


class ExecutionQuery(JobExecutionQuery):
    """Which executions of the tenant."""

    job_id: Uuid | None = None
    tag: Tag | None = None


class StatisticsQuery(Value):
    """The time range (default: the last 24 hours), and optionally one job."""

    job_id: Uuid | None = None
    start: Start = None
    end: End = None


class MetricsQuery(Value):
    """The time range of the executions counted (default: the last 24 hours)."""

    start: Start = None
    end: End = None


def time_range(start: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From inclusive, to exclusive: up to now and over the last 24 hours, where the caller does not say.

    Raises:
        ApiError: INVALID_PARAMETER when the range is empty.
    """
    end = end or now
    start = start or so_long_before(end, RANGE_DEFAULT)
    if start >= end:
        raise ApiError("INVALID_PARAMETER", "The time range is empty: `from` must precede `to`.")
    return start, end


def so_long_before(end: datetime, length: timedelta) -> datetime:
    """That much earlier; the first instant that there is where none is so early."""
    return max(end, datetime.min.replace(tzinfo=end.tzinfo) + length) - length
