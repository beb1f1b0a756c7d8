"""The dispatcher hands on the trace of a trigger, forgets it in time, and tells spans; it decides nothing by it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from horolog.domain.tracing import SpanKind, TraceContext, trace_context, trace_of_execution
from horolog.log.port import Outgoing, Record
from schemas.base import Message
from schemas.codec import decode, traceparent_of
from schemas.commands import TriggerJob
from schemas.events.executions import Failure
from schemas.events.results import FailureReported, SuccessReported
from schemas.jobs import ErrorType
from schemas.topics import EXECUTIONS, TASKS
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition, restore
from services.dispatcher.tracing import tell_spans
from tests.unit.deciding.kit import (
    HOME,
    OPEN,
    PARTITIONS,
    TENANT,
    Dispatching,
    at,
    command,
    fire,
    record,
    uuid_of,
)
from tests.unit.tracing.keeping import Keeping

CALLER = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", is_sampled=True)
TRIGGER = command(TriggerJob, 7, job_id=uuid_of(1))


def traced(message: Message, traceparent: str | bytes = str(CALLER)) -> Record:
    plain = record(message)
    value = traceparent.encode() if isinstance(traceparent, str) else traceparent
    return replace(plain, headers=(*plain.headers, ("traceparent", value)))


def created() -> Dispatching:
    world = Dispatching()
    world.create()
    return world


def turned(world: Dispatching, seconds: float, *records: Record) -> Sequence[Outgoing]:
    world.beat(seconds, [(e.execution_id, e.attempt) for e in world.partition.book.in_flight()])
    return world.partition.turn(records, at(seconds)).outputs


def of(outputs: Sequence[Outgoing], topic: str) -> list[Outgoing]:
    return [output for output in outputs if output.topic == topic]


def ended(world: Dispatching, code: str | None = None) -> Record:
    (execution,) = world.partition.book.in_flight()
    common = {
        "tenant_id": TENANT,
        "execution_id": execution.execution_id,
        "job_id": execution.job_id,
        "scheduled_for": execution.scheduled_for,
        "attempt": execution.attempt,
        "worker_id": "worker-a",
        "at": at(12),
        "started_at": at(11),
    }
    if code is None:
        return record(SuccessReported.model_validate(common))
    failure = Failure(type=ErrorType.USER_ERROR, code=code, message="a secret")
    return record(FailureReported.model_validate({**common, "failure": failure}))


def test_facts_and_task_of_a_trigger_are_in_the_trace_of_its_caller() -> None:
    outputs = turned(created(), 10, traced(TRIGGER))
    facts, (task,) = of(outputs, EXECUTIONS.name), of(outputs, TASKS.name)
    assert [traceparent_of(fact.headers) for fact in facts] == [str(CALLER)] * len(facts)
    dispatch = trace_of_execution(task.key.decode(), CALLER, 0.0).dispatch(1)
    assert trace_context(traceparent_of(task.headers)) == dispatch


def test_nothing_that_is_decided_differs_for_a_trace() -> None:
    plain, in_a_trace = (turned(created(), 10, one) for one in (record(TRIGGER), traced(TRIGGER)))
    assert [output.value for output in plain] == [output.value for output in in_a_trace]
    assert all(traceparent_of(output.headers) is None for output in plain)


@pytest.mark.parametrize("text", ["", "x" * 4000, b"\xff\xfe", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_what_is_no_trace_is_left_behind(text: str | bytes) -> None:
    outputs = turned(created(), 10, traced(TRIGGER, text))
    assert of(outputs, TASKS.name)
    assert all(traceparent_of(output.headers) is None for output in outputs)


def test_trace_outlives_its_owner_and_ends_with_its_execution() -> None:
    world = created()
    written = [*turned(world, 10, traced(TRIGGER))]
    report, book = ended(world), Book(HOME, OPEN)
    kept = [Record(o.topic, HOME, n, o.key, o.value, o.headers, 0) for n, o in enumerate(written)]
    restore(book, [one for one in kept if one.topic == EXECUTIONS.name], PARTITIONS, lambda *_: None)
    world.partition = DispatcherPartition(book, PARTITIONS)
    (end,) = of(turned(world, 12, report), EXECUTIONS.name)
    assert traceparent_of(end.headers) == str(CALLER)
    assert book.traces.header_for(fact_of(end)) is None


def fact_of(output: Outgoing) -> Message:
    return decode(output.topic, output.headers, output.value)


def test_trigger_that_is_refused_leaves_no_trace() -> None:
    world = Dispatching()
    turned(world, 10, traced(TRIGGER))
    admitted = of(turned(created(), 10, record(TRIGGER)), EXECUTIONS.name)[0]
    assert world.partition.book.traces.header_for(fact_of(admitted)) is None


def test_spans_of_a_trigger_hang_together_below_the_call() -> None:
    world, tracing = created(), Keeping(ratio=0.0)
    tell_spans(turned(world, 10, traced(TRIGGER)), tracing)
    tell_spans(turned(world, 12, ended(world)), tracing)
    dispatch, execution = tracing.named("dispatch"), tracing.named("execution")
    assert {span.context.trace_id for span in tracing.spans} == {CALLER.trace_id}
    assert (execution.parent_id, dispatch.parent_id) == (CALLER.span_id, execution.context.span_id)
    assert (execution.start, execution.end, execution.error) == (at(10), at(12), None)
    assert (dispatch.kind, execution.attributes["horolog.status"]) == (SpanKind.PRODUCER, "completed")


def test_spans_of_a_fire_show_how_late_it_was_handed_out() -> None:
    world, tracing = created(), Keeping()
    turned(world, 9, record(fire(10, 50)))
    tell_spans(world.partition.turn([], at(14)).outputs, tracing)
    dispatch = tracing.named("dispatch")
    assert (dispatch.start, dispatch.end, dispatch.attributes["horolog.late_ms"]) == (at(10), at(14), 4000)
    assert dispatch.context == trace_of_execution(uuid_of(50), None, 1.0).dispatch(1)


def test_failure_is_told_by_its_code_alone() -> None:
    world, tracing = created(), Keeping()
    turned(world, 10, record(TRIGGER))
    tell_spans(turned(world, 12, ended(world, "EXIT_STATUS")), tracing)
    assert tracing.named("execution").error == "EXIT_STATUS"
    assert "secret" not in repr(tracing.spans)


def test_execution_of_a_trace_that_is_not_kept_is_not_told() -> None:
    world, tracing = created(), Keeping()
    unkept = replace(CALLER, is_sampled=False)
    tell_spans(turned(world, 10, traced(TRIGGER, str(unkept))), tracing)
    tell_spans(turned(world, 10.5, record(fire(10, 50))), nothing := Keeping(ratio=0.0))
    assert tracing.spans == nothing.spans == []
