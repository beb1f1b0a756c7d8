"""Traces: to which one an execution belongs, and what its spans are called.

Guarantee: both follow from ids. Processes that never spoke to each other about it call the same span the same and agree
on whether it is kept, as long as they keep the same share; so no record has to carry anything for a scheduled fire.
Nothing is decided by a trace.

    the caller's span ── the API's ── execution ─┬─ dispatch 1 ── attempt 1 ── whatever the target does
                                                 └─ dispatch 2 ── attempt 2 ── …

Source: W3C Trace Context, level 1, section 3.2 (traceparent); OpenTelemetry, specification of the trace SDK
(TraceIdRatioBased, ParentBased).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from hashlib import sha256

NAMES = frozenset(
    {"http.request.method", "http.route", "http.response.status_code"}
    | {"horolog.tenant.id", "horolog.job.id", "horolog.job.type", "horolog.execution.id", "horolog.attempt"}
    | {"horolog.command.id", "horolog.worker.id", "horolog.trigger", "horolog.status", "horolog.reason"}
    | {"horolog.scheduled_for", "horolog.late_ms"}
)
"""Of the attributes of spans, those that are sent: ids, numbers and words of ours, nothing that a tenant wrote."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,49}")
_TRACE_DIGIT_COUNT, _SPAN_DIGIT_COUNT = 32, 16


class SpanKind(IntEnum):
    """The part that a span has in an exchange, by the numbers of OTLP."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span of a trace, as it is named to others, and whether the trace is kept."""

    trace_id: str
    span_id: str
    is_sampled: bool

    def __str__(self) -> str:
        """The value of a `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took its time; with `error`, a code of ours, it failed."""

    name: str
    kind: SpanKind
    context: TraceContext
    parent_id: str | None
    start: datetime
    end: datetime
    attributes: Mapping[str, str | int]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionTrace:
    """The trace of one execution, and its spans. `caller_id` is the span of whoever asked for it, if anybody did."""

    execution_id: str
    trace_id: str
    is_sampled: bool
    caller_id: str | None = None

    def execution(self) -> TraceContext:
        """From its instant to its end."""
        return self._span(f"execution|{self.execution_id}")

    def dispatch(self, attempt: int) -> TraceContext:
        """From when an attempt could be handed out until it was."""
        return self._span(f"dispatch|{self.execution_id}|{attempt}")

    def attempt(self, attempt: int) -> TraceContext:
        """The attempt itself; what it calls is told of this span."""
        return self._span(f"attempt|{self.execution_id}|{attempt}")

    def _span(self, name: str) -> TraceContext:
        return TraceContext(self.trace_id, _digits(name, _SPAN_DIGIT_COUNT), self.is_sampled)


def trace_context(text: str | None) -> TraceContext | None:
    """What a `traceparent` header says; None when it is none."""
    found = _TRACEPARENT.fullmatch(text or "")
    return None if found is None else TraceContext(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


def trace_of_execution(execution_id: str, caller: TraceContext | None, ratio: float) -> ExecutionTrace:
    """The caller's trace, else one of its own, which is kept if it belongs to that share of all."""
    if caller is not None:
        return ExecutionTrace(execution_id, caller.trace_id, caller.is_sampled, caller.span_id)
    own = own_trace(f"execution|{execution_id}", ratio)
    return ExecutionTrace(execution_id, own.trace_id, own.is_sampled)


def own_trace(name: str, ratio: float) -> TraceContext:
    """The trace that begins with whatever is called so, and its first span."""
    trace_id = _digits(f"trace|{name}", _TRACE_DIGIT_COUNT)
    is_sampled = int(trace_id[_SPAN_DIGIT_COUNT:], 16) < ratio * 2**64
    return TraceContext(trace_id, _digits(name, _SPAN_DIGIT_COUNT), is_sampled)


def child(parent: TraceContext, name: str) -> TraceContext:
    """The span of this name in the same trace."""
    return TraceContext(parent.trace_id, _digits(name, _SPAN_DIGIT_COUNT), parent.is_sampled)


def code_of_ours(text: str) -> str:
    """The code, if it looks like one: of what a function's process says, anything may have been written by the job."""
    return text if _CODE.fullmatch(text) else "OTHER"


def _digits(name: str, count: int) -> str:
    return sha256(name.encode()).hexdigest()[:count]
