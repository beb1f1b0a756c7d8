"""One owned partition of the dispatcher: a turn decodes its inputs, decides on each, then lets time act."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError

from horolog.domain.command_seals import CommandSeals
from horolog.domain.seals import Seals
from horolog.log.owner import Turn
from horolog.log.port import Log, Outgoing, Place, Record
from horolog.log.refusals import check_home, dead_letter
from schemas.base import Message
from schemas.codec import Headers, RecordError, decode, headers_of
from schemas.commands import CancelExecution, Command, CreateJob, JobCommand, TenantCommand, TriggerJob
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobTabled
from schemas.events.owners import WorkerSetAside
from schemas.events.results import AttemptReport
from schemas.events.workers import AttemptRevoked, Stall, TaskAssigned, WorkerBeat
from schemas.registry import TOPIC_OF_MODEL
from schemas.topics import EXECUTIONS, JOB_TABLE, RECORD_BYTES_MAX, partition_of
from services.dispatcher.assignment import assign
from services.dispatcher.authority import check_seal, refuse_caller
from services.dispatcher.book import Book
from services.dispatcher.executions import (
    decide_cancel,
    decide_fire,
    decide_missed,
    decide_report,
    decide_trigger,
)
from services.dispatcher.jobs import decide_create, decide_job_command
from services.dispatcher.progress import STALL_WORDS
from services.dispatcher.slots import settle
from services.dispatcher.tenants import decide_tenant_command
from services.dispatcher.upgrading import hold_back
from services.dispatcher.upkeep import LOOK_INTERVAL, SWEEP_INTERVAL, end_overdue, set_stalled_aside, take_back_lapsed

SOURCE = "horolog/dispatcher"

_logger = logging.getLogger(__name__)


class DispatcherPartition:
    """The state of one partition, and its turns."""

    def __init__(
        self,
        book: Book,
        partition_count: int,
        seals: Seals | None = None,
        command_seals: CommandSeals | None = None,
    ) -> None:
        self.book = book
        self._partition_count = partition_count
        self._seals = seals
        self._command_seals = command_seals
        self._next_sweep: datetime | None = None
        self._outputs: list[Outgoing] = []
        self.set_aside: Mapping[str, Stall] = {}
        """The workers that beat, but do not work, as this partition last found."""

    def turn(self, records: Sequence[Record], now: datetime, is_behind: bool = False) -> Turn:
        """Let the time come, decide on the records, then on who may go on, and hand out what can run.

        While records wait to be read, no attempt is held to be lost or overdue: its end may be among them.
        """
        self._outputs = []
        self.book.begin_turn(now)
        self.book.advance(now)
        for record in records:
            self._decide_record(record, now)
        self.book.advance(now)
        if self._sweep_is_due(now, is_behind):
            self._take(take_back_lapsed(self.book, now), now)
            self._take(set_stalled_aside(self.book, now), now)
            self._take(end_overdue(self.book, now), now)
            self._tell_who_is_set_aside()
        self._let_go_on(now)
        set_aside = tuple(WorkerSetAside(worker_id=w, stall=stall) for w, stall in sorted(self.set_aside.items()))
        return Turn(
            self._outputs,
            self._wake_at(),
            replay_from=self.book.replay_from(),
            set_aside=set_aside,
            decided_until=self.book.settled.latest,
        )

    def _let_go_on(self, now: datetime) -> None:
        """Give out slots and hand out what has one, until nothing follows from that."""
        self._take(settle(self.book, now), now)
        self._take(assign(self.book, now), now)
        # The last run that a job is allowed makes it inactive, and ends what waited for its turn.
        self._take(settle(self.book, now), now)

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
        return self.book.ready.has_turns

    def _tell_who_is_set_aside(self) -> None:
        stalls = {slot.worker_id: stall for slot in self.book.workers.values() if (stall := slot.progress.stall)}
        where = {"partition": self.book.partition}
        for worker_id in stalls.keys() - self.set_aside.keys():
            text = "worker %s beats, but %s; it gets nothing more until it does"
            _logger.warning(text, worker_id, STALL_WORDS[stalls[worker_id]], extra=where)
        for worker_id in self.set_aside.keys() - stalls.keys():
            _logger.info("worker %s is gone or works again", worker_id, extra=where)
        self.set_aside = stalls

    def _sweep_is_due(self, now: datetime, is_behind: bool) -> bool:
        if self._next_sweep is not None and now < self._next_sweep:
            return False
        self._next_sweep = now + (LOOK_INTERVAL if is_behind else SWEEP_INTERVAL)
        return not is_behind

    def _wake_at(self) -> datetime | None:
        alarm = self.book.next_alarm()
        if not self.book.executions or self._next_sweep is None:
            return alarm
        return min(self._next_sweep, alarm or self._next_sweep)

    def _decide_record(self, record: Record, now: datetime) -> None:
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, self._partition_count)
            if self._command_seals is not None and isinstance(message, Command):
                check_seal(self._command_seals, message, record, is_upgrading=self.book.is_upgrading)
            decided = self._decide(message, now)
            came_with = record.headers if isinstance(message, TriggerJob) else ()
            outputs = self._written(decided, came_with, now)
        except RecordError as error:
            self._refuse(record, str(error), now)
        except ValidationError as error:
            # Its fields may hold, alone, what the facts that follow from it may not.
            self._refuse(record, f"what follows from the record cannot be written: {error}", now)
        else:
            for decision in decided:
                self.book.apply(decision)
            self._outputs += outputs

    def _written(self, decided: Sequence[Message], came_with: Headers, now: datetime) -> list[Outgoing]:
        """What was decided, as records; what it came with tells its trace.

        Raises:
            RecordError: one of them is larger than any log takes.
        """
        if came_with:
            self.book.traces.note(decided, came_with)
        outputs = [self._outgoing(decision, now) for decision in decided]
        try:
            _check_sizes(outputs)
        except RecordError:
            for decision in decided if came_with else ():
                self.book.traces.forget(decision.subject())
            raise
        return outputs

    def _decide(self, message: Message, now: datetime) -> Sequence[Message]:
        if isinstance(message, FireDue):
            return decide_fire(self.book, message, now)
        if isinstance(message, AttemptReport):
            self.book.note_report(message)
            return decide_report(self.book, message, now)
        if isinstance(message, FireMissed):
            return decide_missed(self.book, message, now)
        assert isinstance(message, Command)
        if self.book.outcome(message.command_id) is not None:
            return ()
        refusal = refuse_caller(self.book, message, now)
        decided = self._decide_command(message, now) if refusal is None else [refusal]
        return hold_back(self.book, message, decided, now)

    def _decide_command(self, command: Command, now: datetime) -> Sequence[Message]:
        if isinstance(command, TriggerJob):
            return decide_trigger(self.book, command, now)
        if isinstance(command, JobCommand):
            return decide_job_command(self.book, command, now)
        if isinstance(command, CreateJob):
            return decide_create(self.book, command, now)
        if isinstance(command, TenantCommand):
            return decide_tenant_command(self.book, command, now)
        assert isinstance(command, CancelExecution)
        return decide_cancel(self.book, command, now)

    def _take(self, messages: Iterable[Message], now: datetime) -> None:
        """Write each message down and apply it to the book."""
        for message in messages:
            # Written down first: with its end the book forgets the trace of an execution.
            self._outputs.append(self._outgoing(message, now))
            self.book.apply(message)

    def _outgoing(self, message: Message, now: datetime) -> Outgoing:
        topic, partition = TOPIC_OF_MODEL[type(message)].name, self.book.partition
        value, headers = message.to_json(), headers_of(message, SOURCE, now, self.book.traces.header_for(message))
        if isinstance(message, TaskAssigned | AttemptRevoked):
            partition = self._inbox(message.worker_id)
            if self._seals is not None:
                headers = (*headers, self._seals.seal(topic, message.TYPE, value))
        return Outgoing(topic, partition, message.subject().encode(), value, headers)

    def _inbox(self, worker_id: str) -> int:
        slot = self.book.workers.get(worker_id)
        return slot.inbox if slot is not None else partition_of(worker_id, self._partition_count)

    def _refuse(self, record: Record, reason: str, now: datetime) -> None:
        self._outputs.append(dead_letter(record, reason, SOURCE, now, self.book.partition))


def _check_sizes(outputs: Sequence[Outgoing]) -> None:
    """Refuse what no log takes: it would fail the whole turn, and every later one in the same way."""
    for outgoing in outputs:
        size = len(outgoing.value or b"")
        if size > RECORD_BYTES_MAX:
            raise RecordError(f"the {outgoing.topic} record that follows from it would take {size} bytes")


def restore(
    book: Book, records: Sequence[Record], partition_count: int, on_unreadable: Callable[[Record, str], None]
) -> None:
    """Apply records of the partition's own topics to the book, while it is rebuilt."""
    for record in records:
        if record.value is None and record.topic == JOB_TABLE.name:
            book.jobs.drop(record.key.decode(errors="replace"))
            continue
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, partition_count)
        except RecordError as error:
            on_unreadable(record, str(error))
            continue
        if not isinstance(message, JobTabled):
            book.apply(message)
            book.traces.note((message,), record.headers)
        elif record.value is not None:
            book.jobs.put_raw(message.job, record.value)
