"""A collector of traces: it keeps the spans that it gets by OTLP over HTTP."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.integration.notifications.receiving import Hook

DEADLINE_S = 30.0
KIND_NAMES = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True, slots=True)
class GotSpan:
    """One span as a collector reads it; times in nanoseconds."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start: int
    end: int
    attributes: dict[str, Any]
    is_error: bool


class Collector(Hook):
    """Answers as it is told to, then with 200."""

    @property
    def endpoint(self) -> str:
        """Where it is, as settings name it."""
        return self.origin

    @property
    def spans(self) -> list[GotSpan]:
        """Every span so far, each once, however often it came."""
        spans = [_read(span) for got in self.got for span in _spans_in(json.loads(got.body))]
        return list({span.span_id: span for span in spans}.values())

    async def until(self, holds: Callable[[Sequence[GotSpan]], bool]) -> list[GotSpan]:
        """The spans, once they are as they should be."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds(self.spans):
                self.arrived.clear()
                await self.arrived.wait()
        return self.spans


def _spans_in(body: Any) -> list[Any]:
    return [span for one in body["resourceSpans"] for scope in one["scopeSpans"] for span in scope["spans"]]


def _read(span: Any) -> GotSpan:
    return GotSpan(
        name=span["name"],
        kind=KIND_NAMES[span["kind"]],
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId"),
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        attributes={one["key"]: next(iter(one["value"].values())) for one in span["attributes"]},
        is_error=span["status"]["code"] == 2,
    )
