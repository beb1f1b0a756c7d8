"""What the API asks of the past of jobs, and the shapes in which it tells it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from horolog.domain.history import Difference, JobVersion, change_name, differences
from horolog.domain.history_fires import ScheduleSpan
from horolog.domain.sensitive import Config
from projections.views import JobView
from services.api.masking import masked_at


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
    """A version, and what it changed of the one before it; that a secret changed, but not from what to what."""
    found = differences(before.job if before else None, version.job)
    old, new = (one.job.definition.to_dict() if one else {} for one in (before, version))
    return {
        "version": version.job.version,
        "at": version.at,
        "until": version.until,
        "change": change_name(version.change),
        "status": version.job.status.value,
        "actor": version.actor,
        "reason": version.reason,
        "commandId": version.command_id,
        "diff": [_difference_body(d, old, new) for d in found],
    }


def _difference_body(found: Difference, old: Config, new: Config) -> dict[str, Any]:
    before, after = masked_at(found.path, found.before, old), masked_at(found.path, found.after, new)
    return {"path": found.path, "before": before, "after": after}
