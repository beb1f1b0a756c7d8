"""Job changes into rows: the latest row of each job, and every change for its history."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from horolog.domain.cron import CronError, ZoneError, next_after, parse, zone
from projections.fold_executions import json_text
from projections.rows import JobRow, JobVersionRow
from schemas.events.jobs import JobChanged
from schemas.jobs import Job, JobDefinition, JobStatus


def fold_jobs(changes: Iterable[JobChanged]) -> list[JobRow]:
    """The last state of each job, in the order of ids."""
    last: dict[str, JobChanged] = {}
    for change in changes:
        known = last.get(change.job_id)
        if known is None or change.job.version > known.job.version:
            last[change.job_id] = change
    return [_job_row(last[job_id]) for job_id in sorted(last)]


def fold_versions(changes: Iterable[JobChanged]) -> list[JobVersionRow]:
    """One row for each version; a version told again is the one that was told first."""
    first: dict[tuple[str, int], JobChanged] = {}
    for change in changes:
        first.setdefault((change.job_id, change.job.version), change)
    return [_version_row(change) for change in first.values()]


def next_execution_at(definition: JobDefinition, after: datetime) -> datetime | None:
    """The next instant that an active job's schedule names after `after`, within its own window.

    None when there is none, and for an expression or a zone that this version cannot read.
    """
    if definition.start_date is not None:
        after = max(after, definition.start_date - timedelta(microseconds=1))
    try:
        fire = next_after(parse(definition.cron_expression), zone(definition.timezone), after)
    except (CronError, ZoneError):
        return None
    late = fire is not None and definition.end_date is not None and fire > definition.end_date
    return None if late else fire


def planned_next(job: Job, at: datetime) -> datetime | None:
    """What the job's row tells of the next instant: the first after the change at `at` that made the job so."""
    if job.deleted or job.status is not JobStatus.ACTIVE:
        return None
    return next_execution_at(job.definition, max(at, job.effective_from))


def _job_row(change: JobChanged) -> JobRow:
    job, definition = change.job, change.job.definition
    return JobRow(
        id=job.job_id,
        tenant_id=job.tenant_id,
        next_execution_at=planned_next(job, change.at),
        version=job.version,
        schedule_version=job.schedule_version,
        effective_from=job.effective_from,
        created_at=job.created_at,
        updated_at=job.updated_at,
        deleted_at=change.at if job.deleted else None,
        status=job.status.value,
        name=definition.name,
        description=definition.description,
        cron_expression=definition.cron_expression,
        timezone=definition.timezone,
        job_type=definition.job_type.value,
        config=definition.config.to_json().decode(),
        retry_config=definition.retry_config.to_json().decode() if definition.retry_config else None,
        timeout_seconds=definition.timeout,
        max_concurrent=definition.max_concurrent,
        priority=definition.priority,
        start_date=definition.start_date,
        end_date=definition.end_date,
        max_executions=definition.max_executions,
        created_by=job.created_by,
        tags=json_text(list(definition.tags)) or "[]",
        definition=definition.to_json().decode(),
    )


def _version_row(change: JobChanged) -> JobVersionRow:
    return JobVersionRow(
        job_id=change.job_id,
        version=change.job.version,
        tenant_id=change.tenant_id,
        at=change.at,
        change=change.TYPE,
        actor=change.actor,
        reason=change.reason,
        command_id=change.command_id,
        after=change.job.to_json().decode(),
    )
