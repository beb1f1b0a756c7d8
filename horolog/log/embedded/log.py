"""The embedded log as its callers see it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from horolog.log.embedded.engine import Engine, Fence, check
from horolog.log.embedded.membership import EmbeddedMembership, Sharing
from horolog.log.embedded.memory import MemoryEngine
from horolog.log.embedded.reader import EmbeddedReader
from horolog.log.embedded.sqlite import SqliteEngine
from horolog.log.embedded.tail import Tails
from horolog.log.port import CommitUnknown, Fenced, Outgoing, Place, PositionLost, Record
from horolog.ports import Clock
from schemas.topics import PARTITION_COUNT_DEFAULT, TOPICS

TAIL_BYTES_MAX = 32 * 1024 * 1024
SCAN_RECORD_COUNT = 1_000


class EmbeddedWriter:
    """Implements `Writer`. After a commit that did not end well every further one fails in the same way."""

    def __init__(self, engine: Engine, fence: Fence, partition_count: int) -> None:
        self._engine = engine
        self._fence = fence
        self._partition_count = partition_count
        self._failure: type[Fenced | CommitUnknown] | None = None

    @property
    def epoch(self) -> int:
        return self._fence.epoch

    async def commit(self, records: Sequence[Outgoing]) -> None:
        check(records, self._partition_count)
        if self._failure is not None:
            raise self._failure("an earlier commit of this writer has failed")
        # Unless the write returns, whether it took effect is unknown, as for a caller that is cancelled here.
        self._failure = CommitUnknown
        try:
            if records:
                await self._engine.write(records, self._fence)
        except Fenced:
            self._failure = Fenced
            raise
        self._failure = None

    async def close(self) -> None:
        self._failure = self._failure or CommitUnknown


class EmbeddedLog:
    """Implements `Log`. Beyond the topics of `schemas.topics` it takes any name; such topics keep everything."""

    def __init__(self, engine: Engine, tails: Tails, partition_count: int) -> None:
        self._engine = engine
        self._tails = tails
        self._partition_count = partition_count
        self._sharings: dict[str, Sharing] = {}

    @classmethod
    def open(
        cls,
        path: Path | None,
        clock: Clock,
        partition_count: int = PARTITION_COUNT_DEFAULT,
        tail_bytes_max: int = TAIL_BYTES_MAX,
    ) -> Self:
        """The log in the file `path`, which is created when missing, or in memory alone when `path` is None.

        Opening blocks for some milliseconds. `tail_bytes_max` bounds what the durable log keeps in memory.

        Raises:
            LogError: another process uses the file, or it is not a log.
        """
        if path is None:
            tails = Tails(None)
            return cls(MemoryEngine(tails, clock), tails, partition_count)
        tails = Tails(tail_bytes_max)
        return cls(SqliteEngine(path, tails, clock), tails, partition_count)

    @property
    def partition_count(self) -> int:
        return self._partition_count

    async def create_topics(self) -> Sequence[str]:
        return await self._engine.create_topics(TOPICS, self._partition_count)

    async def append(self, records: Sequence[Outgoing]) -> None:
        check(records, self._partition_count)
        if records:
            await self._engine.write(records, None)

    def reader(self) -> EmbeddedReader:
        return EmbeddedReader(self._engine, self._tails)

    async def open_writer(self, role: str, partition: int) -> EmbeddedWriter:
        epoch = await self._engine.raise_epoch(role, partition)
        return EmbeddedWriter(self._engine, Fence(role, partition, epoch), self._partition_count)

    async def join(self, role: str, member: str) -> EmbeddedMembership:
        return self._sharings.setdefault(role, Sharing(self._partition_count)).join(member)

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return {place: self._tails[place].start for place in places}

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return {place: self._tails[place].end for place in places}

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        tail = self._tails[place]
        end = min(end, tail.end)
        if start < tail.start:
            raise PositionLost(place, f"begins at {tail.start}, after {start}")
        reader = self.reader()
        reader.assign({place: start})
        position = start
        try:
            while position < end:
                records = await reader.poll(SCAN_RECORD_COUNT, 0)
                position = reader.position(place)
                if wanted := [record for record in records if record.offset < end]:
                    yield wanted
        finally:
            await reader.close()

    async def latest(self, place: Place, key: bytes) -> Record | None:
        """As the port says; found by an index in compacted topics, by reading backwards in others."""
        return await self._engine.latest(place, key)

    async def sweep(self, now_ms: int) -> int:
        """Remove what is older than its topic keeps, and what was superseded long enough ago.

        Works in small transactions, so that writers are not kept waiting. Call it about once a minute.
        Returns how many records were removed.

        Raises:
            LogUnavailable: the file could not be written; what was removed so far stays removed.
        """
        return await self._engine.sweep(now_ms)

    async def close(self) -> None:
        await self._engine.close()
