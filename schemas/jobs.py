"""Jobs: what is to run, when, and under which rules."""

from datetime import timedelta
from enum import StrEnum
from functools import partial
from operator import not_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from schemas.base import Actor, Json, JsonObject, Text, UtcTime, Uuid, Value, is_sent
from schemas.isolation import Isolation
from schemas.sealed import SEALED_PATTERN, bounded

TIMEOUT_SECONDS_MAX = 86_400
JOB_TIMEOUT_S_DEFAULT = 300
MISFIRE_AGE_SECONDS_MAX = 7 * 86_400
NAME_LENGTH_MAX = 200
TAG_COUNT_MAX = 20
TAG_LENGTH_MAX = 50
VARIABLE_LENGTH_MAX = 10_000


Tag = Annotated[Text, Field(min_length=1, max_length=TAG_LENGTH_MAX)]
"""A word by which jobs are found, and to which grants can be narrowed."""


class JobType(StrEnum):
    """The three kinds of work."""

    HTTP = "http"
    FUNCTION = "function"
    COMMAND = "command"


class JobStatus(StrEnum):
    """`inactive` is for good until the job is resumed: stopped by hand, past its end, or used up."""

    ACTIVE = "active"
    PAUSED = "paused"
    INACTIVE = "inactive"


class ErrorType(StrEnum):
    """What went wrong with an attempt; the retry rules speak of these."""

    TIMEOUT = "TIMEOUT"
    NETWORK_ERROR = "NETWORK_ERROR"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    SYSTEM_ERROR = "SYSTEM_ERROR"
    USER_ERROR = "USER_ERROR"


RETRIED_BY_DEFAULT = (ErrorType.TIMEOUT, ErrorType.NETWORK_ERROR, ErrorType.SYSTEM_ERROR)

TimeoutMs = Annotated[int, Field(gt=0, le=TIMEOUT_SECONDS_MAX * 1000)]
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=rf"^(?:[\x20-\x7e\t]{{0,4000}}|{SEALED_PATTERN})$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
VariableValue = Annotated[
    Text,
    AfterValidator(partial(bounded, VARIABLE_LENGTH_MAX)),
    Field(json_schema_extra={"maxLength": VARIABLE_LENGTH_MAX}),
]
ParameterName = Annotated[Text, Field(min_length=1, max_length=200)]
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]{0,299}$")]
StatusCode = Annotated[int, Field(ge=100, le=599)]


class HttpConfig(Value):
    """One request. `timeout` is in milliseconds and covers connecting, sending and the whole answer.

    Header values are kept encrypted, but for those of harmless headers; so is the body, with `sensitiveBody`. With
    `signWith` (`secret://name`, or up to three with spaces between them) requests carry signatures as Standard Webhooks
    has them.
    """

    url: Annotated[Text, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
    method: Literal["GET", "POST", "PUT", "DELETE"]
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=50)] | None = None
    body: Json = None
    sensitive_body: Annotated[bool, Field(exclude_if=not_)] = False
    sign_with: Annotated[Text, Field(min_length=1, max_length=4000)] | None = None
    timeout: TimeoutMs = 30_000
    expected_status_code: StatusCode = 200
    retry_on_status_codes: Annotated[tuple[StatusCode, ...], Field(max_length=50)] = ()


class Network(StrEnum):
    """What a command can reach: whatever its worker can, or nothing at all."""

    HOST = "host"
    NONE = "none"


class FunctionConfig(Value):
    """A Python function, called with `parameters` as keyword arguments in a process of its own.

    Parameters that `sensitive` names are kept encrypted, and those whose names look like secrets'.
    With `isolation` it is run only by workers that reach this level. One that is `registered` is not looked for in a
    module: it is run only by workers of the SDK that have registered the name `modulePath.functionName`.
    """

    module_path: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$", max_length=200)]
    function_name: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$", max_length=100)]
    parameters: JsonObject | None = None
    sensitive: Annotated[tuple[ParameterName, ...], Field(max_length=100, exclude_if=not_)] = ()
    timeout: TimeoutMs = JOB_TIMEOUT_S_DEFAULT * 1000
    isolation: Isolation | None = None
    registered: Annotated[bool, Field(exclude_if=not_)] = False

    @property
    def registered_name(self) -> str | None:
        """The name under which workers have registered it, if that is how it is found."""
        return f"{self.module_path}.{self.function_name}" if self.registered else None


