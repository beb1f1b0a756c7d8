"""Reading many places of a log in one order, without joining a group and without committing anything.

Guarantee: the order is by time, then topic, partition and offset, and the same each time. Records of one place keep
their order: one that says it is older than its predecessor stands right behind that. What is held in memory is
bounded: a few hundred records of each place. What was written after the start of the reading is not shown.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from horolog.cli.replay_filters import Entry, entry_of
from horolog.log.port import LogUnavailable, Place, Reader, Record

POLL_RECORD_COUNT = 500
POLL_S = 0.25
SILENCE_S_MAX = 30.0
"""How long a log that has more may give nothing before reading is given up."""

_Key = tuple[datetime, str, int, int]
_Wanted = Callable[[Entry], bool]


class Source(Protocol):
    """The part of a log that is needed to read it; every `Log` has it."""

    @property
    def partition_count(self) -> int:
        """The same for every topic."""
        ...

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The oldest offset still kept, for each place."""
        ...

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The position after the last committed record, for each place."""
        ...

    def reader(self) -> Reader:
        """A new reader with nothing assigned."""
        ...

    async def close(self) -> None:
        """Release everything; idempotent."""


@dataclass(slots=True)
class _Stream:
    """One place: what was read of it and is not shown yet, and how far it is to be read."""

    position: int
    end: int
    latest: datetime | None = None
    waiting: deque[tuple[_Key, Entry]] = field(default_factory=deque)
    over: bool = False

    @property
    def is_hungry(self) -> bool:
        """Whether its next entry has to be read first."""
        return not self.waiting and not self.over

    def take(self, record: Record, wanted: _Wanted) -> None:
        """Take in the next record of the place."""
        self.position = record.offset + 1
        self.over = self.position >= self.end
        if record.offset >= self.end:
            return
        entry = entry_of(record)
        self.latest = entry.at if self.latest is None else max(self.latest, entry.at)
        if wanted(entry):
            self.waiting.append(((self.latest, record.topic, record.partition, record.offset), entry))


async def replayed(source: Source, places: Sequence[Place], wanted: _Wanted) -> AsyncGenerator[Entry, None]:
    """The wanted entries of all places, in one order, up to where the places end now.

    Raises:
        LogError: the log cannot be read, or no longer keeps what was still to be read.
    """
    starts, ends = await source.starts(places), await source.ends(places)
    streams = {place: _Stream(starts[place], ends[place]) for place in places if starts[place] < ends[place]}
    reader = source.reader()
    try:
        reader.assign({place: stream.position for place, stream in streams.items()})
        heads: list[tuple[_Key, Place, Entry]] = []
        headless = list(streams)
        while headless or heads:
            await _feed(reader, streams, headless, wanted)
            for place in (place for place in headless if streams[place].waiting):
                key, entry = streams[place].waiting.popleft()
                heapq.heappush(heads, (key, place, entry))
            headless = []
            if heads:
                _, place, entry = heapq.heappop(heads)
                yield entry
                headless = [place]
    finally:
        await reader.close()


async def _feed(reader: Reader, streams: Mapping[Place, _Stream], places: Sequence[Place], wanted: _Wanted) -> None:
    """Read until each of the places has an entry waiting, or has none left."""
    loop = asyncio.get_running_loop()
    hungry = [place for place in places if streams[place].is_hungry]
    patience_end = loop.time() + SILENCE_S_MAX
    while hungry:
        reader.pause(frozenset(streams.keys() - hungry))
        records = await reader.poll(POLL_RECORD_COUNT, POLL_S)
        for record in records:
            streams[Place(record.topic, record.partition)].take(record, wanted)
        fed = {Place(record.topic, record.partition) for record in records}
        for place in hungry:
            # What ends in markers or gaps ends without a record that would say so.
            if place not in fed and not reader.is_behind(place):
                streams[place].over = True
        left = [place for place in hungry if streams[place].is_hungry]
        if records or len(left) < len(hungry):
            patience_end = loop.time() + SILENCE_S_MAX
        elif loop.time() > patience_end:
            place = left[0]
            raise LogUnavailable(f"{place.topic}/{place.partition} has more, but gives nothing")
        hungry = left
