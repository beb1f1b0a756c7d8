"""One trace from a call or a fire to the target of the job, in a whole system with a collector beside it."""

from collections.abc import Sequence
from typing import Any

from horolog.domain.tracing import trace_context, trace_of_execution
from tests.e2e.system import PREFIX, System, job, running
from tests.e2e.test_every_metric_moves import samples
from tests.integration.notifications.receiving import Hook
from tests.integration.tracing.collecting import Collector, GotSpan

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRIGGER = f"POST {PREFIX}/jobs/{{job_id}}/trigger"


def http_job(target: Hook, **changes: Any) -> dict[str, Any]:
    return job(jobType="http", config={"url": target.url, "method": "GET"}, **changes)


async def triggered(system: System, target: Hook, **headers: str) -> str:
    """The execution of an HTTP job that was triggered, once it is over."""
    made = await system.client.post(f"{PREFIX}/jobs", json=http_job(target))
    answer = await system.client.post(f"{PREFIX}/jobs/{made.json()['id']}/trigger", headers=headers)
    execution_id: str = answer.json()["id"]
    await system.eventually(f"/executions/{execution_id}", lambda body: body["status"] == "completed")
    return execution_id


def of_execution(spans: Sequence[GotSpan], execution_id: str) -> dict[str, GotSpan]:
    """By name, the spans in the trace of an execution."""
    trace_ids = {span.trace_id for span in spans if span.attributes.get("horolog.execution.id") == execution_id}
    return {span.name: span for span in spans if span.trace_id in trace_ids}


def heard(target: Hook) -> tuple[str, str]:
    """The trace and the span that the target was told of by its last request."""
    context = trace_context(target.got[-1].headers["traceparent"])
    assert context is not None
    return context.trace_id, context.span_id


async def test_trigger_is_one_trace_from_the_caller_to_the_target(migrated_database: str) -> None:
    async with Collector() as collector, Hook() as target:
        async with running(migrated_database, collector=collector.endpoint) as system:
            execution_id = await triggered(system, target, traceparent=CALLER)
        spans = of_execution(collector.spans, execution_id)
    call, execution, dispatch, attempt = (spans[name] for name in (TRIGGER, "execution", "dispatch", "attempt"))
    caller = trace_context(CALLER)
    assert caller is not None
    assert {span.trace_id for span in spans.values()} == {caller.trace_id}
    parents = [call.parent_id, execution.parent_id, dispatch.parent_id, attempt.parent_id]
    assert parents == [caller.span_id, call.span_id, execution.span_id, dispatch.span_id]
    assert heard(target) == (attempt.trace_id, attempt.span_id)
    assert [span.kind for span in (call, execution, dispatch, attempt)] == ["server", "internal", "producer", "client"]
    assert call.start <= execution.start <= dispatch.start <= attempt.start <= attempt.end <= execution.end


async def test_trigger_of_a_caller_without_a_trace_begins_one(migrated_database: str) -> None:
    async with Collector() as collector, Hook() as target:
        async with running(migrated_database, collector=collector.endpoint) as system:
            execution_id = await triggered(system, target)
        spans = of_execution(collector.spans, execution_id)
    assert spans.keys() == {TRIGGER, "execution", "dispatch", "attempt"}
    assert (spans[TRIGGER].parent_id, spans["execution"].parent_id) == (None, spans[TRIGGER].span_id)
    assert heard(target) == (spans[TRIGGER].trace_id, spans["attempt"].span_id)


async def test_fire_is_one_trace_from_its_instant_to_the_target(migrated_database: str) -> None:
    async with Collector() as collector, Hook() as target:
        async with running(migrated_database, collector=collector.endpoint) as system:
            made = await system.client.post(f"{PREFIX}/jobs", json=http_job(target, cronExpression="* * * * * *"))
            path = f"/jobs/{made.json()['id']}/executions?status=completed"
            page = await system.eventually(path, lambda body: bool(body["items"]))
        ended = page["items"][-1]
        spans = of_execution(collector.spans, ended["id"])
    trace = trace_of_execution(ended["id"], None, 1.0)
    assert {name: (span.span_id, span.parent_id) for name, span in spans.items()} == {
        "execution": (trace.execution().span_id, None),
        "dispatch": (trace.dispatch(1).span_id, trace.execution().span_id),
        "attempt": (trace.attempt(1).span_id, trace.dispatch(1).span_id),
    }
    assert str(trace.attempt(1)) in [got.headers["traceparent"] for got in target.got]
    assert spans["execution"].start % 1_000_000_000 == 0
    assert spans["execution"].start == spans["dispatch"].start <= spans["attempt"].start


async def test_without_a_collector_nothing_is_sent_and_no_target_is_told(migrated_database: str) -> None:
    async with Collector() as collector, Hook() as target:
        async with running(migrated_database) as system:
            await triggered(system, target, traceparent=CALLER)
            assert "scheduler_spans_total" not in {name for name, _ in samples(system.metrics)}
        assert "traceparent" not in target.got[-1].headers
        assert collector.got == []


async def test_collector_that_is_away_costs_jobs_nothing(migrated_database: str) -> None:
    async with Collector() as collector, Hook() as target:
        gone = collector.endpoint
        await collector.__aexit__(None, None, None)
        async with running(migrated_database, collector=gone) as system:
            execution_id = await triggered(system, target)
            metrics = system.metrics
    told = trace_of_execution(execution_id, None, 1.0)
    assert heard(target)[1] == told.attempt(1).span_id
    shown = samples(metrics)
    assert shown["scheduler_spans_total", (("outcome", "sent"),)] == 0
    assert shown["scheduler_spans_total", (("outcome", "dropped"),)] >= 4
