"""What came of each fire: topic `executions.v1`, the ledger, written by the dispatcher.

Every event of an execution repeats its identity (tenant, job, nominal instant), so that any one of them can be
applied alone. `seq` rises by one with every event of one execution, from 1.
"""

from enum import StrEnum
from operator import not_
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Json, JsonObject, Message, Text, UtcTime, Uuid, Value
from schemas.jobs import ErrorType, JobType


class TriggerType(StrEnum):
    """Why the execution exists."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    RETRY = "retry"


class ExecutionStatus(StrEnum):
    """Terminal are all but `pending` and `running`."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    MISSED = "missed"


class Reason(StrEnum):
    """Why a fire did not run, or why a run ended without its own doing. Closed: each says what it means."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Reason":
        reason = str.__new__(cls, value)
        reason._value_, reason.meaning = value, meaning
        return reason

    PAUSED = "paused", "The job was paused, at the instant or before the execution began."
    STOPPED = "stopped", "The job was stopped by command; what waited or ran was ended."
    DELETED = "deleted", "The job was deleted; what waited or ran was ended, and what it still owed does not run."
    OVERLAP = "overlap", "As many executions as `maxConcurrent` allows went on; `blockedBy` names one in the way."
    QUEUE_FULL = "queue_full", "As many executions as `overlap.queueMax` allows waited; `blockedBy` names one of those."
    SUPERSEDED = "superseded", "A newer fire took its place (`overlap: cancelRunning`); `blockedBy` names that one."
    QUOTA = "quota", "The tenant has used up a quota: of executions that wait, or of fires in a minute."
    MAX_EXECUTIONS = "max_executions", "The job had run as often as `maxExecutions` allows."
    OUTSIDE_WINDOW = "outside_window", "The instant lay outside the job's time window. Not given by this version."
    MISFIRE = "misfire", "Nobody was there to fire it, and the job's `misfire` policy does not have it fire late."
    TENANT_SUSPENDED = "tenant_suspended", "The tenant was suspended, at the instant or before the execution began."
    OWNER_BARRED = "owner_barred", "Jobs that this job's creator made were not to run any more."
    NOT_ALLOWED = "not_allowed", "The tenant's jobs were not allowed to run this program or function."
    REQUESTED = "requested", "Somebody cancelled this execution."
    WORKER_LOST = "worker_lost", "Its worker was lost. Not given by this version: such a run fails, with this code."
    TIMED_OUT = "timed_out", "It outlasted its time. Not given by this version: such a run fails, with this code."


class Failure(Value):
    """Why an attempt failed: its class, a code of ours, and a sentence for a person."""

    type: ErrorType
    code: Annotated[Text, Field(max_length=50)]
    message: Annotated[Text, Field(max_length=4000)]
    stack: Annotated[Text, Field(max_length=16_000)] | None = None
    retryable: bool | None = None
    """Set when the job's own rule (such as retryOnStatusCodes) overrides the retry rule of the type."""


class Usage(Value):
    """What an attempt used: memory in MiB, CPU in milliseconds; `partial` when grandchildren escaped the count."""

    memory_peak_mb: int | None = None
    cpu_time_ms: int | None = None


class ExecutionEvent(Message):
    """The identity that every event of an execution repeats. `at` is the decision's time."""

    execution_id: Uuid
    job_id: Uuid
    scheduled_for: UtcTime
    seq: int
    at: UtcTime

    def subject(self) -> str:
        return self.execution_id

    def message_id(self) -> str:
        return f"{self.execution_id}/{self.seq}"


class ExecutionAdmitted(ExecutionEvent):
    """The fire (or the trigger) will run, unless something is in its way when its instant comes.

    `catch_up`: the instant went by while nobody was there; it waits for `not_before`, and behind everything timely.
    """

    TYPE: ClassVar[str] = "io.horolog.execution.admitted.v1"
    trigger_type: TriggerType
    triggered_by: Text | None = None
    job_version: int
    job_type: JobType
    priority: int = 0
    parameters: JsonObject | None = None
    catch_up: Annotated[bool, Field(exclude_if=not_)] = False
    not_before: UtcTime | None = None


