"""What the dispatcher has to do with traces: it hands on the one that a trigger came with, and tells two spans.

The trace travels in the headers of the facts and tasks of an execution, and comes back from there when the partition is
rebuilt. It is in no message, so nothing is decided by it and no fact differs for it. A scheduled fire has none to hand
on: its trace follows from its id.

Guarantee: a span is told once the turn that it follows from is known to be committed.
"""

from collections.abc import Sequence

from horolog.domain.tracing import ExecutionTrace, Span, SpanKind, code_of_ours, trace_context, trace_of_execution
from horolog.log.port import Outgoing
from horolog.ports import Tracing
from schemas.base import Message
from schemas.codec import Headers, decode, time_of, traceparent_of, type_of
from schemas.events.executions import (
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionSkipped,
    ExecutionStatus,
)
from schemas.events.workers import TaskAssigned

_STATUS: dict[type[ExecutionEvent], ExecutionStatus] = {
    ExecutionCompleted: ExecutionStatus.COMPLETED,
    ExecutionFailed: ExecutionStatus.FAILED,
    ExecutionCancelled: ExecutionStatus.CANCELLED,
    ExecutionSkipped: ExecutionStatus.SKIPPED,
}
_TOLD = frozenset({TaskAssigned.TYPE, *(model.TYPE for model in _STATUS)})


class Traces:
    """The traces that executions without an end came with: of each that has one, its caller's `traceparent`."""

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def note(self, decided: Sequence[Message], headers: Headers) -> None:
        """What was admitted came with these headers."""
        admitted = [message for message in decided if isinstance(message, ExecutionAdmitted)]
        traceparent = traceparent_of(headers) if admitted else None
        if traceparent is not None and trace_context(traceparent) is not None:
            self._of.update((message.execution_id, traceparent) for message in admitted)

    def forget(self, execution_id: str) -> None:
        """The execution has come to its end."""
        self._of.pop(execution_id, None)

    def header_for(self, message: Message) -> str | None:
        """What the message's record tells of its trace: a fact the caller's span, a task that of its own dispatch."""
        if not self._of or not isinstance(message, ExecutionEvent | TaskAssigned):
            return None
        traceparent = self._of.get(message.execution_id)
        if traceparent is None or isinstance(message, ExecutionEvent):
            return traceparent
        return str(_trace(message.execution_id, traceparent, 0.0).dispatch(message.attempt))


def tell_spans(outputs: Sequence[Outgoing], tracing: Tracing) -> None:
    """Tell the spans that end with what a turn has decided."""
    for output in outputs:
        if output.value is None or type_of(output.headers) not in _TOLD:
            continue
        trace = _trace(output.key.decode(), traceparent_of(output.headers), tracing.ratio)
        if trace.is_sampled:
            tracing.tell(_span(output, trace))


def _trace(execution_id: str, traceparent: str | None, ratio: float) -> ExecutionTrace:
    return trace_of_execution(execution_id, trace_context(traceparent), ratio)


def _span(output: Outgoing, trace: ExecutionTrace) -> Span:
    message = decode(output.topic, output.headers, output.value)
    if isinstance(message, TaskAssigned):
        return _dispatch(message, trace, output.headers)
    assert isinstance(message, ExecutionEnded | ExecutionSkipped)
    return _execution(message, trace)


def _dispatch(task: TaskAssigned, trace: ExecutionTrace, headers: Headers) -> Span:
    # What was handed out ahead of its time lost none, as in the figures.
    handed_out_at = max(task.not_before, time_of(headers) or task.not_before)
    attributes: dict[str, str | int] = {
        "horolog.tenant.id": task.tenant_id,
        "horolog.job.id": task.job_id,
        "horolog.job.type": task.job_type,
        "horolog.execution.id": task.execution_id,
        "horolog.attempt": task.attempt,
        "horolog.worker.id": task.worker_id,
        "horolog.trigger": task.trigger_type,
        "horolog.late_ms": round((handed_out_at - task.not_before).total_seconds() * 1000),
    }
    context, parent = trace.dispatch(task.attempt), trace.execution()
    return Span("dispatch", SpanKind.PRODUCER, context, parent.span_id, task.not_before, handed_out_at, attributes)


def _execution(event: ExecutionEnded | ExecutionSkipped, trace: ExecutionTrace) -> Span:
    end = event.completed_at if isinstance(event, ExecutionEnded) else event.at
    attributes: dict[str, str | int] = {
        "horolog.tenant.id": event.tenant_id,
        "horolog.job.id": event.job_id,
        "horolog.execution.id": event.execution_id,
        "horolog.scheduled_for": event.scheduled_for.isoformat(),
        "horolog.status": _STATUS[type(event)],
    }
    if isinstance(event, ExecutionEnded):
        attributes["horolog.attempt"] = event.attempt
    if isinstance(event, ExecutionCancelled | ExecutionSkipped):
        attributes["horolog.reason"] = event.reason
    return Span(
        name="execution",
        kind=SpanKind.INTERNAL,
        context=trace.execution(),
        parent_id=trace.caller_id,
        start=event.scheduled_for,
        end=max(event.scheduled_for, end),
        attributes=attributes,
        error=code_of_ours(event.failure.code) if isinstance(event, ExecutionFailed) else None,
    )
