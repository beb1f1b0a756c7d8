"""The past of jobs in memory: every version that the fake dispatcher brought about."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from horolog.domain.history import JobVersion
from horolog.domain.history_fires import ScheduleSpan
from projections.views import JobView
from schemas.commands import Command
from schemas.jobs import Job, JobDefinition, JobStatus

CHANGES = {"create": "created", "update": "updated", "pause": "paused", "resume": "resumed", "stop": "stopped"}


@dataclass
class MemoryHistory:
    """Implements `HistoryReader`."""

    versions_by_id: dict[str, list[JobVersion]] = field(default_factory=dict)
    views_by_id: dict[str, list[JobView]] = field(default_factory=dict)

    def note(self, view: JobView, command: Command, at: datetime, deleted: bool = False) -> None:
        """Take note of a job's new version."""
        versions = self.versions_by_id.setdefault(view.id, [])
        if versions:
            versions[-1] = replace(versions[-1], until=at)
        change = f"io.horolog.job.{CHANGES.get(command.TYPE.split('.')[3], 'deleted')}.v1"
        job = job_of(view, at, deleted)
        versions.append(JobVersion(job, at, None, change, command.actor, command.reason, command.command_id))
        self.views_by_id.setdefault(view.id, []).append(view)

    async def versions(self, tenant_id: str, job_id: str, below: int | None, limit: int) -> Sequence[JobVersion]:
        found = [v for v in self._of(tenant_id, job_id) if below is None or v.job.version < below]
        return found[::-1][:limit]

    async def job(self, tenant_id: str, job_id: str, at: datetime) -> JobView | None:
        found = [version for version in self._of(tenant_id, job_id) if version.at <= at]
        if not found or found[-1].job.deleted:
            return None
        return self.views_by_id[job_id][len(found) - 1]

    async def schedules(
        self, tenant_id: str, job_id: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[ScheduleSpan]:
        versions = self._of(tenant_id, job_id)
        in_force = [v for v in versions if v.at < end and (v.until is None or v.until >= start)]
        return [span_of(v) for v in in_force if v.job.status is JobStatus.ACTIVE and not v.job.deleted][:limit]

    def _of(self, tenant_id: str, job_id: str) -> list[JobVersion]:
        return [v for v in self.versions_by_id.get(job_id, []) if v.job.tenant_id == tenant_id]


def job_of(view: JobView, at: datetime, deleted: bool) -> Job:
    """The job as the log would know it."""
    return Job(
        job_id=view.id,
        tenant_id=view.tenant_id,
        definition=JobDefinition.model_validate(view.definition),
        status=JobStatus(view.status),
        version=view.version,
        schedule_version=view.schedule_version,
        effective_from=at,
        created_by=view.created_by,
        created_at=view.created_at,
        updated_at=at,
        deleted=deleted,
    )


def span_of(version: JobVersion) -> ScheduleSpan:
    """The schedule that was in force with a version."""
    definition = version.job.definition
    dates = (definition.start_date, definition.end_date)
    return ScheduleSpan(definition.cron_expression, definition.timezone, *dates, version.at, version.until)
