"""What a command may end with instead of an answer: a code, a sentence, and what to do about it."""

from collections.abc import Mapping
from typing import Any

OK, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit codes: done; refused or found wrong; wrong use of the command line; nobody answered; Ctrl-C."""


class CliProblem(Exception):
    """Ends a command. `advice` says what to do; `details` are the API's own, if it gave any."""

    def __init__(
        self,
        code: str,
        message: str,
        advice: str | None = None,
        exit_code: int = REFUSED,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice
        self.exit_code = exit_code
        self.details = details

    def to_dict(self) -> dict[str, Any]:
        """The problem in the API's error shape, so that a script reads one shape only."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details:
            error["details"] = dict(self.details)
        if self.advice:
            error["advice"] = self.advice
        return {"error": error}


def wrong_use(message: str, advice: str | None = None) -> CliProblem:
    """A problem of the command line itself (exit code 2)."""
    return CliProblem("USAGE", message, advice, USAGE)
