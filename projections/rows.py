"""The row changes that a batch of facts comes to: one for each row, folded to the last state.

`ExecutionRow` is a patch: it holds what the batch says, and `carried` which groups of columns that is. Merging a
later event into it here and merging it into the stored row (`sql/upsert_executions.sql`) follow the same rules, so
it makes no difference where one batch ends and the next begins.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from horolog.domain.audit import Entry

CARRIES_STATE = 1
CARRIES_PROGRESS = 2


@dataclass(slots=True)
class ExecutionRow:
    """What a batch says of one row of `job_executions`. Built up inside one fold, then never changed."""

    id: str
    scheduled_at: datetime
    tenant_id: str
    job_id: str
    created_at: datetime
    seq: int = 0
    carried: int = 0
    status: str = "pending"
    trigger_type: str = "scheduled"
    triggered_by: str | None = None
    job_version: int | None = None
    attempt: int = 0
    worker_id: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    duration_ms: int | None = None
    progress: int = 0
    reason: str | None = None
    blocked_by: str | None = None
    result: str | None = None
    metadata: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    error_stack: str | None = None
    retry_at: datetime | None = None
    memory_peak_mb: int | None = None
    cpu_time_ms: int | None = None
    missed_until: datetime | None = None
    missed_count: int | None = None
    late_count: int = 0
    cancelled_by: str | None = None


@dataclass(frozen=True, slots=True)
class JobRow:
    """One whole row of `scheduled_jobs`, but for what its executions add to it."""

    id: str
    tenant_id: str
    next_execution_at: datetime | None
    version: int
    schedule_version: int
    effective_from: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    status: str
    name: str
    description: str | None
    cron_expression: str
    timezone: str
    job_type: str
    config: str
    retry_config: str | None
    timeout_seconds: int
    max_concurrent: int
    priority: int
    start_date: datetime | None
    end_date: datetime | None
    max_executions: int | None
    created_by: str
    tags: str
    definition: str


@dataclass(frozen=True, slots=True)
class JobVersionRow:
    """One change of one job: a row of `job_versions`."""

    job_id: str
    version: int
    tenant_id: str
    at: datetime
    change: str
    actor: str
    reason: str | None
    command_id: str | None
    after: str


@dataclass(frozen=True, slots=True)
class TenantRow:
    """One whole row of `tenants`."""

    tenant_id: str
    version: int
    state: str
    name: str
    settings: str
    own_settings: bool
    disabled_owners: str
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TenantChangeRow:
    """One change of one tenant: a row of `tenant_changes`."""

    tenant_id: str
    version: int
    at: datetime
    action: str
    actor: str
    reason: str | None
    command_id: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class BegunRow:
    """An execution of which an attempt is known: its job counts it, once."""

    id: str
    scheduled_at: datetime
    job_id: str


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """One row of `command_outcomes`."""

    command_id: str
    tenant_id: str
    accepted: bool
    request_hash: str
    at: datetime
    effective_at: datetime | None = None
    job_id: str | None = None
    job_version: int | None = None
    execution_id: str | None = None
    execution_seq: int | None = None
    code: str | None = None
    message: str | None = None
    details: str | None = None
    tenant_version: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One row of `workers`."""

    worker_id: str
    state: str
    capacity: int
    held_count: int
    running_count: int
    finished_count: int
    host: str
    pid: int
    isolation: str
    control_groups: str
    functions: str | None
    memory_mb: int
    started_at: datetime
    last_beat_at: datetime


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """One row of `partition_owners`."""

    role: str
    partition: int
    owner: str
    epoch: int
    acquired_at: datetime
    last_checkpoint_at: datetime
    watermark: datetime | None
    positions: str
    replay_from: int | None
    zone_data: str
    set_aside: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that a batch changes. `applied` are the commands whose effect it makes visible."""

    executions: Sequence[ExecutionRow] = ()
    jobs: Sequence[JobRow] = ()
    versions: Sequence[JobVersionRow] = ()
    begun: Sequence[BegunRow] = ()
    outcomes: Sequence[OutcomeRow] = ()
    workers: Sequence[WorkerRow] = ()
    owners: Sequence[OwnerRow] = ()
    tenants: Sequence[TenantRow] = ()
    tenant_changes: Sequence[TenantChangeRow] = ()
    audit: Sequence[Entry] = ()
    applied: Sequence[str] = field(default=())


def _reader(row: type) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(column.name for column in fields(row)))


_READERS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    row: _reader(row)
    for row in (
        *(ExecutionRow, JobRow, JobVersionRow, BegunRow, OutcomeRow, WorkerRow, OwnerRow),
        *(TenantRow, TenantChangeRow),
    )
}


def columns(row: type, rows: Iterable[Any]) -> list[tuple[Any, ...] | None]:
    """The rows turned on their side: one tuple for each field of `row`, in the order of its definition.

    A field that no row has a value for is None instead. `unnest` fills up the shorter of its arrays with nulls, so
    that comes to the same, and is what most fields of most batches are.
    """
    turned = zip(*map(_READERS[row], rows), strict=True)
    return [None if column.count(None) == len(column) else column for column in turned]
