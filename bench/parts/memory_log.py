"""A log that costs next to nothing, with as much of the port as a worker uses."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

from horolog.log.port import Membership, Outgoing, Place, Reader, Record, Writer
from schemas.codec import type_of
from schemas.events.results import FailureReported, SuccessReported
from schemas.topics import RESULTS

PARTITION_COUNT = 16


class MemoryLog:
    """Hands out the records that are put into `waiting`, and counts the reports of ends."""

    partition_count = PARTITION_COUNT

    def __init__(self) -> None:
        self.append_count = 0
        self.ended_by: Counter[str] = Counter()
        self._waiting: list[Record] = []
        self._arrived = asyncio.Event()
        self._appended = asyncio.Condition()

    def put(self, records: Sequence[Record]) -> None:
        """Let the worker have these records."""
        self._waiting += records
        self._arrived.set()

    async def ended(self, count: int) -> None:
        """Wait until so many attempts were reported as over."""
        async with self._appended:
            await self._appended.wait_for(lambda: self.ended_by.total() >= count)

    async def taken(self, count_max: int) -> Sequence[Record]:
        """What waits, as soon as something does."""
        await self._arrived.wait()
        taken = self._waiting[:count_max]
        del self._waiting[:count_max]
        if not self._waiting:
            self._arrived.clear()
        return taken

    async def append(self, records: Sequence[Outgoing]) -> None:
        self.append_count += 1
        types = [type_of(record.headers) or "" for record in records if record.topic == RESULTS.name]
        self.ended_by.update(type_ for type_ in types if type_ in (SuccessReported.TYPE, FailureReported.TYPE))
        async with self._appended:
            self._appended.notify_all()

    def reader(self) -> Reader:
        return MemoryReader(self)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return dict.fromkeys(places, 0)

    starts = ends

    async def create_topics(self) -> Sequence[str]:
        return ()

    async def open_writer(self, role: str, partition: int) -> Writer:
        raise NotImplementedError

    async def join(self, role: str, member: str) -> Membership:
        raise NotImplementedError

    async def latest(self, place: Place, key: bytes) -> Record | None:
        return None

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        yield ()

    async def close(self) -> None:
        """Nothing to release."""


class MemoryReader:
    """The log's only reader; everything is for it."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Everything is handed out anyway."""

    def pause(self, places: frozenset[Place]) -> None:
        """Nothing is held back."""

    def is_behind(self, place: Place) -> bool:
        return False

    def lag(self, place: Place) -> int:
        return 0

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        return await self._log.taken(record_count_max)

    async def close(self) -> None:
        """Nothing to release."""
