"""Records in memory alone: no thread, no file, no clock of its own.

Guarantee: a write happens in one step of the event loop, so it is atomic, and equal runs give equal logs.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from horolog.log.embedded.engine import (
    ColdRead,
    Fence,
    expiry_ms,
    is_compacted,
    same_count,
    superseded_kept_ms,
)
from horolog.log.embedded.tail import Tail, Tails
from horolog.log.port import Fenced, Outgoing, Place, Record
from horolog.ports import Clock
from schemas.topics import Topic


@dataclass(slots=True)
class _Compaction:
    """A compacted place: the last record of each key, and what it left behind, oldest first."""

    latest: dict[bytes, Record]
    superseded: deque[tuple[int, int]]


class MemoryEngine:
    """Implements `Engine`; the tails hold everything."""

    def __init__(self, tails: Tails, clock: Clock) -> None:
        self._tails = tails
        self._clock = clock
        self._epochs: dict[tuple[str, int], int] = {}
        self._partition_counts: dict[str, int] = {}
        self._compactions: dict[Place, _Compaction] = {}

    async def write(self, records: Sequence[Outgoing], fence: Fence | None) -> None:
        # A place for others to run before and after the effect: a caller may be cancelled at either.
        await asyncio.sleep(0)
        if fence is not None and self._epochs.get((fence.role, fence.partition)) != fence.epoch:
            raise Fenced(f"{fence.role}/{fence.partition} has a newer writer than epoch {fence.epoch}")
        at = int(self._clock.now().timestamp() * 1000)
        batches: dict[Place, list[Outgoing]] = defaultdict(list)
        for record in records:
            batches[Place(record.topic, record.partition)].append(record)
        for place, batch in batches.items():
            self._append(place, batch, at)
        await asyncio.sleep(0)

    def _append(self, place: Place, batch: Sequence[Outgoing], at: int) -> None:
        end = self._tails[place].end
        topic, partition = place
        written = [Record(topic, partition, end + i, r.key, r.value, r.headers, at) for i, r in enumerate(batch)]
        if is_compacted(topic):
            compaction = self._compactions.setdefault(place, _Compaction({}, deque()))
            for record in written:
                _supersede(compaction, record)
        self._tails.publish(place, written)

    async def raise_epoch(self, role: str, partition: int) -> int:
        epoch = self._epochs[role, partition] = self._epochs.get((role, partition), 0) + 1
        return epoch

    async def read(self, place: Place, position: int, count_max: int) -> ColdRead:
        tail = self._tails[place]
        return ColdRead(*tail.read(position, count_max), tail.start)

    async def latest(self, place: Place, key: bytes) -> Record | None:
        if place in self._compactions:
            return self._compactions[place].latest.get(key)
        return self._tails[place].find_last(key)

    async def create_topics(self, topics: Sequence[Topic], partition_count: int) -> Sequence[str]:
        for topic in topics:
            same_count(topic.name, self._partition_counts.get(topic.name, partition_count), partition_count)
        created = [topic.name for topic in topics if topic.name not in self._partition_counts]
        self._partition_counts |= dict.fromkeys(created, partition_count)
        return created

    async def sweep(self, now_ms: int) -> int:
        removed = 0
        for place, tail in list(self._tails.known().items()):
            before = len(tail.records)
            expiry = expiry_ms(place.topic, now_ms)
            if expiry is not None:
                self._expire(place, tail, expiry)
            if place in self._compactions:
                self._compact(place, tail, now_ms)
            removed += before - len(tail.records)
        return removed

    def _expire(self, place: Place, tail: Tail, expiry: int) -> None:
        kept = next((i for i, r in enumerate(tail.records) if r.timestamp_ms >= expiry), len(tail.records))
        if kept:
            del tail.records[:kept]
            start = tail.records[0].offset if tail.records else tail.end
            tail.floor = start
            self._tails.raise_start(place, start)

    def _compact(self, place: Place, tail: Tail, now_ms: int) -> None:
        compaction = self._compactions[place]
        gone: set[int] = set()
        while compaction.superseded and compaction.superseded[0][0] < now_ms - superseded_kept_ms(place.topic):
            gone.add(compaction.superseded.popleft()[1])
        if gone:
            dead = [record for record in tail.records if record.offset in gone]
            tail.records[:] = [record for record in tail.records if record.offset not in gone]
            for record in dead:
                if compaction.latest.get(record.key) is record:
                    del compaction.latest[record.key]

    async def close(self) -> None:
        return


def _supersede(compaction: _Compaction, record: Record) -> None:
    older = compaction.latest.get(record.key)
    if older is not None and older.value is not None:
        compaction.superseded.append((record.timestamp_ms, older.offset))
    # A tombstone has done its work once every reader has seen it.
    if record.value is None:
        compaction.superseded.append((record.timestamp_ms, record.offset))
    compaction.latest[record.key] = record
