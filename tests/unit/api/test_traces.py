"""A call is a span in its caller's trace, or begins one, and its command goes on in it."""

import logging
from collections.abc import AsyncIterator

import pytest

from horolog.domain.tracing import SpanKind, trace_context
from horolog.runtime.logs import JsonLine
from schemas.codec import traceparent_of
from tests.unit.api.world import JOB, OURS, World, open_world
from tests.unit.tracing.keeping import Keeping

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def tracing() -> Keeping:
    return Keeping()


@pytest.fixture
async def traced(tracing: Keeping) -> AsyncIterator[World]:
    async with open_world(ports={"tracing": tracing}) as world:
        yield world


async def test_command_goes_on_in_the_span_of_its_call(traced: World, tracing: Keeping) -> None:
    await traced.ask("POST", "/jobs", JOB)
    span = tracing.named("POST /api/v1/scheduler/jobs")
    assert trace_context(traceparent_of(traced.log.records[0].headers)) == span.context
    assert (span.kind, span.parent_id, span.error, span.context.is_sampled) == (SpanKind.SERVER, None, None, True)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/scheduler/jobs",
        "http.response.status_code": 201,
        "horolog.tenant.id": OURS,
        "horolog.command.id": traced.log.commands[0].command_id,
    }


async def test_call_that_comes_with_a_trace_is_a_part_of_it(traced: World, tracing: Keeping) -> None:
    await traced.ask("POST", "/jobs", JOB, headers={"traceparent": CALLER})
    span, caller = tracing.named("POST /api/v1/scheduler/jobs"), trace_context(CALLER)
    assert caller is not None
    assert (span.context.trace_id, span.parent_id) == (caller.trace_id, caller.span_id)
    assert span.context.span_id != caller.span_id


async def test_trace_that_the_caller_does_not_keep_is_passed_on_and_not_told(traced: World, tracing: Keeping) -> None:
    await traced.ask("POST", "/jobs", JOB, headers={"traceparent": CALLER.removesuffix("01") + "00"})
    handed_on = trace_context(traceparent_of(traced.log.records[0].headers))
    assert handed_on is not None
    assert (handed_on.is_sampled, tracing.spans) == (False, [])


async def test_nobody_makes_spans_without_being_recognised(traced: World, tracing: Keeping) -> None:
    await traced.ask("GET", "/jobs", token="nobodys-token-0123456789", headers={"traceparent": CALLER})
    await traced.ask("GET", "/health", token=None)
    assert tracing.spans == []


async def test_refusal_is_no_fault_and_nothing_that_the_caller_wrote_is_told(traced: World, tracing: Keeping) -> None:
    answer = await traced.ask("GET", "/jobs/a-secret-in-the-path?q=a-secret", headers={"X-Note": "a-secret"})
    (span,) = tracing.spans
    assert (answer.status_code, span.error) == (404, None)
    assert "a-secret" not in repr(span)


async def test_lines_that_a_call_causes_name_its_tenant_and_its_trace(
    traced: World, tracing: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLine())
    caplog.set_level(logging.INFO, logger="horolog.api")
    traced.app.add_api_route("/api/v1/scheduler/breaks", _break)
    await traced.client.get("/api/v1/scheduler/breaks", headers={"Authorization": "Bearer our-token-0123456789"})
    (span,) = tracing.spans
    assert span.error == "INTERNAL_ERROR"
    (line,) = [text for text in caplog.text.splitlines() if "a request failed" in text]
    assert f'"tenant_id": "{OURS}"' in line
    assert f'"trace_id": "{span.context.trace_id}"' in line


async def _break() -> None:
    raise RuntimeError("broken")
