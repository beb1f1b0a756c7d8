"""The guard: the step between decoding and running that may refuse an attempt.

Guarantee: a refused attempt has not begun. Which destinations, programs and functions are allowed is decided here
and nowhere else; a stricter guard takes this one's place in `composition`.
"""

from typing import Protocol

from horolog.domain.request_headers import is_forbidden_header
from schemas.events.executions import Failure
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType, HttpConfig
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
