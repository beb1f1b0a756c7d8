"""The records of one execution, as the product itself writes them: a fire, a worker that takes it, runs it and reports.

They are made by the dispatcher's own partition in memory, from a clock that stands where it is told to, so that their
number and their bytes are those of this version of the code.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from horolog.domain.identity import fire_id
from horolog.domain.seals import Seals
from horolog.log.port import Outgoing, Record
from schemas.base import Message
from schemas.codec import headers_of
from schemas.commands import CreateJob
from schemas.events.fires import FireDue
from schemas.events.results import StartReported, SuccessReported
from schemas.events.workers import HeldAttempt, WorkerBeat, WorkerState
from schemas.jobs import HttpConfig, JobDefinition, JobType
from schemas.registry import TOPIC_OF_MODEL
from schemas.tenants import CLOSED
from schemas.topics import JOB_TABLE, partition_of
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition

TENANT = "6f1c1f7e-0000-4000-8000-000000000001"
JOB = "6f1c1f7e-0000-4000-8000-000000000002"
COMMAND = "6f1c1f7e-0000-4000-8000-000000000003"
WORKER = "executor-7c9d8b6f4d-x2x8p-1-3f2a9c1e"
PARTITION_COUNT = 16
HOME = partition_of(TENANT, PARTITION_COUNT)
START = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
INSTANT = START.replace(microsecond=0) + timedelta(seconds=10)
RESULT = {"ok": True}
BATCH_HEAD_BYTES = 61
"""Of a record batch, before its records. Source: Apache Kafka documentation, message format v2."""


def life() -> list[Outgoing]:
    """Every record that one HTTP execution leaves: of the ticker, the dispatcher and the worker, in their order."""
    seals = Seals([b"0123456789-abcdefghij-ABCDEFGHIJ"])
    partition = DispatcherPartition(Book(HOME, CLOSED), PARTITION_COUNT, seals)
    _turn(partition, 0, _created())
    fired, started, ended = _reports()
    written = [_outgoing(fired, "horolog/ticker")]
    written += _turn(partition, 9, fired)
    written += _turn(partition, 9.9)
    written += [_outgoing(started, f"horolog/executor/{WORKER}"), *_turn(partition, 10.1, started)]
    written += [_outgoing(ended, f"horolog/executor/{WORKER}"), *_turn(partition, 12.1, ended)]
    return written


def tabled() -> Outgoing:
    """The job's row in the job table."""
    written = _turn(DispatcherPartition(Book(HOME, CLOSED), PARTITION_COUNT), 0, _created())
    (row,) = [record for record in written if record.topic == JOB_TABLE.name]
    return row


def beat(held_count: int) -> Outgoing:
    """A worker's sign of life that names so many attempts."""
    return _outgoing(_beat(START, held_count), f"horolog/executor/{WORKER}")


def stored_bytes(record: Outgoing) -> int:
    """What a record takes in a batch. Source: Apache Kafka documentation, message format v2; not compressed."""
    parts = [record.key, record.value or b"", *(part for name, value in record.headers for part in (name, value))]
    # Attributes, the differences of time and offset, and the number of headers take a byte each.
    body = 4 + sum(_counted(len(part.encode() if isinstance(part, str) else part)) for part in parts)
    return _counted(body)


def _counted(length: int) -> int:
    """Bytes with their length before them, a zigzag varint."""
    return length + max(1, -(-(2 * length).bit_length() // 7))


def _turn(partition: DispatcherPartition, seconds: float, *given: Message) -> Sequence[Outgoing]:
    now = START + timedelta(seconds=seconds)
    partition.note_beat(_beat(now, 0, [(e.execution_id, e.attempt) for e in partition.book.in_flight()]), now)
    records = [_outgoing(message, "bench") for message in given]
    read = [Record(o.topic, o.partition, 0, o.key, o.value, o.headers, 0) for o in records]
    return partition.turn(read, now).outputs


def _outgoing(message: Message, source: str) -> Outgoing:
    topic = TOPIC_OF_MODEL[type(message)].name
    headers = headers_of(message, source, START)
    return Outgoing(topic, HOME, message.subject().encode(), message.to_json(), headers)


def _created() -> CreateJob:
    definition = JobDefinition(
        name="nightly report of the warehouse",
        cron_expression="0 * * * * *",
        job_type=JobType.HTTP,
        config=HttpConfig(url="https://warehouse.example.com/api/v2/reports/nightly", method="POST", body={"day": 1}),
    )
    return CreateJob(
        tenant_id=TENANT, command_id=COMMAND, actor="user:42", issued_at=START, job_id=JOB, definition=definition
    )


def _reports() -> tuple[FireDue, StartReported, SuccessReported]:
    execution = fire_id(TENANT, JOB, INSTANT)
    fired = FireDue(
        tenant_id=TENANT, job_id=JOB, fire_id=execution, scheduled_for=INSTANT, schedule_version=1, emitted_at=START
    )
    attempt = {
        "tenant_id": TENANT,
        "execution_id": execution,
        "job_id": JOB,
        "scheduled_for": INSTANT,
        "attempt": 1,
        "worker_id": WORKER,
        "at": START + timedelta(seconds=12),
        "started_at": START + timedelta(seconds=10),
    }
    metadata = {"statusCode": 200, "headers": {"content-type": "application/json"}}
    ended = SuccessReported.model_validate({**attempt, "result": RESULT, "metadata": metadata})
    return fired, StartReported.model_validate(attempt), ended


def _beat(now: datetime, held_count: int, held: Sequence[tuple[str, int]] = ()) -> WorkerBeat:
    names = [*held, *((fire_id(TENANT, JOB, INSTANT + timedelta(seconds=n)), 1) for n in range(held_count))]
    return WorkerBeat(
        worker_id=WORKER,
        inbox=3,
        state=WorkerState.READY,
        capacity=100,
        prefetch=100,
        held=tuple(HeldAttempt(execution_id=execution, attempt=attempt) for execution, attempt in names),
        running_count=len(names),
        started_at=START,
        at=now,
        host="executor-7c9d8b6f4d-x2x8p",
        isolation="process",
    )
