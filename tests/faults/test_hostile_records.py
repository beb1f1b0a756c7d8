"""Records that are well-formed, and would break whoever believes them: decided on one by one, without a server."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.limits import INBOX_BYTES_MAX, TURN_BYTES_MAX
from horolog.log.feed import Inbox
from horolog.log.port import Outgoing, Place, Record
from schemas.base import Message
from schemas.codec import RecordError
from schemas.commands import CancelExecution, TriggerJob, UpdateJob
from schemas.events.executions import ExecutionAdmitted, Failure, RetryScheduled, TriggerType
from schemas.events.fires import FireDue
from schemas.events.owners import CommandRejected, RecordRefused
from schemas.events.results import FailureReported, SuccessReported
from schemas.events.workers import TaskAssigned, WorkerBeat, WorkerState
from schemas.jobs import ErrorType, FunctionConfig, JobType
from schemas.topics import COMMANDS, CONTROL, DLQ, EXECUTIONS, JOB_TABLE, RECORD_BYTES_MAX, partition_of
from services.dispatcher.book import Book
from services.dispatcher.dispatcher import beat_of
from services.dispatcher.partition import restore
from services.ticker.partition import TickerPartition
from tests.faults.hostile import hostile_records
from tests.unit.deciding.kit import (
    HOME,
    PARTITIONS,
    START,
    TENANT,
    Dispatching,
    at,
    command,
    definition,
    messages,
    record,
    tabled,
    uuid_of,
)
from tests.unit.executor.world import ME, alive, execution, new_world, task

LARGE = "x" * 470_000
TOO_LARGE = "x" * 490_000
ELSEWHERE = (HOME + 1) % PARTITIONS


def function(text: str) -> FunctionConfig:
    return FunctionConfig(module_path="a", function_name="b", parameters={"text": text})


def sizes(dispatching: Dispatching, seconds: float, message: Message) -> list[int]:
    return [len(o.value or b"") for o in dispatching.partition.turn([record(message)], at(seconds)).outputs]


@given(st.data())
def test_whatever_a_record_says_it_is_decided_on_or_refused_and_its_facts_can_be_written(data: st.DataObject) -> None:
    """Celery CVE-2021-23727 (a result that somebody wrote became a command when it was read)."""
    dispatching, ticking = Dispatching(), TickerPartition(HOME, None, PARTITIONS)
    dispatching.create()
    (assigned,) = [m for m in dispatching.trigger(1, 2) if isinstance(m, TaskAssigned)]
    for number, (topic, value, headers) in enumerate(data.draw(hostile_records(assigned.execution_id))):
        owner = ticking if topic == JOB_TABLE.name else dispatching.partition
        key = uuid_of(1) if topic == JOB_TABLE.name else TENANT
        written = owner.turn([Record(topic, HOME, number, key.encode(), value, headers, 0)], at(2 + number)).outputs
        assert all(len(o.value or b"") <= RECORD_BYTES_MAX and 0 <= o.partition < PARTITIONS for o in written)
        assert len(messages(written)) == len(written)


def test_a_command_whose_answer_cannot_be_written_is_refused_and_the_next_is_decided() -> None:
    dispatching = Dispatching()
    written = dispatching.turn(1, command(CancelExecution, 1, execution_id="a\x00b"))
    assert [type(message) for message in written] == [RecordRefused]
    assert [type(m) for m in dispatching.turn(2, command(CancelExecution, 2, execution_id="c"))] == [CommandRejected]


def test_a_report_whose_fact_would_exceed_the_log_is_refused_and_changes_nothing() -> None:
    dispatching = Dispatching()
    dispatching.create(max_concurrent=2)
    (assigned,) = [m for m in dispatching.trigger(1, 2) if isinstance(m, TaskAssigned)]
    common = assigned.model_dump(include={"tenant_id", "execution_id", "job_id", "attempt", "worker_id"})
    report = SuccessReported(**common, scheduled_for=at(1), at=at(2), started_at=at(2), result="")
    room = RECORD_BYTES_MAX - len(report.to_json())
    report = report.model_copy(update={"result": "x" * room})
    assert [type(message) for message in dispatching.turn(2, report)] == [RecordRefused]
    assert [e.execution_id for e in dispatching.partition.book.in_flight()] == [assigned.execution_id]


def test_the_largest_definitions_and_parameters_fit_into_every_record_that_follows() -> None:
    dispatching = Dispatching()
    dispatching.create(config=function(LARGE))
    update = command(UpdateJob, 2, job_id=uuid_of(1), definition=definition(config=function(LARGE)))
    trigger = command(TriggerJob, 3, job_id=uuid_of(1), parameters={"more": LARGE})
    assert max(sizes(dispatching, 1, update)) <= RECORD_BYTES_MAX
    assert max(sizes(dispatching, 2, trigger)) <= RECORD_BYTES_MAX


def test_larger_definitions_and_parameters_are_rejected_with_a_sentence() -> None:
    dispatching = Dispatching()
    dispatching.create()
    update = command(UpdateJob, 2, job_id=uuid_of(1), definition=definition(config=function(TOO_LARGE)))
    trigger = command(TriggerJob, 3, job_id=uuid_of(1), parameters={"more": TOO_LARGE})
    written = dispatching.turn(1, update, trigger)
    assert [(type(m), getattr(m, "code", "")) for m in written] == [(CommandRejected, "INVALID_JOB_CONFIG")] * 2


@pytest.mark.parametrize("code", ["LEASE_LOST", "WORKER_STOPPED"])
def test_an_attempt_given_up_with_its_worker_is_followed_by_another_whatever_the_retry_rules(code: str) -> None:
    dispatching = Dispatching()
    dispatching.create()
    (assigned,) = [m for m in dispatching.trigger(1, 2) if isinstance(m, TaskAssigned)]
    common = assigned.model_dump(include={"tenant_id", "execution_id", "job_id", "attempt", "worker_id"})
    failure = Failure(type=ErrorType.SYSTEM_ERROR, code=code, message="given up")
    report = FailureReported(**common, scheduled_for=at(1), at=at(2), failure=failure)
    assert RetryScheduled in {type(message) for message in dispatching.turn(2, report)}


def test_the_fires_of_a_job_in_a_strange_partition_are_not_emitted() -> None:
    state = TickerPartition(ELSEWHERE, None, PARTITIONS)
    written = messages(state.turn([record(tabled(definition()), partition=ELSEWHERE)], at(5)).outputs)
    assert [type(message) for message in written] == [RecordRefused]
    state = TickerPartition(HOME, None, PARTITIONS)
    assert FireDue in {type(m) for m in messages(state.turn([record(tabled(definition()))], at(5)).outputs)}


def test_a_rebuilt_book_holds_nothing_of_strange_or_unreadable_records() -> None:
    strange = ExecutionAdmitted(
        tenant_id=TENANT,
        execution_id=uuid_of(9),
        job_id=uuid_of(1),
        scheduled_for=at(1),
        seq=1,
        at=START,
        trigger_type=TriggerType.SCHEDULED,
        job_version=1,
        job_type=JobType.FUNCTION,
    )
    job = record(tabled(definition()))
    unkept = Record(JOB_TABLE.name, HOME, 1, b"\xff\xfe", None, (), 0)
    unreadable = Record(EXECUTIONS.name, HOME, 1, uuid_of(1).encode(), None, (), 0)
    book, skipped = Book(HOME), list[str]()
    restore(book, [job, unkept, unreadable], PARTITIONS, lambda _, why: skipped.append(why))
    assert book.jobs.get(uuid_of(1)) is not None
    restore(Book(ELSEWHERE), [record(strange, partition=ELSEWHERE)], PARTITIONS, lambda _, why: skipped.append(why))
    assert len(skipped) == 2


def test_a_beat_is_believed_only_if_it_names_its_workers_own_inbox() -> None:
    inbox = partition_of("worker-a", PARTITIONS)

    def beat(named: int) -> WorkerBeat:
        return WorkerBeat(
            worker_id="worker-a", inbox=named, state=WorkerState.READY, capacity=1, started_at=START, at=START
        )

    assert beat_of(record(beat(inbox), partition=inbox), PARTITIONS) == beat(inbox)
    for named, written in ((PARTITIONS + 7, inbox), (inbox, (inbox + 1) % PARTITIONS), (inbox + 1, inbox + 1)):
        with pytest.raises(RecordError, match="inbox"):
            beat_of(record(beat(named), partition=written), PARTITIONS)


def test_large_records_are_taken_a_few_at_a_time_and_fill_an_inbox() -> None:
    place = Place(COMMANDS.name, 0)
    inbox = Inbox({place: 0}, asyncio.Event())
    count = INBOX_BYTES_MAX // RECORD_BYTES_MAX + 2
    inbox.put([Record(*place, offset, b"", b"x" * RECORD_BYTES_MAX, (), 0) for offset in range(count)])
    full = [inbox.is_full]
    first = inbox.take(count)
    assert len(first) == TURN_BYTES_MAX // RECORD_BYTES_MAX
    rest = [record for _ in range(count) for record in inbox.take(count)]
    assert [record.offset for record in (*first, *rest)] == list(range(count))
    assert [*full, inbox.is_full] == [True, False]
    inbox.put([Record(*place, count, b"", b"x" * (TURN_BYTES_MAX + 1), (), 0)])
    assert [record.offset for record in inbox.take(count)] == [count]


async def test_a_worker_refuses_what_names_it_and_cannot_be_read() -> None:
    async with alive(new_world()) as world:
        value = f'{{"workerId":"{ME}"'.encode()
        await world.log.append(
            [Outgoing(CONTROL.name, 0, b"", value, (("ce_type", b"io.horolog.attempt.revoked.v1"),))]
        )
        await world.send(task(1))
        await world.pass_time(0.1)
        assert world.runner.started == [execution(1)]
        assert (await world.log.ends([Place(DLQ.name, 0)]))[Place(DLQ.name, 0)] == 1