class CommandConfig(Value):
    """A program and its arguments, started without a shell. `timeout` is in milliseconds.

    The values of `environment` are kept encrypted.
    With `isolation` it is run only by workers that reach this level; without network, by those that have namespaces;
    with `image`, one of those that its worker's operator has named, by those that run containers.
    """

    command: Annotated[Text, Field(min_length=1, max_length=1000)]
    args: Annotated[tuple[Annotated[Text, Field(max_length=10_000)], ...], Field(max_length=200)] = ()
    working_directory: Annotated[Text, Field(min_length=1, max_length=1000)] | None = None
    environment: Annotated[dict[VariableName, VariableValue], Field(max_length=100)] | None = None
    timeout: TimeoutMs | None = None
    isolation: Isolation | None = None
    network: Annotated[Network, Field(exclude_if=Network.HOST.__eq__)] = Network.HOST
    image: Annotated[ImageName | None, Field(exclude_if=not_)] = None


JobConfig = HttpConfig | FunctionConfig | CommandConfig
CONFIG_OF_TYPE: dict[JobType, type[HttpConfig] | type[FunctionConfig] | type[CommandConfig]] = {
    JobType.HTTP: HttpConfig,
    JobType.FUNCTION: FunctionConfig,
    JobType.COMMAND: CommandConfig,
}


def isolation_demanded(config: JobConfig) -> Isolation | None:
    """The lowest level that a worker must reach to run this; None when any will do."""
    if isinstance(config, HttpConfig):
        return None
    if isinstance(config, CommandConfig) and config.image is not None:
        return Isolation.CONTAINER
    if isinstance(config, CommandConfig) and config.network is Network.NONE:
        return max(config.isolation or Isolation.NAMESPACES, Isolation.NAMESPACES, key=Isolation.rank)
    return config.isolation


def config_for(job_type: JobType, config: Any) -> Any:
    """`config` as the config of `job_type`; a config of another type is refused.

    Raises:
        pydantic.ValidationError: with every problem of the config.
    """
    wanted = CONFIG_OF_TYPE[job_type]
    if isinstance(config, wanted):
        return config
    return wanted.model_validate(config.model_dump(exclude_unset=True) if isinstance(config, Value) else config)


_UNJUDGED = HttpConfig(url="http://unjudged", method="GET")


class RetryConfig(Value):
    """How often and how soon a failed execution is tried again; delays are in milliseconds."""

    max_retries: Annotated[int, Field(ge=0, le=100)] = 3
    retry_delay_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 1000
    exponential_backoff: bool = True
    retry_on_error_types: tuple[ErrorType, ...] | None = None
    max_retry_delay_ms: Annotated[int, Field(ge=0, le=86_400_000)] | None = None


class MisfirePolicy(StrEnum):
    """What becomes of instants that went by while nobody was there to fire them.

    `skip`: none fires. `latest`: the latest one does. `all`: the newest ones do, one after the other.
    """

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


class Misfire(Value):
    """The misfire policy. `maxAge` is in seconds: what is older does not fire. `rate` is in fires a second.

    `maxAge` counts for `latest` and `all`, `maxCount` and `rate` for `all`; elsewhere they have no effect.
    """

    policy: MisfirePolicy = MisfirePolicy.LATEST
    max_age: Annotated[int, Field(ge=1, le=MISFIRE_AGE_SECONDS_MAX)] = 3600
    max_count: Annotated[int, Field(ge=1, le=10_000)] = 100
    rate: Annotated[float, Field(ge=0.001, le=1000)] = 10.0

    def interval(self) -> timedelta:
        """The time between two fires that catch up."""
        return timedelta(seconds=1 / self.rate)


class OverlapPolicy(StrEnum):
    """What becomes of a fire whose job has `maxConcurrent` executions going on already.

    `skip`: it does not run. `queueOne`: it waits, unless another one does. `queueAll`: it waits, while there is room.
    `cancelRunning`: the execution that runs longest is cancelled for it.
    """

    SKIP = "skip"
    QUEUE_ONE = "queueOne"
    QUEUE_ALL = "queueAll"
    CANCEL_RUNNING = "cancelRunning"


