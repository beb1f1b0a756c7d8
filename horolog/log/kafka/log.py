"""The log on Kafka as its callers see it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from horolog.log.kafka.appender import Appender
from horolog.log.kafka.bounds import Bounds
from horolog.log.kafka.clients import Bin
from horolog.log.kafka.lookup import Lookup
from horolog.log.kafka.membership import KafkaMembership, join
from horolog.log.kafka.reader import KafkaReader
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.kafka.topics import create_topics
from horolog.log.kafka.writer import KafkaWriter, open_writer
from horolog.log.port import Outgoing, Place, Record

OPENING_COUNT_MAX = 32
"""How many writers connect at a time; each makes three connections, and a process may own a thousand partitions."""


class KafkaLog:
    """Implements `Log`.

    While Kafka does not answer: `poll` returns nothing and recovers by itself; a membership does, too; everything
    else raises `LogUnavailable` (a commit `CommitUnknown`) after a bounded time and works again when Kafka does.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._bin = Bin()
        self._bounds = Bounds(settings, self._bin)
        self._appender = Appender(settings, self._bin)
        self._lookup = Lookup(settings, self._bounds, self._bin)
        self._opening = asyncio.Semaphore(OPENING_COUNT_MAX)
        self._readers: list[KafkaReader] = []
        self._writers: list[KafkaWriter] = []
        self._memberships: list[KafkaMembership] = []

    @classmethod
    async def open(cls, settings: KafkaSettings) -> Self:
        """A log that connects when it is first asked for something."""
        return cls(settings)

    @property
    def partition_count(self) -> int:
        return self._settings.partition_count

    async def create_topics(self) -> Sequence[str]:
        return await create_topics(self._settings)

    async def append(self, records: Sequence[Outgoing]) -> None:
        await self._appender.append(records)

    def reader(self) -> KafkaReader:
        reader = KafkaReader(self._settings, self._bin)
        self._readers = [*(r for r in self._readers if not r.closed), reader]
        return reader

    async def open_writer(self, role: str, partition: int) -> KafkaWriter:
        async with self._opening:
            writer = await open_writer(self._settings, role, partition, self._bounds, self._bin)
        self._writers = [*(w for w in self._writers if not w.closed), writer]
        return writer

    async def join(self, role: str, member: str) -> KafkaMembership:
        """As the port says; nothing is owned until the group has shared out, so wait for generation 0 to change."""
        membership = join(self._settings, role, member, self._bin)
        self._memberships = [*(m for m in self._memberships if not m.left), membership]
        return membership

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._bounds.starts(places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """As the port says; what is committed behind another writer's open transaction is not counted yet."""
        return await self._bounds.ends(places)

    async def settled_ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The ends with all that was committed before the call, also behind transactions that were open then.

        Raises:
            LogUnavailable: a transaction stayed open for longer than transactions may.
        """
        return {place: await self._bounds.settled(place) for place in places}

    def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        return self._lookup.scan(place, start, end)

    async def latest(self, place: Place, key: bytes) -> Record | None:
        return await self._lookup.latest(place, key)

    async def close(self) -> None:
        for membership in self._memberships:
            await membership.leave()
        for reader in self._readers:
            await reader.close()
        for writer in self._writers:
            await writer.close()
        await self._appender.close()
        await self._lookup.close()
        await self._bounds.close()
        await self._bin.emptied()
