"""The span of a call: from when it comes in until it is answered, in the caller's trace or in one that begins here.

Guarantee: nothing that the caller wrote is in it but the ids of the trace; the route is the template, not the path.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from horolog.domain.tracing import Span, SpanKind, TraceContext, child, own_trace, trace_context
from services.api.calls import Call, method_of, route_of

_HEADER = b"traceparent"
_FAULT = 500


class CallTrace:
    """A call under way, in the scope as `trace`. `call_id` is a name that nobody else has."""

    def __init__(self, scope: Mapping[str, Any], call_id: str, ratio: float, at: datetime) -> None:
        caller = trace_context(_sent(scope))
        self.context = own_trace(call_id, ratio) if caller is None else child(caller, call_id)
        self._parent_id = None if caller is None else caller.span_id
        self._started_at = at

    def span(self, scope: Mapping[str, Any], status: int, tenant_id: str, at: datetime) -> Span:
        """The span of the call, now that it is answered."""
        call: Call = scope["call"]
        method, route = method_of(scope), route_of(scope)
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
        if tenant_id:
            attributes["horolog.tenant.id"] = tenant_id
        if call.command_id is not None:
            attributes["horolog.command.id"] = call.command_id
        return Span(
            name=f"{method} {route}",
            kind=SpanKind.SERVER,
            context=self.context,
            parent_id=self._parent_id,
            start=self._started_at,
            end=max(self._started_at, at),
            attributes=attributes,
            # A call that was refused was dealt with as it should be.
            error=call.code or "INTERNAL_ERROR" if status >= _FAULT else None,
        )


def trace_of(scope: Mapping[str, Any]) -> TraceContext | None:
    """The call's own span, where there are traces."""
    trace = scope.get("trace")
    return trace.context if isinstance(trace, CallTrace) else None


def _sent(scope: Mapping[str, Any]) -> str | None:
    values = [value for name, value in scope["headers"] if name == _HEADER]
    return values[0].decode("latin-1") if len(values) == 1 else None
