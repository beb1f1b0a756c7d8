"""A partition of the dispatcher and one of the ticker, driven turn by turn with messages and a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from horolog.log.port import Outgoing, Record
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.commands import CreateJob, TriggerJob
from schemas.events.fires import FireDue
from schemas.events.jobs import JobTabled
from schemas.events.workers import HeldAttempt, WorkerBeat, WorkerState
from schemas.jobs import FunctionConfig, Job, JobDefinition, JobType, ScheduleChange
from schemas.registry import TOPIC_OF_MODEL
from schemas.tenants import TenantSettings
from schemas.topics import partition_of
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition

C = TypeVar("C", bound=Message)
OPEN = TenantSettings(allowed_modules=("a",), allowed_executables=("true",))
"""What the kit's tenants may run, unless somebody says otherwise."""
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TENANT = "11111111-2222-4333-8444-555555555555"
PARTITIONS = 16
HOME = partition_of(TENANT, PARTITIONS)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def uuid_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def definition(**changes: object) -> JobDefinition:
    fields: dict[str, object] = {
        "name": "job",
        "cron_expression": "* * * * * *",
        "job_type": JobType.FUNCTION,
        "config": FunctionConfig(module_path="a", function_name="b"),
    }
    return JobDefinition.model_validate({**fields, **changes})


def record(message: Message, offset: int = 0, partition: int = HOME) -> Record:
    headers = headers_of(message, "test", START)
    topic = TOPIC_OF_MODEL[type(message)].name
    return Record(topic, partition, offset, message.subject().encode(), message.to_json(), headers, 0)


def messages(outputs: Sequence[Outgoing]) -> list[Message]:
    return [decode(o.topic, o.headers, o.value) for o in outputs]


def tabled(job_definition: JobDefinition, version: int = 1, effective_from: datetime = START) -> JobTabled:
    job = Job(
        job_id=uuid_of(1),
        tenant_id=TENANT,
        definition=job_definition,
        schedule_version=version,
        version=version,
        effective_from=effective_from,
        schedule_changes=(ScheduleChange(schedule_version=version, effective_from=effective_from),),
        created_by="user:test",
        created_at=START,
        updated_at=effective_from,
    )
    return JobTabled(tenant_id=TENANT, job=job)


class Dispatching:
    """A dispatcher's partition with one worker, and what it has written so far."""

    def __init__(self, capacity: int = 10) -> None:
        self.partition = DispatcherPartition(Book(HOME, OPEN), PARTITIONS)
        self.capacity = capacity
        self.silent = False
        self.beat(0)

    def beat(self, seconds: float, held: Sequence[tuple[str, int]] = ()) -> None:
        beat = WorkerBeat(
            worker_id="worker-a",
            inbox=3,
            state=WorkerState.READY,
            capacity=self.capacity,
            held=tuple(HeldAttempt(execution_id=i, attempt=a) for i, a in held),
            running_count=min(len(held), self.capacity),
            started_at=START,
            at=at(seconds),
        )
        self.partition.note_beat(beat, at(seconds))

    def turn(self, seconds: float, *given: Message, is_behind: bool = False) -> list[Message]:
        """One turn at this time; unless it is silent, the worker has just named all that it holds."""
        if not self.silent:
            self.beat(seconds, [(e.execution_id, e.attempt) for e in self.partition.book.in_flight()])
        records = [record(message) for message in given]
        return messages(self.partition.turn(records, at(seconds), is_behind).outputs)

    def create(self, **changes: object) -> str:
        self.turn(0, command(CreateJob, 1, job_id=uuid_of(1), definition=definition(**changes)))
        return uuid_of(1)

    def trigger(self, seconds: float, number: int) -> list[Message]:
        return self.turn(seconds, command(TriggerJob, number, job_id=uuid_of(1)))


def command(kind: type[C], number: int, **fields: object) -> C:
    common = {"tenant_id": TENANT, "command_id": uuid_of(number), "actor": "user:test", "issued_at": START}
    return kind.model_validate({**common, **fields})


def fire(seconds: float, number: int, version: int = 1, catch_up: bool = False) -> FireDue:
    return FireDue(
        tenant_id=TENANT,
        job_id=uuid_of(1),
        fire_id=uuid_of(number),
        scheduled_for=at(seconds),
        schedule_version=version,
        catch_up=catch_up,
        emitted_at=START,
    )
