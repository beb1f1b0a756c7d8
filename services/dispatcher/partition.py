"""One owned partition of the dispatcher: a turn decodes its inputs, decides on each, then lets time act."""

import base64
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from horolog.log.owner import Turn
from horolog.log.port import Log, Outgoing, Place, Record
from schemas.base import Message
from schemas.codec import RecordError, decode, headers_of
from schemas.commands import CancelExecution, Command, CreateJob, JobCommand, TriggerJob
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobTabled
from schemas.events.owners import RecordRefused
from schemas.events.results import AttemptReport
from schemas.events.workers import AttemptRevoked, TaskAssigned, WorkerBeat
from schemas.registry import TOPIC_OF_MODEL
from schemas.topics import EXECUTIONS, partition_of
from services.dispatcher.assignment import assign
from services.dispatcher.book import Book
from services.dispatcher.executions import (
    decide_cancel,
    decide_fire,
    decide_missed,
    decide_report,
    decide_trigger,
)
from services.dispatcher.jobs import decide_create, decide_job_command
from services.dispatcher.upkeep import SWEEP_INTERVAL, activate_due, end_overdue, take_back_lapsed

SOURCE = "horolog/dispatcher"
REFUSED_VALUE_BYTES_MAX = 64 * 1024


class DispatcherPartition:
    """The state of one partition, and its turns."""

    def __init__(self, book: Book, partition_count: int) -> None:
        self.book = book
        self._partition_count = partition_count
        self._next_sweep: datetime | None = None
        self._outputs: list[Outgoing] = []

    def turn(self, records: Sequence[Record], now: datetime) -> Turn:
        """Decide on the records, then on what time brings about, then hand out what can run."""
        self._outputs = []
        for record in records:
            self._decide_record(record, now)
        self._take(activate_due(self.book, now), now)
        if self._sweep_is_due(now):
            self._take(take_back_lapsed(self.book, now), now)
            self._take(end_overdue(self.book, now), now)
        self._take(assign(self.book, now), now)
        return Turn(self._outputs, self._wake_at(), replay_from=self.book.replay_from())

    async def sample(self, log: Log) -> None:
        """Learn where the ledger ends; executions admitted from now on need no older event."""
        place = Place(EXECUTIONS.name, self.book.partition)
        self.book.log_mark = (await log.ends([place]))[place]

    def note_beat(self, beat: WorkerBeat, now: datetime) -> None:
        """Take note of a worker."""
        self.book.note_beat(beat, now)

    @property
    def wants_room(self) -> bool:
        """Whether executions wait for a worker."""
        return len(self.book.ready) > 0

    def _sweep_is_due(self, now: datetime) -> bool:
        if self._next_sweep is not None and now < self._next_sweep:
            return False
        self._next_sweep = now + SWEEP_INTERVAL
        return True

    def _wake_at(self) -> datetime | None:
        alarm = self.book.next_alarm()
        if not self.book.executions or self._next_sweep is None:
            return alarm
        return min(self._next_sweep, alarm or self._next_sweep)

    def _decide_record(self, record: Record, now: datetime) -> None:
        try:
            message = decode(record.topic, record.headers, record.value)
            self._check_place(message, record)
        except RecordError as error:
            self._refuse(record, str(error), now)
            return
        self._take(self._decide(message, now), now)

    def _check_place(self, message: Message, record: Record) -> None:
        expected = partition_of(message.tenant_id, self._partition_count)
        if expected != record.partition:
            raise RecordError(f"tenant {message.tenant_id} belongs to partition {expected}, not {record.partition}")

    def _decide(self, message: Message, now: datetime) -> Iterable[Message]:
        if isinstance(message, FireDue):
            return decide_fire(self.book, message, now)
        if isinstance(message, AttemptReport):
            return decide_report(self.book, message, now)
        if isinstance(message, FireMissed):
            return decide_missed(self.book, message, now)
        assert isinstance(message, Command)
        if self.book.outcome(message.command_id) is not None:
            return ()
        return self._decide_command(message, now)

    def _decide_command(self, command: Command, now: datetime) -> Iterable[Message]:
        if isinstance(command, TriggerJob):
            return decide_trigger(self.book, command, now)
        if isinstance(command, JobCommand):
            return decide_job_command(self.book, command, now)
        if isinstance(command, CreateJob):
            return decide_create(self.book, command, now)
        assert isinstance(command, CancelExecution)
        return decide_cancel(self.book, command, now)

    def _take(self, messages: Iterable[Message], now: datetime) -> None:
        """Apply each message to the book and write it down."""
        for message in messages:
            self.book.apply(message)
            self._outputs.append(self._outgoing(message, now))

    def _outgoing(self, message: Message, now: datetime) -> Outgoing:
        partition = self.book.partition
        if isinstance(message, TaskAssigned | AttemptRevoked):
            partition = self._inbox(message.worker_id)
        return Outgoing(
            TOPIC_OF_MODEL[type(message)].name,
            partition,
            message.subject().encode(),
            message.to_json(),
            headers_of(message, SOURCE, now),
        )

    def _inbox(self, worker_id: str) -> int:
        slot = self.book.workers.get(worker_id)
        return slot.inbox if slot is not None else partition_of(worker_id, self._partition_count)

    def _refuse(self, record: Record, reason: str, now: datetime) -> None:
        value = record.value or b""
        refused = RecordRefused(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=reason.replace("\x00", " ")[:2000],
            refused_by=SOURCE,
            at=now,
            value_base64=base64.b64encode(value[:REFUSED_VALUE_BYTES_MAX]).decode(),
            value_bytes=len(value),
        )
        self._outputs.append(self._outgoing(refused, now))


def restore(book: Book, records: Sequence[Record], on_unreadable: Callable[[Record, str], None]) -> None:
    """Apply records of the partition's own topics to the book, while it is rebuilt."""
    for record in records:
        if record.value is None:
            book.jobs.drop(record.key.decode())
            continue
        try:
            message = decode(record.topic, record.headers, record.value)
        except RecordError as error:
            on_unreadable(record, str(error))
            continue
        if not isinstance(message, JobTabled):
            book.apply(message)
        elif message.job.deleted:
            book.jobs.drop(message.job.job_id)
        else:
            book.jobs.put_raw(message.job.job_id, record.value)
