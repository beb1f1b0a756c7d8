"""The guard: the step between decoding and running that may refuse an attempt.

Guarantee: a refused attempt has not begun. Which destinations, programs and functions are allowed is decided here
and nowhere else; a stricter guard takes this one's place in `composition`.
"""

from typing import Protocol

from schemas.events.executions import Failure
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType, HttpConfig
from services.executor.outcome import failure

_FORBIDDEN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "te", "trailer", "connection", "keep-alive", "upgrade", "expect"}
)


class Guard(Protocol):
    """Judges attempts."""

    def refusal(self, task: TaskAssigned) -> Failure | None:
        """Why the attempt may not run; None when it may."""
        ...


class RequestGuard:
    """Refuses header fields that would change how a request is framed or routed (RFC 9110, section 7.6; RFC 9112)."""

    def refusal(self, task: TaskAssigned) -> Failure | None:
        if not isinstance(task.config, HttpConfig):
            return None
        for name in task.config.headers or ():
            lower = name.lower()
            if lower in _FORBIDDEN_HEADERS or lower.startswith("proxy-"):
                return failure(
                    ErrorType.VALIDATION_ERROR, "HEADER_FORBIDDEN", f"the header {name} may not be set by a job"
                )
        return None
