"""What the API tells of the scheduler itself: who owns which partition, how far everything is, and what is wrong.

Guarantee: what is open to all holds counts only, never a tenant or a job; those are named to the tenant itself and to
other services of the platform. Lags are counted in offsets: where a log writes marks between its records, the last
one may count as one record that is not there.
"""

from datetime import datetime
from typing import Literal

from schemas.base import Uuid, Value

Health = Literal["healthy", "unhealthy"]


class OwnerState(Value):
    """Who holds a partition for a role, since when (`acquiredAt`: the last takeover), and how far it is.

    `live` is false once its last sign of life is too old. `lag` is how much of its inputs it has not consumed; null
    while the log does not tell.
    """

    role: str
    partition: int
    owner: str
    epoch: int
    acquired_at: datetime
    last_checkpoint_at: datetime
    age_seconds: float
    watermark: datetime | None
    watermark_age_seconds: float | None
    lag: int | None
    live: bool


class ProjectionState(Value):
    """How much of a partition's facts the read models do not show yet; null while the log does not tell."""

    partition: int
    lag: int | None


class OverdueJob(Value):
    """A job of which an instant (`since`) has come, and of which nothing tells: neither an execution nor a reason.

    `unreadable`: its schedule can no longer be understood, so that it does not fire; `since` is its coming into force.
    """

    job_id: Uuid
    since: datetime
    reason: Literal["unaccounted", "unreadable"]


class TenantOverdueJob(OverdueJob):
    """An overdue job, and whose it is."""

    tenant_id: Uuid


class StatusResponse(Value):
    """`running` when every partition has a live owner that moves on, and no job of the caller's is overdue.

    `unowned` and `standing` name partitions (`role/partition`) without a live owner, and those whose ticker's watermark
    is too old. Of the caller's `overdueCount` jobs that are overdue, `overdueJobs` names the first ones.
    """

    status: Literal["running", "degraded"]
    timestamp: datetime
    partition_count: int
    owners: tuple[OwnerState, ...]
    unowned: tuple[str, ...]
    standing: tuple[str, ...]
    projections: tuple[ProjectionState, ...]
    overdue_count: int
    overdue_jobs: tuple[OverdueJob, ...]


class HealthServices(Value):
    """Whether the processes behind the API show signs of life."""

    ticker: Health
    dispatcher: Health
    executor: Health


class HealthDependencies(Value):
    """`jobQueue`: the log answers; `distributedLock`: every partition has a live owner; Redis may be gone safely.

    `schedules`: no schedule is overdue, every ticker moves on, and somebody has looked. `auditSink`: an outside service
    takes every chain of the audit trail that it is sent; the scheduler does not depend on that.
    """

    database: Health
    redis: Literal["healthy", "unhealthy", "disabled"]
    job_queue: Health
    distributed_lock: Health
    services: HealthServices
    schedules: Health
    audit_sink: Literal["healthy", "unhealthy", "disabled"]


class HealthMetrics(Value):
    """Figures of the whole system; null when the database does not answer. `memoryUsage` is in bytes."""

    active_jobs: int | None
    queue_size: int | None
    memory_usage: int


class HealthResponse(Value):
    """Unhealthy when the database, the log or an owner is missing, or schedules are overdue; `problems` say it all."""

    status: Health
    service: Literal["scheduler-service"]
    port: int
    dependencies: HealthDependencies
    metrics: HealthMetrics
    problems: tuple[str, ...]


class InternalHealthResponse(HealthResponse):
    """With a valid X-Service-Token `overdueJobs` names the first jobs that are overdue; without one it is null."""

    overdue_jobs: tuple[TenantOverdueJob, ...] | None
