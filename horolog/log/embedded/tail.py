"""The newest records of every place, decoded, in memory; and who is to be woken when there are more.

Guarantee: a place's records appear here in order, once they are durable and not before. Everything from `floor` on is
here; what is older has to come from the engine. Only the event loop touches this.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from horolog.log.port import Place, Record

RECORD_OVERHEAD_BYTES = 1_200
"""About what a record takes in memory besides its value: the objects, the key, the headers."""

_offset = attrgetter("offset")


class Tail:
    """One place: `start` is the oldest offset kept by the log, `end` the position after the last record."""

    __slots__ = ("end", "floor", "records", "start", "watchers")

    def __init__(self, start: int = 0, end: int = 0) -> None:
        self.start = start
        self.end = end
        self.floor = end
        self.records: list[Record] = []
        self.watchers: list[Callable[[], None]] = []

    def read(self, position: int, count_max: int) -> tuple[list[Record], int]:
        """Records from `position` (not below the floor) on, and the position after them."""
        index = bisect_left(self.records, position, key=_offset)
        found = self.records[index : index + count_max]
        whole = index + len(found) == len(self.records)
        return found, self.end if whole else found[-1].offset + 1

    def find_last(self, key: bytes) -> Record | None:
        """The last record with this key among those that are here."""
        return next((record for record in reversed(self.records) if record.key == key), None)


class Tails:
    """All places. With a budget, the records that were written first are let go first."""

    def __init__(self, bytes_max: int | None) -> None:
        self._bytes_max = bytes_max
        self._tails: dict[Place, Tail] = {}
        self._chunks: deque[tuple[Tail, int, int]] = deque()
        self._bytes = 0

    def __getitem__(self, place: Place) -> Tail:
        tail = self._tails.get(place)
        if tail is None:
            tail = self._tails[place] = Tail()
        return tail

    def known(self) -> Mapping[Place, Tail]:
        """The places that were ever written to or watched."""
        return self._tails

    def restore(self, place: Place, start: int, end: int) -> None:
        """A place as it was found in a file."""
        self._tails[place] = Tail(start, end)

    def publish(self, place: Place, records: Sequence[Record]) -> None:
        """Show durable records to everybody; they continue where the place ended."""
        tail = self[place]
        tail.records.extend(records)
        tail.end = records[-1].offset + 1
        if self._bytes_max is not None:
            self._account(tail, records, self._bytes_max)
        for wake in tail.watchers:
            wake()

    def raise_start(self, place: Place, start: int) -> None:
        """Records below `start` are gone."""
        tail = self[place]
        tail.start = max(tail.start, start)
        for wake in tail.watchers:
            wake()

    def _account(self, tail: Tail, records: Sequence[Record], bytes_max: int) -> None:
        size = sum(len(record.value or b"") + RECORD_OVERHEAD_BYTES for record in records)
        self._chunks.append((tail, len(records), size))
        self._bytes += size
        if self._bytes > bytes_max:
            self._let_go(bytes_max * 7 // 8)

    def _let_go(self, bytes_wanted: int) -> None:
        # Far enough below the budget that cutting lists, which costs their length, is rare.
        counts: dict[int, tuple[Tail, int]] = {}
        while self._bytes > bytes_wanted:
            tail, count, size = self._chunks.popleft()
            self._bytes -= size
            counts[id(tail)] = (tail, counts.get(id(tail), (tail, 0))[1] + count)
        for tail, count in counts.values():
            del tail.records[:count]
            tail.floor = tail.records[0].offset if tail.records else tail.end
