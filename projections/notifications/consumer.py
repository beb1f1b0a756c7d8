"""The consumer: reads the facts of the partitions that fall to it, and makes deliveries of them by the tenants' rules.

Guarantee: positions and deliveries commit in one transaction, so each fact counts exactly once, whoever reads it and
however often a process is killed. What jobs and tenants are is read first, so that no fact is judged without it.
Without PostgreSQL or the log it waits, and goes on by itself.

A place that has been read further than there is belongs to another log: it is refused, as the projector does.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from horolog.domain.notifications.fold import Memory, close, tell
from horolog.limits import PROJECTION_BATCH_COUNT_MAX
from horolog.log.port import Log, LogError, Membership, Place, PlaceError, Reader, Record
from horolog.ports import Clock
from projections.connections import UNAVAILABLE, connect
from projections.notifications import tables
from projections.notifications.counters import NotifierCounters
from projections.notifications.reading import SOURCES, read, suspensions
from projections.polling import first_of, poll
from projections.statements import statement
from projections.writer import PositionsMoved, Writer
from schemas.topics import EXECUTIONS

_logger = logging.getLogger(__name__)

ROLE = "notifier"
LOCK = 0x686F6E6F
"""With a partition's number, the advisory lock under which that partition's facts are told ("hono")."""
RETRY_S = 0.5
FAILED_RETRY_S = 2.0
CLOSED_COUNT_MAX = 500
CLOSING_INTERVAL_S = 0.5
_KNOWLEDGE = tuple(topic.name for topic in SOURCES if topic is not EXECUTIONS)


@dataclass(slots=True)
class Consumer:
    """Makes deliveries of its share of the partitions; `made` hears when there are new ones."""

    log: Log
    clock: Clock
    member: str
    dsn: str
    counters: NotifierCounters = field(default_factory=NotifierCounters)
    made: Callable[[], None] = lambda: None
    _is_reading: bool = field(default=False, init=False)

    def is_ready(self) -> bool:
        """Whether it knows its share's jobs and tenants, and reads the facts."""
        return self._is_reading

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set."""
        membership = await self.log.join(ROLE, self.member)
        try:
            while not stop.is_set():
                try:
                    await self._connected(membership, stop)
                except PositionsMoved as error:
                    _logger.info("positions were moved by another notifier: %s", error)
                except PlaceError as error:
                    _logger.error("notifications stand still: %s; see docs/notifications.md", error)
                    await self.clock.sleep(RETRY_S)
                except (*UNAVAILABLE, LogError, TimeoutError) as error:
                    _logger.warning("notifications cannot be made, trying again: %s", error)
                    await self.clock.sleep(RETRY_S)
                except Exception:
                    self.counters.failures += 1
                    _logger.exception("the notifier failed, beginning anew")
                    await self.clock.sleep(FAILED_RETRY_S)
        finally:
            await membership.leave()

    async def _connected(self, membership: Membership, stop: asyncio.Event) -> None:
        connection = await connect(self.dsn, "horolog-notifier", tables.SCHEMA)
        reader = self.log.reader()
        try:
            while not stop.is_set():
                await self._read_share(membership, connection, reader, stop)
        finally:
            await reader.close()
            with contextlib.suppress(*UNAVAILABLE, TimeoutError):
                await connection.close(timeout=2)

    async def _read_share(
        self, membership: Membership, connection: asyncpg.Connection, reader: Reader, stop: asyncio.Event
    ) -> None:
        generation, owned = membership.generation, membership.owned
        desk = Desk(connection, self.log.partition_count, self.clock, self.counters)
        positions = await starting(desk.writer, self.log, owned)
        known = {place: at for place, at in positions.items() if place.topic in _KNOWLEDGE}
        reader.assign({})
        reader.assign(known)
        is_complete, closes_at = False, 0.0
        over = asyncio.create_task(first_of(stop.wait(), membership.changed(generation)))
        try:
            while not over.done():
                if not is_complete and not any(map(reader.is_behind, known)):
                    reader.assign(positions)
                    is_complete = self._is_reading = True
                records = await poll(reader, PROJECTION_BATCH_COUNT_MAX, over)
                made_count = await desk.take(records, positions) if records else 0
                # Not before the facts of their windows have been read, however long nobody was there to.
                is_up_to_date = is_complete and not any(map(reader.is_behind, positions))
                if is_up_to_date and self.clock.monotonic() >= closes_at:
                    made_count += await desk.close_groups(sorted(owned))
                    closes_at = self.clock.monotonic() + CLOSING_INTERVAL_S
                if made_count:
                    self.made()
        finally:
            self._is_reading = False
            over.cancel()


@dataclass(slots=True)
class Desk:
    """Makes deliveries of batches, and of groups whose time is over, through one connection."""

    connection: asyncpg.Connection
    partition_count: int
    clock: Clock
    counters: NotifierCounters
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Writer(self.connection, LOCK)

    async def take(self, records: Sequence[Record], positions: dict[Place, int]) -> int:
        """Tell what the records say, and move the positions, as one; how many deliveries that made.

        Raises:
            PositionsMoved: somebody else has told some of it; nothing was written.
        """
        after = {Place(record.topic, record.partition): record.offset + 1 for record in records}
        moves = {place: (positions[place], position) for place, position in after.items()}
        found = read(records, self.partition_count)
        now = self.clock.now()
        async with self.writer.batch(moves):
            tenant_ids = {tenant.tenant_id for tenant in found.tenants}
            known = await tables.tenants_known(self.connection, tenant_ids) if tenant_ids else {}
            facts = [*suspensions(known, found.tenants), *found.facts]
            rules = await tables.rules_of(self.connection, (fact.tenant_id for fact in facts)) if facts else {}
            # Nobody listens to the facts of other tenants: nothing of theirs is remembered.
            heard = [fact for fact in facts if fact.tenant_id in rules]
            job_ids = [*found.jobs, *(fact.subject for fact in heard)]
            memory = await tables.remembered(self.connection, rules, job_ids)
            tables.learn(memory, found.jobs)
            tell(memory, heard)
            await tables.keep_tenants(self.connection, found.tenants)
            await tables.keep(self.connection, memory, self.partition_count, now)
        positions.update(after)
        return self._counted(memory)

    async def close_groups(self, partitions: Sequence[int]) -> int:
        """Tell what the groups of these partitions hold whose time is over; how many deliveries that made."""
        now = self.clock.now()
        async with self.connection.transaction():
            await self.connection.execute(statement("lock_partitions"), LOCK, list(partitions))
            memory = await tables.closing(self.connection, now, partitions, CLOSED_COUNT_MAX)
            if memory is None:
                return 0
            close(memory, now)
            await tables.keep(self.connection, memory, self.partition_count, now)
        return self._counted(memory)

    def _counted(self, memory: Memory) -> int:
        self.counters.made += len(memory.made)
        self.counters.throttled += memory.throttled_count
        return len(memory.made)


async def starting(writer: Writer, log: Log, owned: frozenset[int]) -> dict[Place, int]:
    """Where to go on in the owned partitions; what the log no longer keeps is passed over.

    Raises:
        PlaceError: a position lies after the log's end, so it is another log's.
    """
    places = [Place(topic.name, partition) for topic in SOURCES for partition in sorted(owned)]
    if not places:
        return {}
    starts = await log.starts(places)
    positions: Mapping[Place, int] = await writer.positions(starts)
    for place, end in (await log.ends(places)).items():
        if positions[place] > end:
            raise PlaceError(place, f"ends at {end}, before {positions[place]}: notifications are of another log")
    gone = {place: start for place, start in starts.items() if positions[place] < start}
    if gone:
        _logger.warning("the log no longer keeps some facts; nobody is notified of them: %s", sorted(gone))
        await writer.skip(gone)
    return {**positions, **gone}
