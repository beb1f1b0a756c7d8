"""What the API can ask of the read models, and the rows it gets: the only part of this package that it imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from pydantic import JsonValue

from horolog.verify import Report, Window


@dataclass(frozen=True, slots=True)
class JobView:
    """One row of `scheduled_jobs`. `definition` is the job's definition as JSON (camelCase)."""

    id: str
    tenant_id: str
    name: str
    status: str
    version: int
    schedule_version: int
    definition: Mapping[str, JsonValue]
    execution_count: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    last_execution_at: datetime | None
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One row of `job_executions`, the ledger. Durations are in milliseconds."""

    execution_id: str
    tenant_id: str
    job_id: str
    trigger_type: str
    triggered_by: str | None
    status: str
    reason: str | None
    blocked_by: str | None
    progress: int
    scheduled_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    result: JsonValue
    metadata: JsonValue
    error_type: str | None
    error_code: str | None
    error_message: str | None
    error_stack: str | None
    attempt: int
    retry_count: int
    retry_at: datetime | None
    worker_id: str | None
    memory_peak_mb: int | None
    cpu_time_ms: int | None
    missed_until: datetime | None
    missed_count: int | None
    late_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """One row of `command_outcomes`, and whether the rows it speaks of have been applied (`visible`)."""

    command_id: str
    tenant_id: str
    accepted: bool
    request_hash: str
    effective_at: datetime | None
    job_id: str | None
    job_version: int | None
    execution_id: str | None
    code: str | None
    message: str | None
    details: Mapping[str, JsonValue] | None
    visible: bool
    tenant_version: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One row of `workers`, and who hands it nothing: for each partition that has set it aside the way it stalls."""

    worker_id: str
    state: str
    capacity: int
    held_count: int
    running_count: int
    finished_count: int
    host: str
    pid: int
    isolation: str
    memory_mb: int
    started_at: datetime
    last_beat_at: datetime
    control_groups: Sequence[str] = ()
    functions: Sequence[str] | None = None
    set_aside: Sequence[Mapping[str, JsonValue]] = ()


@dataclass(frozen=True, slots=True)
class OwnerView:
    """One row of `partition_owners`.

    `positions` are those of the inputs, by topic: the next offset to read. `zone_data` tells the releases of the time
    zone data that a ticker computes by, oldest first: `version`, and `after` which instant.
    """

    role: str
    partition: int
    owner: str
    epoch: int
    acquired_at: datetime
    last_checkpoint_at: datetime
    watermark: datetime | None
    positions: Mapping[str, int] = field(default_factory=dict)
    zone_data: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """What an active job's schedule says."""

    job_id: str
    tenant_id: str
    effective_from: datetime
    cron_expression: str
    timezone: str
    start_date: datetime | None
    end_date: datetime | None


@dataclass(frozen=True, slots=True)
class OwedFire:
    """A nominal instant of a job, and the id that its row in the ledger has."""

    fire_id: str
    job_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StatisticsView:
    """Counts over a time range; times in milliseconds."""

    total: int
    by_status: Mapping[str, int]
    average_duration_ms: float | None
    p50_duration_ms: float | None
    p95_duration_ms: float | None
    timeout_count: int
    retried_count: int
    failures_by_type: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class JobFilter:
    """All given conditions must hold; `text` is looked for in the name, and one of the tags `within` is carried."""

    status: str | None = None
    job_type: str | None = None
    tag: str | None = None
    text: str | None = None
    within: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """All given conditions must hold; the time range is from inclusive, to exclusive."""

    start: datetime | None = None
    end: datetime | None = None
    actor: str | None = None
    action: str | None = None
    object_id: str | None = None
    chain: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """All given conditions must hold; the time range is over `scheduled_at`, from inclusive, to exclusive.

    The job carries one of the tags `within`, or did when it was deleted.
    """

    status: str | None = None
    job_id: str | None = None
    tag: str | None = None
    trigger_type: str | None = None
    scheduled_from: datetime | None = None
    scheduled_to: datetime | None = None
    within: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: lists are newest first, ordered by (`at`, `id`), both descending."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class QueueView:
    """Waiting and running executions of a tenant."""

    pending_count: int
    running_count: int
    delayed_count: int
    oldest_pending_at: datetime | None


