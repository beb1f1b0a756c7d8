"""One reader of the process for all that is new, handed to those who listen.

Guarantee: a partition to which somebody listens is read once, however many listen, and one to which nobody does is not
read. Who listens gets every fact from where the tail was then, once and in order; a record is looked at only where it
may be of a tenant that listens. A listener that is too slow is let go, and holds up nobody.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from horolog.limits import (
    EVENT_STREAM_INBOX_BYTES_MAX,
    EVENT_STREAM_TURN_RECORD_COUNT_MAX,
    EVENT_STREAM_WAITING_BYTES_MAX,
    EVENT_STREAM_WAITING_COUNT_MAX,
)
from horolog.log.feed import Feed, Inbox
from horolog.log.port import Log, LogError, Place, Record
from services.api.streams.facts import Fact, Subject
from services.api.streams.spots import Spot, later, moved

SLOW, LOST = "TOO_SLOW", "LOG_UNAVAILABLE"
Reach = Callable[[Mapping[Place, int]], Awaitable[None]]
"""Waits until everything before these positions may be told."""
_LOG = logging.getLogger("horolog.api.streams")


@dataclass(frozen=True, slots=True)
class Found:
    """A fact, where its record lies, and the spot after it."""

    fact: Fact
    index: int
    offset: int
    spot: Spot


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts in order, and the spot up to which there are no others."""

    found: Sequence[Found]
    spot: Spot


