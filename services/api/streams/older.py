"""What lies between where a client was and where the hub is.

Guarantee: a piece holds all of the tenant's facts between two positions of one topic, in order. Pieces are bounded, of
one tenant one is read at a time, and of all `EVENT_STREAM_READING_COUNT_MAX`: whoever comes back from far behind waits
for its own sake, not for others'. Nobody holds a place in that line while its client takes its time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from weakref import WeakValueDictionary

from horolog.limits import (
    EVENT_STREAM_PIECE_BYTES_MAX,
    EVENT_STREAM_PIECE_RECORD_COUNT_MAX,
    EVENT_STREAM_READING_COUNT_MAX,
)
from horolog.log.port import Log, Place, Record
from services.api.streams.facts import EVENTS, Fact, Subject
from services.api.streams.hub import Batch, Found
from services.api.streams.spots import Spot, moved


class Older:
    """One for a process and a subject."""

    def __init__(
        self, log: Log, subject: Subject = EVENTS, piece_record_count: int = EVENT_STREAM_PIECE_RECORD_COUNT_MAX
    ) -> None:
        self._log = log
        self._subject = subject
        self._piece_record_count = piece_record_count
        self._places = asyncio.Semaphore(EVENT_STREAM_READING_COUNT_MAX)
        self._of_tenant: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def piece(self, place: Place, begin: Spot, goal: int, tenant_id: str, takes: Callable[[Fact], bool]) -> Batch:
        """The next facts of one topic from the spot on, up to the position `goal`; read on from the spot of the piece.

        Raises:
            PositionLost: the log no longer keeps what comes next.
            LogError: it cannot be read.
        """
        piece = _Piece(self._subject, place, begin, tenant_id, takes)
        async with self._turn(tenant_id):
            is_whole = await self._scan(piece, place, goal)
        # Offsets have gaps: where there is no other record, the goal is reached all the same.
        return Batch(piece.found, moved(begin, piece.index, goal) if is_whole else piece.spot)

    async def _scan(self, piece: "_Piece", place: Place, goal: int) -> bool:
        """Fill the piece; whether it reaches up to the goal."""
        scanned = self._log.scan(place, piece.spot[piece.index], goal)
        async with aclosing(scanned) as batches:  # type: ignore[type-var] # the port's iterators are generators
            async for records in batches:
                piece.add(records)
                is_full = piece.record_count >= self._piece_record_count
                if is_full or piece.byte_count > EVENT_STREAM_PIECE_BYTES_MAX:
                    return False
        return True

    @asynccontextmanager
    async def _turn(self, tenant_id: str) -> AsyncIterator[None]:
        own = self._of_tenant.setdefault(tenant_id, asyncio.Lock())
        async with own, self._places:
            yield


class _Piece:
    """What was found so far, in whole batches of the log."""

    def __init__(
        self, subject: Subject, place: Place, begin: Spot, tenant_id: str, takes: Callable[[Fact], bool]
    ) -> None:
        self.index = subject.index_of(place.topic)
        self._subject = subject
        self.spot = begin
        self.found: list[Found] = []
        self.record_count = self.byte_count = 0
        self._marks = {tenant_id.encode()}
        self._takes = takes

    def add(self, records: Sequence[Record]) -> None:
        """Take records into account."""
        self.record_count += len(records)
        for record in records:
            self.spot = moved(self.spot, self.index, record.offset + 1)
            fact = self._subject.fact_for(record, self._marks)
            if fact is not None and self._takes(fact):
                self.found.append(Found(fact, self.index, record.offset, self.spot))
                self.byte_count += len(fact.data)
