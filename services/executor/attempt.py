"""One held attempt, and the last two steps of its pipeline: classify its end, and put it in words."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from pydantic import JsonValue, ValidationError

from horolog.domain.tracing import ExecutionTrace
from schemas.events.executions import Failure, Usage
from schemas.events.results import AttemptReport, CancellationReported, FailureReported, SuccessReported
from schemas.events.workers import HeldAttempt, TaskAssigned
from schemas.jobs import TIMEOUT_SECONDS_MAX, ErrorType
from services.executor.outcome import NO_USAGE, Outcome, failure
from services.executor.runner import Stop, Tap


class Ending(Enum):
    """Why an attempt was ended from outside."""

    REVOKED = auto()
    TIMED_OUT = auto()
    LEASE_LOST = auto()
    WORKER_STOPPED = auto()


class Owner(Protocol):
    """Who holds attempts."""

    def attempt_prints(self, held: "Held", taps: Sequence[Tap]) -> None:
        """What it prints can be had from these while it goes on."""

    def attempt_progressed(self, held: "Held", percent: int) -> None:
        """It is this far."""

    def attempt_ended(self, held: "Held", outcome: Outcome) -> None:
        """It is over, and nothing of it is left."""


class Held:
    """An attempt in the worker's hands. It watches its own run.

    It starts when its wall clock shows `due`, which is `not_before` as a POSIX timestamp, and `earliest` has come, in
    monotonic seconds as `deadline` is. `ending` is set once it is to end.
    """

    __slots__ = (
        *("attempt", "deadline", "due", "earliest", "ending", "execution_id", "is_over", "is_start_told"),
        *("_name", "_owner", "started_at", "stop", "task", "trace"),
    )

    def __init__(self, task: TaskAssigned, owner: Owner, earliest: float = 0.0) -> None:
        self.task = task
        self.execution_id = task.execution_id
        self.attempt = task.attempt
        self.due = task.not_before.timestamp()
        self.earliest = earliest
        self.deadline = float("inf")
        self.started_at: datetime | None = None
        self.ending: Ending | None = None
        self.stop: Stop | None = None
        self.is_over = False
        self.is_start_told = False
        self.trace: ExecutionTrace | None = None
        self._owner = owner
        self._name: HeldAttempt | None = None

    @property
    def name(self) -> HeldAttempt:
        """How a beat names it. Made when first needed: most attempts do not live as long as that."""
        if self._name is None:
            self._name = HeldAttempt(execution_id=self.execution_id, attempt=self.attempt)
        return self._name

    @property
    def traceparent(self) -> str | None:
        return None if self.trace is None else str(self.trace.attempt(self.attempt))

    @property
    def is_revoked(self) -> bool:
        """Whether it was ended because it had been revoked."""
        return self.ending is Ending.REVOKED

    def timeout_s(self) -> float:
        """The task's timeout, or the config's own when that is shorter; a day at most, whatever the task says."""
        own = self.task.config.timeout
        allowed = min(self.task.timeout_ms, TIMEOUT_SECONDS_MAX * 1000)
        return (allowed if own is None else min(own, allowed)) / 1000

    def prints(self, *taps: Tap) -> None:
        if not self.is_over:
            self._owner.attempt_prints(self, taps)

    def progressed(self, percent: int) -> None:
        if not self.is_over:
            self._owner.attempt_progressed(self, max(0, min(100, percent)))

    def ended(self, outcome: Outcome) -> None:
        if not self.is_over:
            self.is_over = True
            self._owner.attempt_ended(self, outcome)


def final_report(held: Held, outcome: Outcome, worker_id: str, at: datetime) -> AttemptReport:
    """What is told of an attempt's end. An end from outside outweighs what the runner saw.

    A result that cannot be stored makes a success a failure: a report that nobody can read would be lost.
    """
    if held.is_revoked:
        return cancellation(held, worker_id, at, outcome.usage)
    reason = failure_of(held, outcome)
    try:
        if reason is not None:
            return _failure_report(held, reason, outcome, worker_id, at)
        return _success_report(held, outcome, worker_id, at)
    except ValidationError as error:
        return unstorable(held, str(error), outcome.usage, worker_id, at)


def cancellation(held: Held, worker_id: str, at: datetime, usage: Usage = NO_USAGE) -> CancellationReported:
    """The report of an attempt that was ended because it had been revoked."""
    task = held.task
    return CancellationReported(
        tenant_id=task.tenant_id,
        execution_id=held.execution_id,
        job_id=task.job_id,
        scheduled_for=task.scheduled_for,
        attempt=held.attempt,
        worker_id=worker_id,
        at=at,
        started_at=held.started_at,
        usage=usage,
    )


def unstorable(held: Held, why: str, usage: Usage, worker_id: str, at: datetime) -> FailureReported:
    """The report of an attempt whose result cannot be written to the log."""
    reason = failure(ErrorType.VALIDATION_ERROR, "RESULT_NOT_STORABLE", f"the result cannot be stored: {why}")
    return _failure_report(held, reason, Outcome(usage=usage), worker_id, at)


def failure_of(held: Held, outcome: Outcome) -> Failure | None:
    """Why it has failed, if it has: an end from outside outweighs what the runner saw."""
    match held.ending:
        case Ending.TIMED_OUT:
            return failure(ErrorType.TIMEOUT, "TIMED_OUT", f"still running after {held.timeout_s():g} s; it was ended")
        case Ending.LEASE_LOST:
            return failure(ErrorType.SYSTEM_ERROR, "LEASE_LOST", "the worker could not reach the log for a lease")
        case Ending.WORKER_STOPPED:
            return failure(ErrorType.SYSTEM_ERROR, "WORKER_STOPPED", "the worker was stopped before it was done")
        case _:
            return outcome.failure


def _failure_report(held: Held, reason: Failure, outcome: Outcome, worker_id: str, at: datetime) -> FailureReported:
    task = held.task
    return FailureReported(
        tenant_id=task.tenant_id,
        execution_id=held.execution_id,
        job_id=task.job_id,
        scheduled_for=task.scheduled_for,
        attempt=held.attempt,
        worker_id=worker_id,
        at=at,
        started_at=held.started_at,
        failure=reason,
        result=outcome.result,
        metadata=outcome.metadata,
        usage=outcome.usage,
    )


def _success_report(held: Held, outcome: Outcome, worker_id: str, at: datetime) -> SuccessReported:
    task = held.task
    result: JsonValue = outcome.result
    return SuccessReported(
        tenant_id=task.tenant_id,
        execution_id=held.execution_id,
        job_id=task.job_id,
        scheduled_for=task.scheduled_for,
        attempt=held.attempt,
        worker_id=worker_id,
        at=at,
        started_at=held.started_at or at,
        result=result,
        metadata=outcome.metadata,
        usage=outcome.usage,
    )
