"""Spans reach a collector in batches; one that is away, slow or unwilling costs spans, which are counted, not time."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from horolog.adapters.otlp import OtlpExporter
from horolog.adapters.system import SystemClock
from horolog.domain.tracing import Span, SpanKind, child, own_trace
from horolog.limits import TRACE_BATCH_COUNT_MAX
from tests.integration.notifications.receiving import answer
from tests.integration.tracing.collecting import DEADLINE_S, Collector

AT = datetime(2026, 3, 1, 12, 0, 0, 250_001, tzinfo=UTC)
ROOT = own_trace("root", 1.0)


class Hurried(SystemClock):
    """Waits for no one; `paused_s` says how long it was to wait."""

    def __init__(self) -> None:
        self.paused_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.paused_s.append(seconds)
        await asyncio.sleep(0)


def span(number: int = 0, error: str | None = None, **attributes: str | int) -> Span:
    context = child(ROOT, str(number))
    told = {"horolog.attempt": number, **{name.replace("_", "."): value for name, value in attributes.items()}}
    return Span("a span", SpanKind.CLIENT, context, ROOT.span_id, AT, AT + timedelta(seconds=1), told, error)


@asynccontextmanager
async def sending(endpoint: str, clock: Hurried | None = None, room: int = 8192) -> AsyncIterator[OtlpExporter]:
    """An exporter that sends until the block is left, and then what is left."""
    async with httpx.AsyncClient(headers={"x-key": "word"}, trust_env=False) as http:
        exporter = OtlpExporter(
            http, f"{endpoint}/v1/traces", clock or Hurried(), {"service.name": "horolog"}, waiting_count_max=room
        )
        running = asyncio.create_task(exporter.run())
        try:
            yield exporter
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await exporter.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0)


async def test_span_arrives_as_it_was_told_and_only_with_attributes_that_are_listed() -> None:
    async with Collector() as collector:
        async with sending(collector.endpoint) as exporter:
            exporter.tell(span(7, "EXIT_STATUS", horolog_status="failed", password="hush", horolog_parameters="hush"))
            await until(lambda: exporter.sent_count == 1)
        (request,), (got,) = collector.got, collector.spans
    assert (got.name, got.kind, got.trace_id, got.parent_id) == ("a span", "client", ROOT.trace_id, ROOT.span_id)
    assert (got.start, got.end - got.start, got.is_error) == (1772366400250001000, 1_000_000_000, True)
    assert got.attributes == {"horolog.attempt": "7", "horolog.status": "failed"}
    assert (request.path, request.headers["x-key"], b"hush" in request.body) == ("/v1/traces", "word", False)
    resource = json.loads(request.body)["resourceSpans"][0]["resource"]
    assert resource == {"attributes": [{"key": "service.name", "value": {"stringValue": "horolog"}}]}


async def test_requests_are_bounded_and_what_is_told_before_the_end_is_sent() -> None:
    count = 2 * TRACE_BATCH_COUNT_MAX + 1
    async with Collector() as collector:
        async with sending(collector.endpoint) as exporter:
            for number in range(count):
                exporter.tell(span(number))
        assert len(collector.spans) == exporter.sent_count == count
        assert len(collector.got) == 3
    assert exporter.dropped_count == 0


async def test_telling_never_waits_and_what_there_is_no_room_for_is_counted() -> None:
    async with Collector() as collector:
        collector.held.clear()
        async with sending(collector.endpoint, room=10) as exporter:
            for number in range(25):
                exporter.tell(span(number))
            await asyncio.wait_for(collector.arrived.wait(), DEADLINE_S)
            assert exporter.dropped_count == 15
            collector.held.set()
            await collector.until(lambda spans: len(spans) == 10)
    assert (exporter.sent_count, exporter.dropped_count) == (10, 15)


async def test_collector_that_is_away_is_told_of_once_and_tried_ever_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="horolog.adapters.otlp")
    async with Collector() as collector:
        gone, clock = collector.endpoint, Hurried()
    async with sending(gone, clock) as exporter:
        exporter.tell(span())
        await until(lambda: len(clock.paused_s) >= 8)
    assert clock.paused_s[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (exporter.sent_count, exporter.dropped_count) == (0, 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_collector_that_has_no_time_now_gets_the_same_spans_later(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="horolog.adapters.otlp")
    async with Collector() as collector:
        collector.answers += [answer(503), answer(429)]
        async with sending(collector.endpoint) as exporter:
            exporter.tell(span())
            await until(lambda: exporter.sent_count == 1)
        assert len(collector.got) == 3
    assert (exporter.sent_count, exporter.dropped_count) == (1, 0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_spans_that_the_collector_refuses_are_dropped_and_the_next_ones_sent() -> None:
    async with Collector() as collector:
        collector.answers += [answer(400, b"x" * 100_000)]
        async with sending(collector.endpoint) as exporter:
            exporter.tell(span(1))
            await until(lambda: exporter.dropped_count == 1)
            exporter.tell(span(2))
    assert (exporter.sent_count, exporter.dropped_count) == (1, 1)
