"""The bodies of the REST API: what callers send, and what they get back.

Guarantee: field names are camelCase and part of the contract; a body that creates or updates is a `JobDefinition`. A
field documented without a default is always present, possibly null. Instants are UTC, in RFC 3339 form with `Z`.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from schemas.base import Body, JsonObject, Text, Uuid, Value
from schemas.events.executions import ExecutionStatus, TriggerType
from schemas.events.workers import Stall
from schemas.http_policies import JobPolicies
from schemas.jobs import ErrorType, JobDefinition, JobStatus, JobType

BATCH_COUNT_MAX = 100
SERVICE_NAME = "scheduler-service"


class Problem(Value):
    """One thing that is wrong with a request. `cronField` and `reason` are there when it is the cron expression."""

    field: str
    message: str
    cron_field: str | None = None
    reason: str | None = None


class ErrorDetail(Value):
    """What went wrong: a code to act on, a sentence to read, and what else there is to know."""

    code: str
    message: str
    details: JsonValue = None


class ErrorResponse(Value):
    """Every error of the public API."""

    error: ErrorDetail
    timestamp: datetime
    path: str


class InternalErrorResponse(Value):
    """Every error of the internal API."""

    success: Literal[False]
    error_code: str
    message: str
    timestamp: datetime
    service_name: Literal["scheduler-service"]


class ReasonBody(Body):
    """Why the caller asks; kept in the audit trail."""

    reason: Annotated[Text, Field(max_length=1000)] | None = None


class TriggerBody(ReasonBody):
    """`parameters` are merged over a function job's own."""

    parameters: JsonObject | None = None


class JobResponse(JobPolicies):
    """A job. `timeout` is in seconds; `nextExecutionAt` is computed when the answer is given."""

    id: str
    name: str
    description: str | None
    status: JobStatus
    cron_expression: str
    timezone: str
    job_type: JobType
    config: dict[str, JsonValue]
    retry_config: dict[str, JsonValue] | None
    timeout: int
    priority: int
    max_concurrent: int
    start_date: datetime | None
    end_date: datetime | None
    max_executions: int | None
    tags: tuple[str, ...]
    next_execution_at: datetime | None
    last_execution_at: datetime | None
    execution_count: int
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class JobPage(Value):
    """Jobs, newest first. `nextCursor` is null on the last page."""

    items: tuple[JobResponse, ...]
    next_cursor: str | None


class ValidationResponse(Value):
    """Whether a definition is good, all that is wrong with it, and its next ten instants."""

    valid: bool
    problems: tuple[Problem, ...]
    next_executions: tuple[datetime, ...]


class ExecutionSummary(Value):
    """A row of the ledger without the job's own result; in ms and MiB. `lateBy`: nominal instant to (last) start."""

    id: str
    execution_id: str
    job_id: str
    trigger_type: TriggerType
    triggered_by: str | None
    status: ExecutionStatus
    reason: str | None
    blocked_by: str | None
    progress: Annotated[int, Field(ge=0, le=100)]
    scheduled_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    error_type: ErrorType | None
    error_code: str | None
    error_message: str | None
    attempt: int
    retry_count: int
    retry_at: datetime | None
    worker_id: str | None
    memory_peak_mb: int | None
    cpu_time_ms: int | None
    missed_until: datetime | None
    missed_count: int | None
    late_count: int
    late_by: int | None
    created_at: datetime


class ExecutionResponse(ExecutionSummary):
    """One whole row of the ledger. `result` is the job's own; `metadata` what the job type adds to it."""

    result: JsonValue
    metadata: JsonValue
    error_stack: str | None


class ExecutionPage(Value):
    """Executions, newest first. `nextCursor` is null on the last page."""

    items: tuple[ExecutionSummary, ...]
    next_cursor: str | None


class ExecutionStatistics(Value):
    """Counts over [`from`, `to`) by nominal instant, and of the current UTC day. Times are in milliseconds."""

    start: Annotated[datetime, Field(alias="from")]
    end: Annotated[datetime, Field(alias="to")]
    total: int
    by_status: dict[str, int]
    success_rate: float | None
    average_duration_ms: float | None
    p50_duration_ms: float | None
    p95_duration_ms: float | None
    timeout_count: int
    retried_count: int
    failures_by_type: dict[str, int]
    today: dict[str, int]


