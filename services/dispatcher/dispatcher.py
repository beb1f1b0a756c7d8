"""The dispatcher as a service: the owners' loop over partitions, fed with fires, commands, reports and beats."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from horolog.domain.command_seals import CommandSeals
from horolog.domain.seals import Seals
from horolog.limits import REMEMBERED_OUTCOME_COUNT
from horolog.log.owner import Owner, OwnerSettings
from horolog.log.port import Log, LogError, Place, Record
from horolog.log.refusals import check_home
from horolog.ports import Clock
from schemas.codec import RecordError, decode
from schemas.events.owners import OwnerCheckpointed
from schemas.events.workers import WorkerBeat
from schemas.tenants import CLOSED, TenantSettings
from schemas.topics import COMMANDS, EXECUTIONS, FIRES, JOB_TABLE, OUTCOMES, RESULTS, TENANTS, WORKERS
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition, restore

_logger = logging.getLogger(__name__)

BEAT_POLL_COUNT_MAX = 1000
RETRY_S = 0.5
GREETED_S = 3.0


class DispatcherRole:
    """How a dispatcher takes a partition: jobs and tenants from tables, the rest from the ledger and the outcomes.

    With `seals`, workers know that it was it who handed out; with `command_seals`, commands are decided on only from
    who may give them. Tenants that nobody created have the settings in `defaults`: closed, unless given. One that
    `is_upgrading` decides nothing that the release before it could not read.
    """

    name = "dispatcher"
    inputs: Sequence[str] = (COMMANDS.name, FIRES.name, RESULTS.name)

    def __init__(
        self,
        seals: Seals | None = None,
        defaults: TenantSettings = CLOSED,
        *,
        command_seals: CommandSeals | None = None,
        is_upgrading: bool = False,
    ) -> None:
        self._seals = seals
        self._command_seals = command_seals
        self._defaults = defaults
        self._is_upgrading = is_upgrading

    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[DispatcherPartition, Mapping[str, int]]:
        """The book as the log has it; what the partition's last owner committed is all there."""
        book = Book(partition, self._defaults, partition_count=log.partition_count, is_upgrading=self._is_upgrading)
        places = {topic.name: Place(topic.name, partition) for topic in (TENANTS, JOB_TABLE, OUTCOMES, EXECUTIONS)}
        inputs = [Place(topic, partition) for topic in self.inputs]
        starts = await log.starts([*places.values(), *inputs])
        ends = await log.ends(list(places.values()))
        for table in (TENANTS, JOB_TABLE):
            await self._replay(log, book, places[table.name], starts, ends)
        remembered = max(starts[places[OUTCOMES.name]], ends[places[OUTCOMES.name]] - REMEMBERED_OUTCOME_COUNT)
        await self._replay(log, book, places[OUTCOMES.name], {places[OUTCOMES.name]: remembered}, ends)
        ledger = places[EXECUTIONS.name]
        book.log_mark = starts[ledger]
        if checkpoint is not None and checkpoint.replay_from is not None:
            book.log_mark = max(book.log_mark, checkpoint.replay_from)
        await self._replay(log, book, ledger, {ledger: book.log_mark}, ends)
        if checkpoint is not None:
            book.settled.reach(max(checkpoint.at, checkpoint.decided_until or checkpoint.at))
        book.take_over(now)
        known = checkpoint.positions if checkpoint is not None else {}
        positions = {p.topic: known.get(p.topic, starts[p]) for p in inputs}
        return DispatcherPartition(book, log.partition_count, self._seals, self._command_seals), positions

    async def _replay(
        self, log: Log, book: Book, place: Place, starts: Mapping[Place, int], ends: Mapping[Place, int]
    ) -> None:
        async for records in log.scan(place, starts[place], ends[place]):
            restore(book, records, log.partition_count, self._unreadable)

    @staticmethod
    def _unreadable(record: Record, reason: str) -> None:
        _logger.error(
            "skipped an unreadable record: %s", reason, extra={"topic": record.topic, "offset": record.offset}
        )


def beat_of(record: Record, partition_count: int) -> WorkerBeat:
    """The beat in a record. Tasks will be written to the inbox that it names, so that must be the worker's own.

    Raises:
        RecordError: it is not, or there is no beat in the record.
    """
    beat = decode(record.topic, record.headers, record.value)
    check_home(beat, record, partition_count)
    assert isinstance(beat, WorkerBeat)
    return beat


class Dispatcher:
    """Decides for every tenant whose partition it owns, as the role says."""

    def __init__(self, log: Log, clock: Clock, settings: OwnerSettings, role: DispatcherRole | None = None) -> None:
        self._log = log
        self._clock = clock
        self.owner = Owner(log, clock, role or DispatcherRole(), settings, on_change=self._greet)
        self._beats: dict[str, tuple[float, WorkerBeat]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until `stop` is set."""
        listening = asyncio.create_task(self._listen())
        try:
            await self.owner.run(stop)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def queue_sizes(self) -> Counter[tuple[str, str]]:
        """How many executions wait in the partitions held, by tenant and by what they wait for."""
        sizes: Counter[tuple[str, str]] = Counter()
        for holding in self.owner.holdings.values():
            assert isinstance(holding.state, DispatcherPartition)
            sizes.update(holding.state.book.queue_sizes())
        return sizes

    async def _listen(self) -> None:
        """Hear all workers' beats, from now on. They renew leases and make room; they are never replayed."""
        while True:
            reader = self._log.reader()
            try:
                places = [Place(WORKERS.name, p) for p in range(self._log.partition_count)]
                reader.assign(await self._log.ends(places))
                while True:
                    self._hear(await reader.poll(BEAT_POLL_COUNT_MAX, 1.0))
            except LogError as error:
                _logger.warning("beats cannot be read: %s", error)
                await self._clock.sleep(RETRY_S)
            except Exception:
                # Nobody waits for this task: who goes deaf has to say so, and to hear again.
                self.owner.counters.failures += 1
                _logger.exception("hearing beats failed, beginning anew")
                await self._clock.sleep(RETRY_S)
            finally:
                await reader.close()

    def _hear(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                beat = beat_of(record, self._log.partition_count)
            except RecordError as error:
                # The dead letter is written by the projections, which read the same records once.
                _logger.warning("skipped a beat: %s", error, extra={"topic": record.topic, "offset": record.offset})
                continue
            now = self._clock.now()
            self._remember(beat)
            for holding in list(self.owner.holdings.values()):
                state = holding.state
                assert isinstance(state, DispatcherPartition)
                state.note_beat(beat, now)
                if state.wants_room:
                    holding.wake.set()

    def _remember(self, beat: WorkerBeat) -> None:
        """Keep each worker's last beat, with when it was heard, in the order in which they came, while it is recent."""
        self._beats.pop(beat.worker_id, None)
        self._beats[beat.worker_id] = self._clock.monotonic(), beat
        while not self._is_recent(next(iter(self._beats.values()))[0]):
            del self._beats[next(iter(self._beats))]

    def _is_recent(self, heard_at: float) -> bool:
        return self._clock.monotonic() - heard_at < GREETED_S

    def _greet(self) -> None:
        """Tell newly held partitions of the workers that are known already, so that they need not wait for a beat."""
        now = self._clock.now()
        recent = [beat for heard_at, beat in self._beats.values() if self._is_recent(heard_at)]
        states = [holding.state for holding in self.owner.holdings.values()]
        for state in states:
            if isinstance(state, DispatcherPartition) and not state.book.workers:
                # What the worker held then renews no lease now; the next beat tells.
                for beat in recent:
                    state.note_beat(beat.model_copy(update={"held": ()}), now)
