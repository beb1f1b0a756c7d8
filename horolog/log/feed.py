"""One reader of a process, shared by all partitions that it owns for a role.

Guarantee: after `start` has returned, an inbox gets every record of its places from the given positions on, once,
in order, and nothing read for an earlier holder of the same place. A full inbox pauses its places, nobody else's;
it is full by the number of its records or by their size, so that large records swell neither memory nor a commit.
A place that cannot be read on fails the inbox that it belongs to; the others are read on.
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from horolog.limits import (
    FEED_LOOK_INTERVAL_S,
    FEED_LOOK_STALE_S,
    FEED_POLL_RECORD_COUNT_MAX,
    FEED_SETTLE_S,
    INBOX_BYTES_MAX,
    INBOX_RECORD_COUNT_MAX,
    TURN_BYTES_MAX,
)
from horolog.log.port import Log, LogError, Place, PlaceError, Reader, Record

POLL_TIMEOUT_S = 1.0
RETRY_S = 0.5


class Inbox:
    """Records waiting for one partition's owner; `arrived` is set while there are any.

    `reader_is_behind` says whether the log had more than was put in here when that was last looked at (`looked_at`, by
    the loop's clock), `unread_count` how many more positions. A successor begins at `passed`, which may lie before
    `positions`, up to which records were taken.
    """

    def __init__(
        self, positions: Mapping[Place, int], arrived: asyncio.Event, bytes_max: int = INBOX_BYTES_MAX
    ) -> None:
        self.positions = dict(positions)
        self.passed: Mapping[Place, int] = dict(positions)
        self.arrived = arrived
        self.failure: LogError | None = None
        self.reader_is_behind = True
        self.unread_count = 0
        self.looked_at = 0.0
        self._records: list[Record] = []
        self._bytes = 0
        self._bytes_max = bytes_max

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be read for now."""
        return len(self._records) > INBOX_RECORD_COUNT_MAX or self._bytes > self._bytes_max

    @property
    def is_behind(self) -> bool:
        """Whether there may be more than was taken, here or in the log; so it is after a stall of this process."""
        if self.reader_is_behind or self._records:
            return True
        return asyncio.get_running_loop().time() - self.looked_at > FEED_LOOK_STALE_S

    @property
    def waiting_count(self) -> int:
        """How many records wait to be taken, here and in the log."""
        return len(self._records) + self.unread_count

    def __len__(self) -> int:
        return len(self._records)

    def put(self, records: Sequence[Record]) -> None:
        """Take in records of the places."""
        self._records.extend(records)
        self._bytes += sum(map(_size, records))
        self.arrived.set()

    def fail(self, failure: LogError) -> None:
        """Tell the owner that its input is broken."""
        self.failure = failure
        self.arrived.set()

    def take(self, count_max: int) -> Sequence[Record]:
        """The oldest records, at most `count_max`, and of large ones only so many as one commit can bear.

        Raises:
            LogError: reading failed; the owner has to begin anew.
        """
        if self.failure is not None:
            raise self.failure
        count = self._count_to_take(count_max)
        taken, self._records = self._records[:count], self._records[count:]
        self._bytes -= sum(map(_size, taken))
        for record in taken:
            self.positions[Place(record.topic, record.partition)] = record.offset + 1
        if not self._records:
            self.arrived.clear()
        return taken

    def pass_taken(self, holds_back: bool) -> None:
        """What was taken so far need not be read again by a successor, unless the owner holds it back."""
        if not holds_back:
            self.passed = dict(self.positions)

    def _count_to_take(self, count_max: int) -> int:
        if self._bytes <= TURN_BYTES_MAX:
            return count_max
        sizes = itertools.accumulate(map(_size, self._records[:count_max]))
        return max(1, sum(1 for size in sizes if size <= TURN_BYTES_MAX))


def _size(record: Record) -> int:
    return len(record.value or b"")


class Feed:
    """Reads for many inboxes with one reader. `run` must be running for anything to arrive."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._inboxes: dict[Place, Inbox] = {}
        self._requested = asyncio.Event()
        self._applied = asyncio.Condition()
        self._removed: set[Place] = set()
        self._version = 0
        self._ended = False
        self._applied_version = 0
        self._looked_at: float | None = None
        self._trusted_at = 0.0

    async def start(self, inbox: Inbox) -> None:
        """Begin to deliver the inbox's places from its positions; an earlier holder gets nothing more."""
        for place in inbox.positions:
            self._removed.add(place)
            self._inboxes[place] = inbox
        await self._apply()

    async def stop(self, inbox: Inbox) -> None:
        """Deliver nothing more to the inbox; idempotent."""
        self._remove(inbox)
        await self._apply()

    def _remove(self, inbox: Inbox) -> None:
        for place in inbox.positions:
            if self._inboxes.get(place) is inbox:
                del self._inboxes[place]
                self._removed.add(place)

    async def _apply(self) -> None:
        self._version += 1
        wanted = self._version
        self._requested.set()
        async with self._applied:
            await self._applied.wait_for(lambda: self._ended or self._applied_version >= wanted)

    async def run(self) -> None:
        """Read and deliver until cancelled. The reader is only touched here, between polls."""
        reader = self._log.reader()
        try:
            while True:
                if self._requested.is_set():
                    await self._reassign(reader)
                await self._deliver(reader)
        finally:
            self._ended = True
            async with self._applied:
                self._applied.notify_all()
            await reader.close()

    async def _reassign(self, reader: Reader) -> None:
        self._requested.clear()
        version = self._version
        kept = {p: i.positions[p] for p, i in self._inboxes.items() if p not in self._removed}
        reader.assign(kept)
        reader.assign({p: i.positions[p] for p, i in self._inboxes.items()})
        self._removed.clear()
        async with self._applied:
            self._applied_version = version
            self._applied.notify_all()

    async def _deliver(self, reader: Reader) -> None:
        reader.pause(frozenset(p for p, i in self._inboxes.items() if i.is_full))
        poll = asyncio.ensure_future(reader.poll(FEED_POLL_RECORD_COUNT_MAX, POLL_TIMEOUT_S))
        request = asyncio.ensure_future(self._requested.wait())
        try:
            await asyncio.wait((poll, request), return_when=asyncio.FIRST_COMPLETED)
            if not poll.done():
                poll.cancel()
                await asyncio.wait((poll,))
            if not poll.cancelled():
                self._route(poll.result())
                self._look(reader)
        except PlaceError as failure:
            self._give_up(failure)
        except LogError as failure:
            for inbox in dict.fromkeys(self._inboxes.values()):
                inbox.fail(failure)
            await asyncio.sleep(RETRY_S)
        finally:
            poll.cancel()
            request.cancel()

    def _give_up(self, failure: PlaceError) -> None:
        """Read no more for the inbox of the place, and tell its owner."""
        inbox = self._inboxes.get(failure.place)
        # A place that was re-requested meanwhile is read again from its new position.
        if inbox is not None and failure.place not in self._removed:
            self._remove(inbox)
            inbox.fail(failure)
        self._requested.set()

    def _look(self, reader: Reader) -> None:
        """See who is behind. After a stall what the reader knows of the log's end is as old as the stall was long."""
        now = asyncio.get_running_loop().time()
        if self._looked_at is not None:
            since_s = now - self._looked_at
            if since_s < FEED_LOOK_INTERVAL_S:
                return
            if since_s > FEED_LOOK_STALE_S:
                self._trusted_at = now + FEED_SETTLE_S
        self._looked_at = now
        is_untrusted = now < self._trusted_at
        for inbox in dict.fromkeys(self._inboxes.values()):
            inbox.looked_at = now
            read = [place for place in inbox.positions if place not in self._removed]
            inbox.unread_count = sum(map(reader.lag, read))
            is_behind = len(read) < len(inbox.positions) or any(map(reader.is_behind, read))
            inbox.reader_is_behind = is_untrusted or is_behind

    def _route(self, records: Sequence[Record]) -> None:
        batches: dict[Inbox, list[Record]] = defaultdict(list)
        for record in records:
            place = Place(record.topic, record.partition)
            inbox = self._inboxes.get(place)
            # A place that was re-requested meanwhile is read again from its new position.
            if inbox is not None and place not in self._removed:
                batches[inbox].append(record)
        for inbox, batch in batches.items():
            inbox.put(batch)