class MetricsResponse(Value):
    """The tenant's figures; executions are those of the time range asked for. Rates are fractions from 0 to 1."""

    total_jobs: int
    active_jobs: int
    paused_jobs: int
    total_executions: int
    successful_executions: int
    failed_executions: int
    cancelled_executions: int
    average_execution_time: float
    queue_length: int
    active_workers: int
    error_rate: float
    timeout_rate: float
    retry_rate: float


class QueueState(Value):
    """The tenant's executions that wait (`delayed`: for a retry) or run."""

    queue_name: str
    pending_count: int
    running_count: int
    delayed_count: int
    oldest_pending_at: datetime | None
    oldest_pending_age_seconds: float | None


class QueuesResponse(Value):
    """Every queue of the tenant."""

    queues: tuple[QueueState, ...]


class SetAside(Value):
    """A partition whose dispatcher hands a worker nothing more, and the way in which the worker stalls."""

    partition: int
    stall: Stall


class WorkerResponse(Value):
    """A worker process. `live` is false once its last sign of life is older than a lease.

    `set_aside` names the partitions that hand it nothing, for it beats and does not work. `control_groups` are the
    resources (memory, processes, cpu) that it bounds for each attempt as a whole. One with `functions` runs these
    registered ones and nothing else; one without runs everything but such.
    """

    worker_id: str
    state: str
    live: bool
    capacity: int
    held_count: int
    running_count: int
    finished_count: int
    host: str
    pid: int
    isolation: str
    control_groups: tuple[str, ...]
    functions: tuple[str, ...] | None
    memory_mb: int
    started_at: datetime
    last_beat_at: datetime
    set_aside: tuple[SetAside, ...]


class WorkersResponse(Value):
    """The worker processes seen lately."""

    workers: tuple[WorkerResponse, ...]


class CommandLinks(Value):
    """Where to look further."""

    self: str
    job: str | None = None
    execution: str | None = None


class CommandAnswer(Value):
    """`accepted`: written to the log; `applied`: in force; `rejected`: without any effect, and why."""

    command_id: Uuid
    status: Literal["accepted", "applied", "rejected"]
    links: CommandLinks
    error: ErrorDetail | None = None


class TenantBody(Body):
    """The tenant that an internal call speaks for; it may be named by the header `X-Tenant-Id` instead."""

    tenant_id: Uuid | None = None


class InternalCreateBody(JobDefinition, TenantBody):
    """A job's definition, and for which tenant."""


class InternalReasonBody(ReasonBody, TenantBody):
    """Why the service asks, and for which tenant."""


class InternalTriggerBody(TriggerBody, TenantBody):
    """What the run is given, and for which tenant."""


class BatchCreateBody(TenantBody):
    """Up to 100 definitions, each judged by itself."""

    # Not strict: an array of JSON is no tuple.
    jobs: Annotated[tuple[JsonValue, ...], Field(min_length=1, max_length=BATCH_COUNT_MAX, strict=False)]


class InternalAnswer(Value):
    """What every successful internal answer begins with."""

    success: Literal[True]
    timestamp: datetime
    service_name: Literal["scheduler-service"]


class InternalJobAnswer(InternalAnswer):
    """One job."""

    data: JobResponse


class InternalExecutionAnswer(InternalAnswer):
    """One execution."""

    data: ExecutionResponse


class BatchItem(Value):
    """What became of the definition at `index`: a job, or the reason why there is none."""

    index: int
    success: bool
    job: JobResponse | None = None
    error_code: str | None = None
    message: str | None = None
    details: JsonValue = None


class BatchResult(Value):
    """How many were created, and what became of each, in the order sent."""

    created_count: int
    failed_count: int
    items: tuple[BatchItem, ...]


class InternalBatchAnswer(InternalAnswer):
    """The results of a batch; 200 even when some failed."""

    data: BatchResult


class JobRunState(Value):
    """What another service wants to know of a job: `runningExecutions` wait or run now."""

    job_id: str
    name: str
    status: JobStatus
    version: int
    next_execution_at: datetime | None
    last_execution_at: datetime | None
    execution_count: int
    running_executions: tuple[str, ...]


class InternalStatusAnswer(InternalAnswer):
    """The state of one job."""

    data: JobRunState
