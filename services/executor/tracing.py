"""What the executor has to do with traces: which trace an attempt belongs to, its span, and its ids in the logs.

The attempt's span begins when the attempt did and ends when nothing of it was left. What the attempt calls is told of
that span, whether the trace is kept or not: the others are to keep the same traces.
"""

from datetime import datetime

from horolog.domain.tracing import ExecutionTrace, Span, SpanKind, code_of_ours, trace_context, trace_of_execution
from schemas.codec import traceparent_of
from schemas.events.workers import TaskAssigned
from schemas.jobs import JobType
from services.executor.attempt import Held, failure_of
from services.executor.handover import HandOver
from services.executor.outcome import Outcome

_COMPLETED, _FAILED, _CANCELLED = "completed", "failed", "cancelled"


def trace_of(hand_over: HandOver, ratio: float) -> ExecutionTrace:
    """The trace that the task came with, else the one that follows from its execution."""
    caller = trace_context(traceparent_of(hand_over.headers))
    return trace_of_execution(hand_over.task.execution_id, caller, ratio)


def attempt_span(held: Held, trace: ExecutionTrace, outcome: Outcome, worker_id: str, at: datetime) -> Span:
    """The span of an attempt that is over."""
    task, failure = held.task, failure_of(held, outcome)
    started_at = held.started_at or at
    is_cancelled = held.is_revoked
    attributes: dict[str, str | int] = {
        "horolog.tenant.id": task.tenant_id,
        "horolog.job.id": task.job_id,
        "horolog.job.type": task.job_type,
        "horolog.execution.id": held.execution_id,
        "horolog.attempt": held.attempt,
        "horolog.worker.id": worker_id,
        "horolog.scheduled_for": task.scheduled_for.isoformat(),
        "horolog.late_ms": max(0, round((started_at - task.not_before).total_seconds() * 1000)),
        "horolog.status": _CANCELLED if is_cancelled else _COMPLETED if failure is None else _FAILED,
    }
    return Span(
        name="attempt",
        kind=SpanKind.CLIENT if task.job_type is JobType.HTTP else SpanKind.CONSUMER,
        context=trace.attempt(held.attempt),
        parent_id=trace.dispatch(held.attempt).span_id,
        start=started_at,
        end=max(started_at, at),
        attributes=attributes,
        error=None if failure is None or is_cancelled else code_of_ours(failure.code),
    )


def in_logs(task: TaskAssigned, trace: ExecutionTrace | None = None) -> dict[str, str | int]:
    """Which attempt a line of the log is about."""
    told: dict[str, str | int] = {
        "tenant_id": task.tenant_id,
        "job_id": task.job_id,
        "execution_id": task.execution_id,
        "attempt": task.attempt,
    }
    return told if trace is None else {**told, "trace_id": trace.trace_id}
