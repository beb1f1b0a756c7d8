"""What a call may end in instead of an answer: a tree of errors, by the API's own codes.

    HorologError
    ├── Refused                     the API answered, and said no: code, sentence, status
    │   ├── Invalid                 the request cannot be used (InvalidCronExpression, InvalidJobConfig)
    │   ├── NotAuthenticated, NotAllowed
    │   ├── NotFound                (JobNotFound, ExecutionNotFound)
    │   ├── EventsGone              what follows the id of an event is not told any more
    │   ├── Conflict                the state forbids it (JobAlreadyRunning, IdempotencyKeyReused, VersionConflict)
    │   ├── LimitReached            (QuotaExceeded, RateLimited)
    │   └── Unavailable             a part is away (PartitionUnowned)
    ├── NoAnswer                    it may or may not have been carried out
    │   └── Unreachable             it has not been
    ├── NotTheApi                   what answered is something else
    └── StillGoing                  it was waited for as long as was asked, and has not ended

Guarantee: no error holds a token, a password or what was sent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


class HorologError(Exception):
    """Ends a call. `code` is to be acted on; `retryable` says whether the same call may do better later."""

    code = "HOROLOG"
    retryable = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(HorologError):
    """The API's own word. `request_id` leads to the API's log, `command_id` to what becomes of the command."""

    def __init__(self, code: str, message: str, status: int, details: Any = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details
        self.retryable = retryable
        told = details if isinstance(details, Mapping) else {}
        self.request_id: str | None = told.get("requestId")
        self.command_id: str | None = told.get("commandId")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Invalid(Refused):
    """The request itself is wrong; `details` say where."""


class InvalidCronExpression(Invalid):
    """The schedule cannot be understood."""


class InvalidJobConfig(Invalid):
    """The definition of a job has problems."""


class NotAuthenticated(Refused):
    """No token that is valid came with it."""


class NotAllowed(Refused):
    """Who asks, or whose job it is, may not do that."""


class NotFound(Refused):
    """There is no such thing, or it is not the caller's."""


class JobNotFound(NotFound):
    """There is no such job."""


class ExecutionNotFound(NotFound):
    """There is no such execution."""


class EventsGone(Refused):
    """What follows the event is not told in a stream any more: read the lists, and begin without an id."""


class Conflict(Refused):
    """Things are such that it cannot be done."""


class JobAlreadyRunning(Conflict):
    """As many executions of the job as may are going on."""


class IdempotencyKeyReused(Conflict):
    """The key has been used for another request."""


class VersionConflict(Conflict):
    """The job has changed since the version that was named."""


class LimitReached(Refused):
    """Too much, or too often."""


class QuotaExceeded(LimitReached):
    """The tenant has used up a quota."""


class RateLimited(LimitReached):
    """Too many requests."""


class Unavailable(Refused):
    """A part of the system is away, or too busy."""


class PartitionUnowned(Unavailable):
    """The tenant's partition has no owner that answered in time; the command is in the log (`command_id`)."""


class NoAnswer(HorologError):
    """Nothing came back: what was asked for may or may not have been done."""

    code = "NO_ANSWER"
    retryable = True


class Unreachable(NoAnswer):
    """Nobody was reached: nothing has been done."""

    code = "UNREACHABLE"


class NotTheApi(HorologError):
    """What answered at this address does not speak as the API does."""

    code = "NOT_THE_API"


class StillGoing(HorologError):
    """The execution has not ended in the time that was to be waited."""

    code = "STILL_GOING"
    retryable = True


OF_CODE: Mapping[str, type[Refused]] = MappingProxyType(
    {
        "INVALID_CRON_EXPRESSION": InvalidCronExpression,
        "INVALID_JOB_CONFIG": InvalidJobConfig,
        "JOB_NOT_FOUND": JobNotFound,
        "EXECUTION_NOT_FOUND": ExecutionNotFound,
        "JOB_ALREADY_RUNNING": JobAlreadyRunning,
        "IDEMPOTENCY_KEY_REUSED": IdempotencyKeyReused,
        "VERSION_CONFLICT": VersionConflict,
        "QUOTA_EXCEEDED": QuotaExceeded,
        "RATE_LIMITED": RateLimited,
        "LOCK_ACQUISITION_FAILED": PartitionUnowned,
    }
)
_OF_STATUS: Mapping[int, type[Refused]] = MappingProxyType(
    {
        400: Invalid,
        401: NotAuthenticated,
        403: NotAllowed,
        404: NotFound,
        405: Invalid,
        409: Conflict,
        410: EventsGone,
        412: Conflict,
        413: Invalid,
        415: Invalid,
        422: Invalid,
        429: LimitReached,
    }
)
_RETRYABLE_STATUS = frozenset({429, 502, 503, 504})


def refusal(code: str, message: str, status: int, details: Any = None) -> Refused:
    """The error that stands for what the API said."""
    kind = OF_CODE.get(code) or _OF_STATUS.get(status) or (Unavailable if status >= 500 else Refused)
    return kind(code, message, status, details, status in _RETRYABLE_STATUS)