class ExecutionBlocked(ExecutionEvent):
    """Its instant has come, and it waits for another execution of its job to end; `blocked_by` was in its way then."""

    TYPE: ClassVar[str] = "io.horolog.execution.blocked.v1"
    blocked_by: Uuid


class ExecutionSkipped(ExecutionEvent):
    """The fire will not run; `blocked_by` is the execution that stood in its way."""

    TYPE: ClassVar[str] = "io.horolog.execution.skipped.v1"
    trigger_type: TriggerType
    job_version: int
    job_type: JobType
    reason: Reason
    blocked_by: Uuid | None = None


class ExecutionMissed(ExecutionEvent):
    """`missed_count` instants from `scheduled_for` to `missed_until` will not run: one row for the range."""

    TYPE: ClassVar[str] = "io.horolog.execution.missed.v1"
    job_version: int
    job_type: JobType
    missed_until: UtcTime
    missed_count: int
    reason: Reason = Reason.MISFIRE


class AttemptDispatched(ExecutionEvent):
    """The attempt was handed to one worker."""

    TYPE: ClassVar[str] = "io.horolog.attempt.dispatched.v1"
    attempt: int
    worker_id: str


class AttemptStarted(ExecutionEvent):
    """The worker began the attempt."""

    TYPE: ClassVar[str] = "io.horolog.attempt.started.v1"
    attempt: int
    worker_id: str
    started_at: UtcTime


class AttemptProgressed(ExecutionEvent):
    """The attempt reported how far it is, in percent."""

    TYPE: ClassVar[str] = "io.horolog.attempt.progressed.v1"
    attempt: int
    progress: Annotated[int, Field(ge=0, le=100)]


class RetryScheduled(ExecutionEvent):
    """The attempt failed; the next one will not be dispatched before `retry_at`. `tells_start` as for an end."""

    TYPE: ClassVar[str] = "io.horolog.execution.retry-scheduled.v1"
    attempt: int
    worker_id: str | None = None
    started_at: UtcTime | None = None
    tells_start: Annotated[bool, Field(exclude_if=not_)] = False
    completed_at: UtcTime
    failure: Failure
    usage: Usage = Usage()
    retry_at: UtcTime


class ExecutionEnded(ExecutionEvent):
    """The end of an execution that was admitted; final. `attempt` 0 means that none was dispatched.

    `tells_start`: the attempt began at `started_at`, and no `attempt.started` was told before, as of one that is short.
    """

    attempt: int
    worker_id: str | None = None
    started_at: UtcTime | None = None
    tells_start: Annotated[bool, Field(exclude_if=not_)] = False
    completed_at: UtcTime
    usage: Usage = Usage()


class ExecutionCompleted(ExecutionEnded):
    """It ran, and succeeded. `result` is the job's own; `metadata` what the job type adds to it."""

    TYPE: ClassVar[str] = "io.horolog.execution.completed.v1"
    result: Json = None
    metadata: JsonObject | None = None


class ExecutionFailed(ExecutionEnded):
    """It ran, failed, and will not be retried."""

    TYPE: ClassVar[str] = "io.horolog.execution.failed.v1"
    failure: Failure
    result: Json = None
    metadata: JsonObject | None = None


class ExecutionCancelled(ExecutionEnded):
    """It was ended from outside, before or during its run; `blocked_by` is the execution that took its place."""

    TYPE: ClassVar[str] = "io.horolog.execution.cancelled.v1"
    reason: Reason
    cancelled_by: Text | None = None
    blocked_by: Uuid | None = None


class CancellationRequested(ExecutionEvent):
    """The running attempt is being taken back; the end follows when its worker reports, or is lost.

    The status stays `running` until then.
    """

    TYPE: ClassVar[str] = "io.horolog.execution.cancellation-requested.v1"
    attempt: int
    reason: Reason
    requested_by: Text | None = None
    blocked_by: Uuid | None = None


class LateResultRecorded(ExecutionEvent):
    """A report of an older attempt, or after the end: kept as evidence (counted), changes nothing.

    Its `seq` is 0 when the execution had ended already: it stands outside the execution's sequence.
    """

    TYPE: ClassVar[str] = "io.horolog.execution.late-result-recorded.v1"
    attempt: int
    worker_id: str
    reported: Annotated[str, Field(max_length=50)]
