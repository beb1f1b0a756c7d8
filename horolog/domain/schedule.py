"""Which instants a job owes, version by version.

A job's definition may change while fires computed from an older version are on their way. An instant is governed by
the latest schedule version that took effect strictly before it. A fire that the governing version did not name is
void; the governing version's own fire for that instant, if it names it, has the same identity and counts.

What a version owes follows from the job's versions alone: while it is active, the instants after its `effective_from`
up to and with the smallest `effective_from` of any later version. A resume that catches up is in force from when the
job ceased to be active, which may be before the versions in between; those were not active and owed nothing.
"""

from datetime import datetime, timedelta

from schemas.jobs import Job, JobDefinition, JobStatus, ScheduleChange

LATE_FOR = timedelta(hours=1)
LATE_KEPT_COUNT = 100


def governs(job: Job, schedule_version: int, instant: datetime) -> bool:
    """Whether `schedule_version` of the job governs the instant.

    A version too old to be remembered governs nothing that is newer than the oldest remembered change.
    """
    governing: ScheduleChange | None = None
    for change in job.schedule_changes:
        if change.effective_from < instant:
            governing = change
    if governing is not None:
        return governing.schedule_version == schedule_version
    oldest = job.schedule_changes[0] if job.schedule_changes else None
    return oldest is not None and schedule_version < oldest.schedule_version


def same_instants(before: JobDefinition, after: JobDefinition) -> bool:
    """Whether both definitions owe the same instants, so that the schedule's version need not rise."""
    return (
        before.cron_expression == after.cron_expression
        and before.timezone == after.timezone
        and before.start_date == after.start_date
        and before.end_date == after.end_date
    )


def owes_fires(job: Job) -> bool:
    """Whether the job's schedule is in force at all."""
    return job.status is JobStatus.ACTIVE and not job.deleted


def resumed_from(job: Job, now: datetime, catch_up: bool) -> datetime:
    """From when on a job that is not active is in force again: now, or from when it ceased to be.

    Never before `inactive_since`: up to then instants may have been decided on. Jobs that ceased to be active before
    this was noted did so with their last change of schedule.
    """
    since = job.inactive_since
    if catch_up:
        return since or job.effective_from
    return now if since is None else max(now, since)


def with_change(job: Job, at: datetime, kept_count: int) -> Job:
    """The job with its schedule's version raised, in force after `at`.

    The newest `kept_count` changes are remembered, and of older ones those of the last hour, for fires that an owner
    that was away computed from them may still come.
    """
    version = job.schedule_version + 1
    changes = (*job.schedule_changes, ScheduleChange(schedule_version=version, effective_from=at))
    late = [change for change in changes[:-kept_count] if change.effective_from > at - LATE_FOR]
    return job.model_copy(
        update={
            "schedule_version": version,
            "effective_from": at,
            "schedule_changes": (*late[-LATE_KEPT_COUNT:], *changes[-kept_count:]),
        }
    )