class Overlap(Value):
    """The overlap policy. `queueMax` is how many may wait under `queueAll`; elsewhere it has no effect."""

    policy: OverlapPolicy = OverlapPolicy.SKIP
    queue_max: Annotated[int, Field(ge=1, le=1000)] = 100


class Delivery(StrEnum):
    """How often the side effect of an admitted fire takes place when workers are lost.

    `at_least_once`: an attempt that is lost is handed out again. `at_most_once`: it is not, unless its worker said
    that it never began.
    """

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


MISFIRE_DEFAULT = Misfire()
OVERLAP_DEFAULT = Overlap()


class JobDefinition(Value):
    """What a caller says of a job. `timeout` is in seconds; instants are kept in UTC.

    A policy that is the default is left out of the JSON: what was written before there were policies says the same.
    """

    name: Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
    description: Annotated[Text, Field(max_length=4000)] | None = None
    cron_expression: Annotated[Text, Field(min_length=1)]
    timezone: Annotated[Text, Field(min_length=1, max_length=50)] = "UTC"
    job_type: JobType
    config: JobConfig
    retry_config: RetryConfig | None = None
    timeout: Annotated[int, Field(gt=0, le=TIMEOUT_SECONDS_MAX)] = JOB_TIMEOUT_S_DEFAULT
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 1
    start_date: UtcTime | None = None
    end_date: UtcTime | None = None
    max_executions: Annotated[int, Field(ge=1)] | None = None
    tags: Annotated[tuple[Tag, ...], Field(max_length=TAG_COUNT_MAX)] = ()
    misfire: Annotated[Misfire, Field(exclude_if=MISFIRE_DEFAULT.__eq__)] = MISFIRE_DEFAULT
    overlap: Annotated[Overlap, Field(exclude_if=OVERLAP_DEFAULT.__eq__)] = OVERLAP_DEFAULT
    delivery: Annotated[Delivery, Field(exclude_if=Delivery.AT_LEAST_ONCE.__eq__)] = Delivery.AT_LEAST_ONCE

    @field_validator("config", mode="before")
    @classmethod
    def _config_of_the_type(cls, config: Any, info: ValidationInfo) -> Any:
        job_type = info.data.get("job_type")
        if job_type is None:
            # An unknown job type has been reported already; its config cannot be judged.
            return _UNJUDGED
        return CONFIG_OF_TYPE[job_type].read(config) if is_sent(info) else config_for(job_type, config)

    @model_validator(mode="after")
    def _end_after_start(self) -> "JobDefinition":
        if self.start_date and self.end_date and self.end_date <= self.start_date:
            raise ValueError("endDate must be after startDate")
        return self

    @model_validator(mode="after")
    def _no_retries_at_most_once(self) -> "JobDefinition":
        retried = self.retry_config is not None and self.retry_config.max_retries > 0
        if retried and self.delivery is Delivery.AT_MOST_ONCE:
            raise ValueError("retryConfig.maxRetries must be 0 when delivery is at_most_once")
        return self

    def timeout_s(self) -> float:
        """The time one attempt may take, in seconds: the config's own timeout, within the job's."""
        own = self.config.timeout
        return min(float(self.timeout), own / 1000) if own is not None else float(self.timeout)


class ScheduleChange(Value):
    """From `effective_from` (exclusive) on, the schedule is governed by this version."""

    schedule_version: int
    effective_from: UtcTime


class Job(Value):
    """A job as the log knows it.

    `version` rises by one with every change. `schedule_version` rises only when the instants that the job owes
    change; those after `effective_from` are governed by it. `schedule_changes` are the latest such changes,
    oldest first, so that a fire computed from an older schedule can be judged. `inactive_since` is there while the
    job is not active: no instant after it is owed, or has been decided on.
    """

    job_id: Uuid
    tenant_id: Uuid
    definition: JobDefinition
    status: JobStatus = JobStatus.ACTIVE
    version: int = 1
    schedule_version: int = 1
    effective_from: UtcTime
    schedule_changes: tuple[ScheduleChange, ...] = ()
    inactive_since: UtcTime | None = None
    execution_count: int = 0
    created_by: Actor
    created_at: UtcTime
    updated_at: UtcTime
    deleted: bool = False
