"""Sends spans to a collector: OTLP 1 over HTTP, as JSON.

Guarantee: telling a span neither waits nor fails, whatever the collector does. What waits is bounded, and what there is
no room for, or what the collector refuses for good, is counted. Only allow-listed attributes leave the process. While
the collector is away its absence is told once, and it is tried ever less often.
Source: OpenTelemetry protocol, OTLP/HTTP (opentelemetry.proto.collector.trace.v1, JSON mapping).
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import httpx
import orjson

from horolog.domain.tracing import NAMES, Span
from horolog.limits import (
    TRACE_ANSWER_BYTES_MAX,
    TRACE_ANSWER_S_MAX,
    TRACE_BATCH_COUNT_MAX,
    TRACE_INTERVAL_S,
    TRACE_PAUSE_S_MAX,
    TRACE_STOP_S_MAX,
    TRACE_TEXT_LENGTH_MAX,
    TRACE_WAITING_COUNT_MAX,
)
from horolog.ports import Clock

SCOPE = "horolog"
_LATER = frozenset({429, 502, 503, 504})
"""The statuses after which the protocol has a client try again."""
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_OK, _ERROR = 1, 2
_UNREACHABLE = "it cannot be reached"

_logger = logging.getLogger(__name__)


class OtlpExporter:
    """Implements `Tracing`. Spans are sent while `run` is running, and what is left of them by `close`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        clock: Clock,
        resource: Mapping[str, str],
        ratio: float = 1.0,
        waiting_count_max: int = TRACE_WAITING_COUNT_MAX,
    ) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._resource = _attributes(resource.items())
        self._ratio = ratio
        self._waiting: deque[Span] = deque()
        self._waiting_count_max = waiting_count_max
        self._told = asyncio.Event()
        self._is_away = False
        self.sent_count = self.dropped_count = 0

    @property
    def ratio(self) -> float:
        return self._ratio

    def tell(self, span: Span) -> None:
        if len(self._waiting) >= self._waiting_count_max:
            self.dropped_count += 1
            return
        self._waiting.append(span)
        self._told.set()

    async def run(self) -> None:
        """Send what is told, until cancelled."""
        pause_s = TRACE_INTERVAL_S
        while True:
            await self._told.wait()
            await self._clock.sleep(pause_s)
            try:
                is_all_gone = await self._send_all()
            except Exception:
                # Whatever made it fail must not end the sending for good.
                _logger.exception("spans cannot be sent")
                self._drop(min(TRACE_BATCH_COUNT_MAX, len(self._waiting)))
                is_all_gone = False
            pause_s = TRACE_INTERVAL_S if is_all_gone else min(2 * pause_s, TRACE_PAUSE_S_MAX)

    async def close(self) -> None:
        """Send what waits, as far as the collector takes it soon; the rest is dropped."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRACE_STOP_S_MAX):
                await self._send_all()
        self._drop(len(self._waiting))

    async def _send_all(self) -> bool:
        """Whether nothing waits any more."""
        while self._waiting:
            batch = list(islice(self._waiting, TRACE_BATCH_COUNT_MAX))
            count = len(batch)
            status = await self._post(_body(self._resource, batch))
            if status is None or status in _LATER:
                self._note_absence(_UNREACHABLE if status is None else f"it answers with {status}")
                return False
            if status >= 300:
                self._note_absence(f"it refuses what is sent, with {status}")
                self._drop(count)
                continue
            if self._is_away:
                self._is_away = False
                _logger.info("the collector takes spans again")
            self._remove(count)
            self.sent_count += count
        self._told.clear()
        return True

    async def _post(self, body: bytes) -> int | None:
        """The status of the answer; None when there was none."""
        try:
            async with (
                asyncio.timeout(TRACE_ANSWER_S_MAX),
                self._http.stream("POST", self._url, content=body) as response,
            ):
                await _take_in(response)
                return response.status_code
        except (httpx.TransportError, TimeoutError):
            return None

    def _note_absence(self, why: str) -> None:
        if not self._is_away:
            self._is_away = True
            _logger.warning("the collector of traces takes nothing: %s", why)

    def _drop(self, count: int) -> None:
        self._remove(count)
        self.dropped_count += count

    def _remove(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft()


async def _take_in(response: httpx.Response) -> None:
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > TRACE_ANSWER_BYTES_MAX:
            return


def _body(resource: Sequence[object], spans: Iterable[Span]) -> bytes:
    scope = {"scope": {"name": SCOPE}, "spans": [_told(span) for span in spans]}
    return orjson.dumps({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [scope]}]})


def _told(span: Span) -> dict[str, object]:
    told: dict[str, object] = {
        "traceId": span.context.trace_id,
        "spanId": span.context.span_id,
        "name": span.name[:TRACE_TEXT_LENGTH_MAX],
        "kind": int(span.kind),
        "startTimeUnixNano": _nanoseconds(span.start),
        "endTimeUnixNano": _nanoseconds(span.end),
        "attributes": _attributes((name, value) for name, value in span.attributes.items() if name in NAMES),
        "status": {"code": _OK} if span.error is None else {"code": _ERROR, "message": span.error},
    }
    if span.parent_id is not None:
        told["parentSpanId"] = span.parent_id
    return told


def _attributes(pairs: Iterable[tuple[str, str | int]]) -> list[object]:
    return [{"key": name, "value": _value(value)} for name, value in pairs]


def _value(value: str | int) -> dict[str, str]:
    # In the JSON mapping of protobuf, numbers of 64 bits are texts.
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"stringValue": str(value)[:TRACE_TEXT_LENGTH_MAX]}


def _nanoseconds(at: datetime) -> str:
    return str((at - _EPOCH) // _MICROSECOND * 1000)
