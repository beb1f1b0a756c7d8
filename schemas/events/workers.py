"""Workers: their tasks (`tasks.v1`), what is taken back (`control.v1`), their signs of life (`workers.v1`).

A task is addressed to one worker and written to that worker's inbox partition; others skip it. Position and
redelivery therefore carry no meaning: what counts is the lease, which the worker's beats renew.
"""

from enum import StrEnum
from operator import not_
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from schemas.base import Message, Text, UtcTime, Uuid, Value
from schemas.events.executions import TriggerType
from schemas.jobs import JobConfig, JobType, config_for
from schemas.tenants import NetworkText

FUNCTION_COUNT_MAX = 200
"""How many functions one worker may have registered: each of its beats names them all."""
SYSTEM_TENANT = "00000000-0000-0000-0000-000000000000"
"""The tenant of records that belong to the system itself."""


RegisteredName = Annotated[Text, Field(min_length=3, max_length=301)]
"""The dotted name of a function that a worker has registered."""


class TaskAssigned(Message):
    """One attempt for one worker. Nothing runs before `not_before`; the attempt number is the fencing token.

    `http_allowed` are networks that this tenant's HTTP jobs may call besides public ones and those that the worker was
    told of. Of what the attempt puts out no more than `output_bytes_max` is kept, of each stream or answer.
    """

    TYPE: ClassVar[str] = "io.horolog.task.assigned.v1"
    execution_id: Uuid
    job_id: Uuid
    attempt: int
    worker_id: str
    scheduled_for: UtcTime
    not_before: UtcTime
    trigger_type: TriggerType
    priority: int = 0
    timeout_ms: int
    job_name: Text
    job_type: JobType
    http_allowed: Annotated[tuple[NetworkText, ...], Field(exclude_if=not_)] = ()
    output_bytes_max: Annotated[int, Field(ge=0)] | None = None
    config: JobConfig

    @field_validator("config", mode="before")
    @classmethod
    def _config_of_the_type(cls, config: object, info: ValidationInfo) -> object:
        job_type = info.data.get("job_type")
        if job_type is None:
            raise ValueError("cannot be judged without a known jobType")
        return config_for(job_type, config)

    def subject(self) -> str:
        return self.execution_id

    def message_id(self) -> str:
        return f"{self.execution_id}/{self.attempt}"


class AttemptRevoked(Message):
    """The worker is to end the attempt, whether it runs or still waits.

    With `only_waiting` an attempt that runs already is left alone.
    """

    TYPE: ClassVar[str] = "io.horolog.attempt.revoked.v1"
    execution_id: Uuid
    attempt: int
    worker_id: str
    only_waiting: bool = False
    at: UtcTime

    def subject(self) -> str:
        return self.execution_id

    def message_id(self) -> str:
        return f"{self.execution_id}/{self.attempt}"


class WorkerState(StrEnum):
    """`draining` takes no new work; `stopped` is a worker's last word."""

    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"


class Stall(StrEnum):
    """In which way a worker that gives signs of life does not work."""

    TAKES_NOTHING = "takes_nothing"
    STARTS_NOTHING = "starts_nothing"


class Resource(StrEnum):
    """What a control group can bound."""

    MEMORY = "memory"
    PROCESSES = "processes"
    CPU = "cpu"


class HeldAttempt(Value):
    """One attempt in the worker's hands, waiting or running."""

    execution_id: Uuid
    attempt: int


class WorkerBeat(Message):
    """A worker's sign of life, once a second; it renews the lease of every attempt that it names.

    `capacity` is how many attempts run at a time, `prefetch` how many more the worker is willing to hold.
    `isolation` is the level that a trial run has shown it to reach; older workers told something else there.
    `control_groups` are the resources that control groups bound for each attempt as a whole.
    A worker that tells of `functions` runs these registered ones and nothing else; one that does not, all but such.
    """

    TYPE: ClassVar[str] = "io.horolog.worker.beat.v1"
    tenant_id: Uuid = SYSTEM_TENANT
    worker_id: Annotated[str, Field(min_length=1, max_length=100)]
    inbox: Annotated[int, Field(ge=0)]
    state: WorkerState
    capacity: Annotated[int, Field(ge=0)]
    prefetch: Annotated[int, Field(ge=0)] = 0
    held: tuple[HeldAttempt, ...] = ()
    running_count: int = 0
    finished_count: int = 0
    started_at: UtcTime
    at: UtcTime
    host: Annotated[Text, Field(max_length=255)] = ""
    pid: int = 0
    isolation: Annotated[str, Field(max_length=200)] = ""
    control_groups: Annotated[tuple[Resource, ...], Field(max_length=10, exclude_if=not_)] = ()
    memory_mb: int = 0
    functions: Annotated[tuple[RegisteredName, ...], Field(max_length=FUNCTION_COUNT_MAX)] | None = None

    def subject(self) -> str:
        return self.worker_id

    def message_id(self) -> str:
        return f"{self.worker_id}/{self.at.isoformat()}"
