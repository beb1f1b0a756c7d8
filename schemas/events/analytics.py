"""Figures that are derived from the ledger: topic `analytics.v1`, written by the analytics worker.

They are no facts: whoever loses them computes them again from `executions.v1`. A window is told again whenever it has
changed, whole each time; of two of the same window that with the larger `through` is the newer one.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Message, UtcTime, Value

Count = Annotated[int, Field(ge=0)]


class Lateness(Value):
    """How long after their instants first attempts began, in milliseconds, over `count` of them."""

    count: Count = 0
    sum_ms: Count = 0
    max_ms: Count = 0


class Tally(Value):
    """How many of each the ledger told of in a window. `missed` counts instants, all else executions.

    `retried` are attempts that failed and are followed by another.
    """

    admitted: Count = 0
    started: Count = 0
    completed: Count = 0
    failed: Count = 0
    cancelled: Count = 0
    skipped: Count = 0
    missed: Count = 0
    retried: Count = 0
    lateness: Lateness = Lateness()


class WindowMeasured(Message):
    """What was decided for a tenant from `window_start` on, for `window_seconds`, as far as it was counted.

    `through` is the offset in `executions.v1`, in the partition of the same number, of the last record counted in it.
    """

    TYPE: ClassVar[str] = "io.horolog.analytics.window-measured.v1"
    window_start: UtcTime
    window_seconds: Annotated[int, Field(ge=1, le=3600)]
    through: Count
    tally: Tally

    def message_id(self) -> str:
        return f"{self.tenant_id}/{self.window_start.isoformat()}/{self.through}"
