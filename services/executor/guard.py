"""The guard: the step between decoding and running that may refuse an attempt.

Guarantee: a refused attempt has not begun. Which destinations, programs and functions are allowed is decided here
and nowhere else; a stricter guard takes this one's place in `composition`.
"""

from collections.abc import Sequence
from typing import Protocol

from horolog.domain.request_headers import is_forbidden_header
from schemas.events.executions import Failure
from schemas.events.workers import TaskAssigned
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, ErrorType, FunctionConfig, HttpConfig, isolation_demanded
from services.executor.outcome import failure


class Guard(Protocol):
    """Judges attempts."""

    def refusal(self, task: TaskAssigned) -> Failure | None:
        """Why the attempt may not run; None when it may."""
        ...


class RequestGuard:
    """Refuses header fields that a job may not set; jobs that the API did not see may have them, too."""

    def refusal(self, task: TaskAssigned) -> Failure | None:
        if not isinstance(task.config, HttpConfig):
            return None
        for name in task.config.headers or ():
            if is_forbidden_header(name):
                return failure(
                    ErrorType.VALIDATION_ERROR, "HEADER_FORBIDDEN", f"the header {name} may not be set by a job"
                )
        return None


class IsolationGuard:
    """Refuses what demands more isolation than this worker reaches: a dispatcher that knows of levels hands out no
    such attempt, an older one might. So it does with an image that is none of `images`. What may run is for the next
    guard to judge."""

    def __init__(self, isolation: Isolation, following: Guard, images: Sequence[str] = ()) -> None:
        self._isolation = isolation
        self._following = following
        self._images = images

    def refusal(self, task: TaskAssigned) -> Failure | None:
        demanded = isolation_demanded(task.config)
        if demanded is not None and not self._isolation.suffices_for(demanded):
            why = f"the job demands isolation by {demanded}, and this worker reaches {self._isolation}"
            return failure(ErrorType.SYSTEM_ERROR, "ISOLATION_NOT_REACHED", why)
        config = task.config
        if isinstance(config, CommandConfig) and config.image is not None and config.image not in self._images:
            why = f"the image {config.image} is none of those that HOROLOG_CONTAINER_IMAGES names on this worker"
            return failure(ErrorType.VALIDATION_ERROR, "IMAGE_NOT_ALLOWED", why)
        return self._following.refusal(task)


class ServingGuard:
    """Refuses what is for another kind of worker: a dispatcher that knows of registered functions hands out no such
    attempt, an older one might. `functions` are those of this worker, None where it runs all but registered ones."""

    def __init__(self, functions: frozenset[str] | None, following: Guard) -> None:
        self._functions = functions
        self._following = following

    def refusal(self, task: TaskAssigned) -> Failure | None:
        name = task.config.registered_name if isinstance(task.config, FunctionConfig) else None
        is_served = name is None if self._functions is None else name in self._functions
        if not is_served:
            what = "anything but the functions that it has registered" if name is None else f"the function {name}"
            return failure(ErrorType.SYSTEM_ERROR, "FUNCTION_NOT_SERVED", f"this worker does not run {what}")
        return self._following.refusal(task)
