"""How an attempt ended, as its runner saw it."""

from dataclasses import dataclass

from pydantic import JsonValue

from schemas.events.executions import Failure, Usage
from schemas.jobs import ErrorType
from services.executor.text import clip

MESSAGE_LENGTH_MAX = 4000
STACK_LENGTH_MAX = 16_000

NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Succeeded when there is no `failure`. `result` is the job's own, `metadata` what the job type adds to it."""

    failure: Failure | None = None
    result: JsonValue = None
    metadata: dict[str, JsonValue] | None = None
    usage: Usage = NO_USAGE


def failure(
    type_: ErrorType, code: str, message: str, *, stack: str | None = None, retryable: bool | None = None
) -> Failure:
    """A failure whose texts are cleaned and cut to what may be stored."""
    return Failure(
        type=type_,
        code=code,
        message=clip(message, MESSAGE_LENGTH_MAX),
        stack=clip(stack, STACK_LENGTH_MAX) if stack else None,
        retryable=retryable,
    )


def out_of_memory() -> Failure:
    """The failure of what the kernel killed because all of the attempt together had no memory left."""
    why = "all processes of the attempt together took more memory than HOROLOG_JOB_MEMORY_MB and its own files allow"
    return failure(ErrorType.USER_ERROR, "MEMORY_EXCEEDED", why)


def failed(type_: ErrorType, code: str, message: str, usage: Usage = NO_USAGE) -> Outcome:
    """An outcome with nothing but a failure."""
    return Outcome(failure=failure(type_, code, message), usage=usage)
