"""Each attempt is a span below its dispatch, and what it calls is told of that span."""

import logging
from datetime import timedelta

import pytest

from horolog.domain.tracing import SpanKind, TraceContext, trace_context, trace_of_execution
from horolog.runtime.logs import JsonLine
from schemas.events.executions import Failure
from schemas.jobs import ErrorType
from services.executor.outcome import Outcome
from services.executor.runner import Watcher
from tests.unit.executor.world import ME, NOON, World, alive, execution, new_world, revoked, task
from tests.unit.tracing.keeping import Keeping

OWN = trace_of_execution(execution(1), None, 1.0)
CALLER = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", is_sampled=True)


def watcher(world: World) -> Watcher:
    return world.runner.watchers[execution(1)]


async def test_attempt_of_a_fire_is_in_the_trace_that_follows_from_its_execution() -> None:
    tracing = Keeping()
    async with alive(new_world(tracing=tracing)) as world:
        await world.send(task(1, in_s=0.2))
        await world.pass_time(0.25)
        assert trace_context(watcher(world).traceparent) == OWN.attempt(1)
        await world.pass_time(1)
        world.runner.finish(1)
    span = tracing.named("attempt")
    assert (span.context, span.parent_id, span.kind) == (OWN.attempt(1), OWN.dispatch(1).span_id, SpanKind.CONSUMER)
    # The world's clock moves in steps: the instant was met a little late.
    assert (span.start, span.attributes["horolog.late_ms"]) == (NOON + timedelta(seconds=0.25), 50)
    assert span.end - span.start == timedelta(seconds=1)
    told = [span.attributes[f"horolog.{name}"] for name in ("execution.id", "attempt", "worker.id", "status")]
    assert (told, span.error) == ([execution(1), 1, ME, "completed"], None)


async def test_attempt_of_a_trigger_is_in_the_trace_that_its_task_came_with() -> None:
    tracing, trace = Keeping(ratio=0.0), trace_of_execution(execution(1), CALLER, 0.0)
    async with alive(new_world(tracing=tracing)) as world:
        await world.send(task(1), traceparent=str(trace.dispatch(1)))
        world.runner.finish(1)
    span = tracing.named("attempt")
    assert (span.context.trace_id, span.parent_id) == (CALLER.trace_id, trace.dispatch(1).span_id)


async def test_trace_that_is_not_kept_is_passed_on_as_such_and_not_told() -> None:
    tracing = Keeping(ratio=0.0)
    async with alive(new_world(tracing=tracing)) as world:
        await world.send(task(1))
        assert watcher(world).traceparent == str(OWN.attempt(1)).removesuffix("01") + "00"
        world.runner.finish(1)
    assert tracing.spans == []


async def test_without_traces_nobody_is_told_of_any() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1), traceparent=str(CALLER))
        assert watcher(world).traceparent is None
        world.runner.finish(1)


@pytest.mark.parametrize(("code", "told"), [("EXIT_STATUS", "EXIT_STATUS"), ("my-password", "OTHER")])
async def test_failure_is_told_by_its_code_alone(code: str, told: str) -> None:
    tracing = Keeping()
    async with alive(new_world(tracing=tracing)) as world:
        await world.send(task(1))
        failure = Failure(type=ErrorType.USER_ERROR, code=code, message="my-password")
        world.runner.finish(1, Outcome(failure=failure))
    span = tracing.named("attempt")
    assert (span.error, span.attributes["horolog.status"]) == (told, "failed")
    assert "my-password" not in repr(span)


async def test_attempt_that_is_taken_back_is_told_as_cancelled() -> None:
    tracing = Keeping()
    async with alive(new_world(tracing=tracing)) as world:
        await world.send(task(1))
        await world.send(revoked(1))
    assert (tracing.named("attempt").attributes["horolog.status"], tracing.named("attempt").error) == (
        "cancelled",
        None,
    )


async def test_lines_about_an_attempt_name_it_and_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="services.executor.worker")
    async with alive(new_world(tracing=Keeping())) as world:
        await world.send(task(1))
        world.runner.finish(1)
    lines = [JsonLine().format(one) for one in caplog.records if one.getMessage().startswith("an attempt")]
    assert len(lines) == 2
    for line in lines:
        assert execution(1) in line
        assert f'"trace_id": "{OWN.trace_id}"' in line