@dataclass(frozen=True, slots=True)
class TenantView:
    """One row of `tenants`. `settings` is what the tenant's settings are as JSON (camelCase).

    Without `own_settings` they say only who is barred beside those whom the default settings bar.
    """

    tenant_id: str
    version: int
    state: str
    settings: Mapping[str, JsonValue]
    created_by: str
    created_at: datetime
    updated_at: datetime
    own_settings: bool = True
    disabled_owners: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class UsageView:
    """How many of a tenant's executions ended in one way on one UTC day of their instants, and how long they ran."""

    day: date
    status: str
    count: int
    duration_ms: int


class ReadModelUnavailable(Exception):
    """PostgreSQL does not answer in time; nothing was read."""


class ReadModel(Protocol):
    """The queries of the API. Every tenant-scoped call returns rows of that tenant only.

    Every call raises `ReadModelUnavailable` when the database is gone; none ever blocks longer than its bound.
    """

    async def job(self, tenant_id: str, job_id: str) -> JobView | None: ...

    async def jobs(self, tenant_id: str, where: JobFilter, after: Cursor | None, limit: int) -> Sequence[JobView]:
        """Newest first by (`created_at`, `id`); deleted jobs are not listed."""
        ...

    async def job_counts(self, tenant_id: str | None) -> Mapping[str, int]:
        """Jobs by status, of one tenant or (None) of all."""
        ...

    async def execution(self, tenant_id: str, execution_id: str) -> ExecutionView | None: ...

    async def executions(
        self, tenant_id: str, where: ExecutionFilter, after: Cursor | None, limit: int
    ) -> Sequence[ExecutionView]:
        """Newest first by (`scheduled_at`, `execution_id`)."""
        ...

    async def running_executions(self, tenant_id: str, job_id: str, limit: int) -> Sequence[str]:
        """The ids of a job's executions that wait or run."""
        ...

    async def jobs_within(self, tenant_id: str, job_ids: Sequence[str], tags: Sequence[str]) -> Sequence[str]:
        """Of these jobs those that carry one of the tags, or did when they were deleted."""
        ...

    async def statistics(
        self,
        tenant_id: str,
        job_id: str | None,
        start: datetime,
        end: datetime,
        within: Sequence[str] | None = None,
    ) -> StatisticsView:
        """Over the executions of one job or of all; of jobs with one of the tags `within`, if there are any."""
        ...

    async def daily_counts(self, tenant_id: str, day: date, within: Sequence[str] | None = None) -> Mapping[str, int]:
        """Executions by status on one UTC day; `within` as in `statistics`."""
        ...

    async def queue(self, tenant_id: str | None) -> QueueView: ...

    async def workers(self, seen_after: datetime) -> Sequence[WorkerView]: ...

    async def owners(self) -> Sequence[OwnerView]: ...

    async def positions(self) -> Mapping[tuple[str, int], int]:
        """By topic and partition: the offset of the next record to apply."""
        ...

    async def active_schedules(self, after_id: str, limit: int) -> Sequence[ScheduleView]:
        """The next of all tenants' active jobs, in the order of ids."""
        ...

    async def unaccounted_fires(self, fires: Sequence[OwedFire], changed_before: datetime) -> Sequence[str]:
        """The ids of those fires of which the ledger does not tell, neither by a row nor by a missed range.

        Jobs that were resumed after `changed_before` are left out: they may owe a past that is being dealt with.
        """
        ...

    async def outcomes(self, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        """The outcomes known so far, in one query for all waiters, whosever they are."""
        ...

    async def outcomes_of(self, tenant_id: str, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        """Of these commands the tenant's own, as far as their outcomes are known."""
        ...

    async def verify_ledger(self, tenant_id: str, job_id: str | None, window: Window, work_max: int) -> Report:
        """The ledger's proof for one tenant, of all jobs or one.

        Raises:
            TooMuchWork: there are more than `work_max` versions, instants and rows to look at.
        """
        ...

    async def ping(self) -> None:
        """Raises `ReadModelUnavailable` when the database does not answer."""