class Ended(Exception):
    """A stream is over; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Listener:
    """What waits for one stream. It begins at a spot of its own, which the tail may not have reached yet."""

    def __init__(self, tenant_id: str, takes: Callable[[Fact], bool], spot: Spot) -> None:
        self.tenant_id = tenant_id
        self._takes = takes
        self._begin = self._spot = spot
        self._waiting: list[Found] = []
        self._waiting_bytes = 0
        self._over: Ended | None = None
        self._news = asyncio.Event()

    @property
    def spot(self) -> Spot | None:
        """How far it has come, if nothing waits to be taken."""
        return None if self._waiting or self._over is not None else self._spot

    def put(self, found: Sequence[Found], spot: Spot) -> None:
        """Take in what is new of the tenant, and how far the tail has come."""
        if self._over is not None:
            return
        for one in found:
            if one.offset >= self._begin[one.index] and self._takes(one.fact):
                self._waiting.append(Found(one.fact, one.index, one.offset, later(self._begin, one.spot)))
                self._waiting_bytes += len(one.fact.data)
        self._spot = later(self._begin, spot)
        is_full = len(self._waiting) > EVENT_STREAM_WAITING_COUNT_MAX
        if is_full or self._waiting_bytes > EVENT_STREAM_WAITING_BYTES_MAX:
            self.end(SLOW)
        elif self._waiting:
            # How far it has come is asked for, and wakes nobody.
            self._news.set()

    def end(self, code: str) -> None:
        """Nothing more will come; what still waits is not told either, for its reader would believe it was all."""
        self._over = self._over or Ended(code)
        self._waiting = []
        self._news.set()

    async def take(self) -> Batch:
        """All that is new since the last time.

        Raises:
            Ended: nothing more will come.
        """
        await self._news.wait()
        if self._over is not None:
            raise self._over
        self._news.clear()
        batch = Batch(self._waiting, self._spot)
        self._waiting, self._waiting_bytes = [], 0
        return batch


class Tail:
    """What is new in one partition. `spot` is how far it was told to all who listen."""

    def __init__(self, subject: Subject, partition: int, inbox: Inbox) -> None:
        self.partition = partition
        self.inbox = inbox
        self._subject = subject
        self.user_count = 0
        self.pumping: asyncio.Task[None] | None = None
        self.is_lost = False
        self.spot: Spot = tuple(inbox.positions[place] for place in subject.places(partition))
        self._listeners: set[Listener] = set()

    def add(self, listener: Listener) -> None:
        """Tell this one, too, from `spot` on."""
        self._listeners.add(listener)

    def remove(self, listener: Listener) -> None:
        """Tell this one no more; idempotent."""
        self._listeners.discard(listener)

    def tell(self, records: Sequence[Record]) -> None:
        """Tell all who listen what is in the records, which continue the spot."""
        marks = {listener.tenant_id.encode() for listener in self._listeners}
        found: dict[str, list[Found]] = defaultdict(list)
        for record in records:
            index = self._subject.index_of(record.topic)
            self.spot = moved(self.spot, index, record.offset + 1)
            if (fact := self._subject.fact_for(record, marks)) is not None:
                found[fact.tenant_id].append(Found(fact, index, record.offset, self.spot))
        for listener in self._listeners:
            listener.put(found.get(listener.tenant_id, ()), self.spot)

    def lose(self) -> None:
        """The log cannot be read on from here."""
        self.is_lost = True
        for listener in self._listeners:
            listener.end(LOST)


class Hub:
    """One for a process and a subject. What is new is told once `reach` has returned."""

    def __init__(self, log: Log, subject: Subject, reach: Reach) -> None:
        self._log = log
        self._subject = subject
        self._reach = reach
        self._feed = Feed(log)
        self._feeding: asyncio.Task[None] | None = None
        self._tails: dict[int, Tail] = {}
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def tail(self, partition: int) -> AsyncIterator[Tail]:
        """The tail of a partition, for as long as it is used.

        Raises:
            LogError: the log does not say where it ends.
        """
        async with self._changing:
            tail = self._tails.get(partition)
            if tail is None or tail.is_lost:
                tail = self._tails[partition] = await self._open(partition)
            tail.user_count += 1
        try:
            yield tail
        finally:
            async with self._changing:
                tail.user_count -= 1
                if tail.user_count == 0:
                    await self._close(tail)

    async def close(self) -> None:
        """End every tail; who listens is told that there is nothing more."""
        for tail in [*self._tails.values()]:
            tail.lose()
            await self._close(tail)

    async def _open(self, partition: int) -> Tail:
        places = self._subject.places(partition)
        inbox = Inbox(await self._log.ends(places), asyncio.Event(), EVENT_STREAM_INBOX_BYTES_MAX)
        if self._feeding is None or self._feeding.done():
            self._feed = Feed(self._log)
            self._feeding = asyncio.create_task(self._feed.run())
            self._feeding.add_done_callback(self._fed)
        try:
            await self._feed.start(inbox)
        except BaseException:
            # Who asked for it has gone meanwhile: nothing is to be read for nobody.
            await self._feed.stop(inbox)
            await self._rest()
            raise
        tail = Tail(self._subject, partition, inbox)
        tail.pumping = asyncio.create_task(self._pump(tail))
        return tail

    async def _close(self, tail: Tail) -> None:
        if self._tails.get(tail.partition) is tail:
            del self._tails[tail.partition]
        if tail.pumping is not None:
            tail.pumping.cancel()
            await asyncio.gather(tail.pumping, return_exceptions=True)
        await self._feed.stop(tail.inbox)
        await self._rest()

    async def _rest(self) -> None:
        if not self._tails and self._feeding is not None:
            self._feeding.cancel()
            await asyncio.gather(self._feeding, return_exceptions=True)

    async def _pump(self, tail: Tail) -> None:
        try:
            while True:
                await tail.inbox.arrived.wait()
                records = tail.inbox.take(EVENT_STREAM_TURN_RECORD_COUNT_MAX)
                await self._reach(ends_of(records))
                tail.tell(records)
                # Whoever listens, and everybody else, has a turn before the next records.
                await asyncio.sleep(0)
        except LogError as error:
            _LOG.warning("streams of partition %s end: %s", tail.partition, error)
        except Exception:  # noqa: BLE001 - logged; who listens is told, and comes back
            _LOG.exception("streams of partition %s end", tail.partition)
        tail.lose()

    def _fed(self, feeding: "asyncio.Task[None]") -> None:
        if not feeding.cancelled() and (fault := feeding.exception()) is not None:
            _LOG.error("the reader of the streams has ended", exc_info=fault)
            for tail in self._tails.values():
                tail.inbox.fail(LogError("the reader has ended"))


def ends_of(records: Sequence[Record]) -> dict[Place, int]:
    """The positions after the records."""
    return {Place(record.topic, record.partition): record.offset + 1 for record in records}
