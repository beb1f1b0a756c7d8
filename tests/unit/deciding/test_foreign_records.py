"""What lies in one tenant's place under another's name is believed by nobody: a case for each consumer and topic.

Tenants may share a partition, so that its number alone proves nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from horolog.log.embedded import EmbeddedLog
from horolog.log.port import Outgoing, Record
from projections.fold import fold
from schemas.base import Message
from schemas.codec import RecordError, headers_of
from schemas.commands import CancelExecution, CreateJob, PauseJob, TriggerJob
from schemas.events.executions import ExecutionAdmitted, TriggerType
from schemas.events.jobs import JobCreated, JobTabled
from schemas.events.owners import CommandAccepted, CommandRejected, RecordRefused
from schemas.events.workers import AttemptRevoked, TaskAssigned
from schemas.jobs import JobType
from schemas.topics import CONTROL, TASKS, partition_of
from services.dispatcher.book import Book
from services.dispatcher.dispatcher import beat_of
from services.dispatcher.partition import DispatcherPartition, restore
from services.executor.inbox import Inbox
from services.ticker.partition import TickerPartition
from tests.unit.deciding.kit import (
    HOME,
    PARTITIONS,
    START,
    TENANT,
    Dispatching,
    at,
    command,
    definition,
    fire,
    messages,
    record,
    tabled,
    uuid_of,
)
from tests.unit.deciding.test_dispatching import success
from tests.unit.executor.world import ME, ManualClock, revoked, task
from tests.unit.projections.facts import beat

AWAY = (HOME + 1) % PARTITIONS
NEIGHBOUR = next(id_ for n in range(1, 10_000) if partition_of(id_ := uuid_of(n), PARTITIONS) == HOME)
"""Another tenant, of the same partition."""
OUR_JOB = tabled(definition()).job
THEIR_JOB = OUR_JOB.model_copy(update={"tenant_id": NEIGHBOUR})
MINE: dict[str, object] = {"tenant_id": TENANT, "job_id": OUR_JOB.job_id}
TO_DISPATCHERS: Sequence[Message] = (
    command(CreateJob, 1, job_id=uuid_of(1), definition=definition()),
    command(PauseJob, 2, job_id=uuid_of(1)),
    command(TriggerJob, 3, job_id=uuid_of(1)),
    command(CancelExecution, 4, execution_id=uuid_of(50)),
    fire(10, 50),
    success(50, 10),
)
ADMITTED = ExecutionAdmitted.model_validate(
    {
        **MINE,
        "execution_id": uuid_of(50),
        "scheduled_for": at(10),
        "seq": 1,
        "at": at(0),
        "trigger_type": TriggerType.SCHEDULED,
        "job_version": 1,
        "job_type": JobType.FUNCTION,
    }
)
CREATED = JobCreated.model_validate({**MINE, "actor": "user:test", "at": START, "job": OUR_JOB})
ACCEPTED = CommandAccepted(tenant_id=TENANT, command_id=uuid_of(1), at=START, effective_at=START)
TO_PROJECTIONS: Sequence[Message] = (ADMITTED, CREATED, ACCEPTED)


def misplaced(message: Message) -> list[Record]:
    """The message under the neighbour's key, under nobody's, and in a partition that is not its tenant's."""
    good = record(message)
    return [replace(good, key=NEIGHBOUR.encode()), replace(good, key=b""), replace(good, partition=AWAY)]


@pytest.mark.parametrize("message", TO_DISPATCHERS, ids=lambda message: type(message).__name__)
def test_dispatcher_refuses_what_is_not_in_its_tenants_place(message: Message) -> None:
    for stray in misplaced(message):
        partition = DispatcherPartition(Book(HOME), PARTITIONS)
        written = messages(partition.turn([stray], at(0)).outputs)
        assert [type(one) for one in written] == [RecordRefused]
        assert len(partition.book.jobs) == 0


@pytest.mark.parametrize("message", TO_DISPATCHERS, ids=lambda message: type(message).__name__)
def test_dispatcher_takes_the_tenant_or_the_subject_for_a_key(message: Message) -> None:
    for key in (message.tenant_id, message.subject()):
        good = replace(record(message), key=key.encode())
        outputs = DispatcherPartition(Book(HOME), PARTITIONS).turn([good], at(0)).outputs
        assert not [one for one in messages(outputs) if isinstance(one, RecordRefused)]


