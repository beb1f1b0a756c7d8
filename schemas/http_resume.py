"""The bodies that resume a job (why, and whether the time between is to be made up for), and the preview of that.

Guarantee: as in `schemas.http`, whose conventions hold here too.
"""

from datetime import datetime

from schemas.base import Value
from schemas.http import ReasonBody, TenantBody
from schemas.http_history import Transition
from schemas.jobs import JobStatus, Misfire


class ResumeBody(ReasonBody):
    """With `catchUp` the instants since the job ceased to be active are dealt with by its misfire policy."""

    catch_up: bool = False


class InternalResumeBody(ResumeBody, TenantBody):
    """Why the service asks, for which tenant, and what is to be made up for."""


class LateFire(Value):
    """One instant that would fire late: in UTC, and on the wall clock of the job's zone; `dst` as in the fires."""

    at: datetime
    local_time: datetime
    dst: Transition | None


class ResumeOutlook(Value):
    """What one way to resume would do with the `instantCount` instants after `inForceFrom` and up to now.

    The earliest `missedCount` are missed, the first and the last of them at `missedFrom` and `missedUntil`. The next
    `lateCount` fire late, one after the other at `rate` a second (null: the policy lets no more than one fire); the
    last of them would begin at `lateUntil`, or later if the job has no slot free. The latest `promptCount` have come
    in the last minute: they fire at once, as if they were on time. `late` lists the first 100 of those that fire late.
    """

    in_force_from: datetime
    instant_count: int
    missed_count: int
    missed_from: datetime | None
    missed_until: datetime | None
    late_count: int
    late_until: datetime | None
    rate: float | None
    prompt_count: int
    late: tuple[LateFire, ...]


class ResumePreview(Value):
    """What a resume would do as of `at`, without and with `catchUp`; null where it would do nothing: the job is active.

    `runsLeft` is how many more runs `maxExecutions` allows (null: no limit); what comes after these does not run.
    """

    job_id: str
    status: JobStatus
    version: int
    timezone: str
    at: datetime
    misfire: Misfire
    runs_left: int | None
    without_catch_up: ResumeOutlook | None
    with_catch_up: ResumeOutlook | None
