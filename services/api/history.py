"""What the API asks of the past of jobs, and the shapes in which it tells it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from horolog.domain.history import JobVersion, change_name, differences
from horolog.domain.history_fires import ScheduleSpan
from projections.views import JobView


class HistoryReader(Protocol):
    """The past of jobs. Every call answers from that tenant's jobs only, deleted ones included.

    Every call raises `ReadModelUnavailable` when the database is gone; none ever blocks longer than its bound.
    """

    async def versions(self, tenant_id: str, job_id: str, below: int | None, limit: int) -> Sequence[JobVersion]:
        """The versions below a number (None: all), newest first."""
        ...

    async def job(self, tenant_id: str, job_id: str, at: datetime) -> JobView | None:
        """The job as it was at an instant; None where it did not exist yet, or no longer."""
        ...

    async def schedules(
        self, tenant_id: str, job_id: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[ScheduleSpan]:
        """The first schedules by which the job owed instants in [`start`, `end`), oldest first."""
        ...


def version_body(version: JobVersion, before: JobVersion | None) -> dict[str, Any]:
    """A version, and what it changed of the one before it."""
    found = differences(before.job if before else None, version.job)
    return {
        "version": version.job.version,
        "at": version.at,
        "until": version.until,
        "change": change_name(version.change),
        "status": version.job.status.value,
        "actor": version.actor,
        "reason": version.reason,
        "commandId": version.command_id,
        "diff": [{"path": d.path, "before": d.before, "after": d.after} for d in found],
    }