@pytest.mark.parametrize("message", TO_DISPATCHERS[1:], ids=lambda message: type(message).__name__)
def test_neighbour_in_the_same_partition_changes_nothing_of_ours(message: Message) -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    before = world.partition.book.executions[uuid_of(50)]
    foreign = message.model_copy(update={"tenant_id": NEIGHBOUR})
    written = world.turn(10, foreign)
    assert {type(one) for one in written} <= {CommandRejected, RecordRefused}
    assert TENANT not in {one.tenant_id for one in written}
    assert world.partition.book.executions[uuid_of(50)] == before


@pytest.mark.parametrize(
    "stray",
    [*misplaced(tabled(definition())), record(JobTabled(tenant_id=TENANT, job=THEIR_JOB))],
    ids=["neighbour's key", "no key", "partition", "neighbour's job"],
)
def test_job_table_holds_no_job_that_is_not_its_tenants(stray: Record) -> None:
    """Neither a ticker fires it, nor does a dispatcher that takes over know it; both tell."""
    ticker = TickerPartition(HOME, None)
    with pytest.raises(RecordError):
        ticker.take_in(stray, 0)
    written = messages(ticker.turn([stray], at(5)).outputs)
    assert ([type(one) for one in written], len(ticker)) == ([RecordRefused], 0)
    book, unreadable = Book(HOME), list[str]()
    restore(book, [stray], PARTITIONS, lambda _, reason: unreadable.append(reason))
    assert (len(book.jobs), len(unreadable)) == (0, 1)


def test_job_table_is_keyed_by_the_job_alone() -> None:
    """It keeps the last record of each key: the tenant's own id for a key would keep one job of all."""
    keyed_by_tenant = replace(record(tabled(definition())), key=TENANT.encode())
    with pytest.raises(RecordError, match="key"):
        TickerPartition(HOME, None).take_in(keyed_by_tenant, 0)


@pytest.mark.parametrize("message", TO_PROJECTIONS, ids=lambda message: type(message).__name__)
def test_projections_refuse_what_is_not_in_its_tenants_place(message: Message) -> None:
    for stray in misplaced(message):
        folded = fold([stray], PARTITIONS)
        assert len(folded.refusals) == 1
        assert (folded.changes.executions, folded.changes.jobs, folded.changes.outcomes) == ([], [], [])
    assert fold([record(message)], PARTITIONS).refusals == []


def test_projections_refuse_a_change_that_holds_the_job_of_another_tenant() -> None:
    foreign = CREATED.model_copy(update={"job": THEIR_JOB})
    assert len(fold([record(foreign)], PARTITIONS).refusals) == 1


@pytest.mark.parametrize("message", [task(1), revoked(1)], ids=lambda message: type(message).__name__)
async def test_worker_refuses_what_belongs_to_another_inbox(message: TaskAssigned | AttemptRevoked) -> None:
    clock, reasons = ManualClock(), list[str]()
    log = EmbeddedLog.open(None, clock, PARTITIONS)
    inbox = Inbox(log, clock, ME, lambda _, reason: reasons.append(reason))
    elsewhere = next(name for n in range(100) if partition_of(name := f"w{n}", PARTITIONS) != inbox.partition)
    stray = message.model_copy(update={"worker_id": elsewhere})
    topic = TASKS if isinstance(message, TaskAssigned) else CONTROL
    await inbox.open()
    await log.append([Outgoing(topic.name, inbox.partition, b"key", stray.to_json(), headers_of(stray, "test", START))])
    assert await anext(inbox.messages()) == []
    assert len(reasons) == 1
    assert f"the inbox of worker {elsewhere} is partition" in reasons[0]
    await inbox.close()
    await log.close()


def test_dispatcher_refuses_the_beat_of_a_worker_from_another_inbox() -> None:
    with pytest.raises(RecordError, match="the inbox of worker"):
        beat_of(record(beat("worker-a", inbox=partition_of("worker-a", PARTITIONS)), partition=AWAY + 1), PARTITIONS)
