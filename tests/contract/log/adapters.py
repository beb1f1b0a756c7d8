"""How each adapter of the log is had in a test, behind one small interface."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Log, Place
from schemas.topics import DAY_MS, TOPICS

PARTITION_COUNT = 2


class Adapter(Protocol):
    """One empty log."""

    async def open(self) -> Log:
        """The log; on Kafka every call is as another process."""
        ...

    async def forget(self, place: Place) -> None:
        """Let everything that the place holds now reach the end of its retention."""
        ...

    async def close(self) -> None:
        """Take the log away."""


class Embedded:
    """The log in memory, or in a file."""

    def __init__(self, path: Path | None) -> None:
        self._log = EmbeddedLog.open(path, SystemClock(), PARTITION_COUNT)

    async def open(self) -> Log:
        return self._log

    async def forget(self, place: Place) -> None:
        now_ms = int(SystemClock().now().timestamp() * 1000)
        await self._log.sweep(now_ms + 365 * DAY_MS)

    async def close(self) -> None:
        await self._log.close()


class Kafka:
    """Topics of a prefix of their own on a real broker."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self._logs: list[KafkaLog] = []

    async def open(self) -> Log:
        self._logs.append(await KafkaLog.open(self.settings))
        return self._logs[-1]

    async def forget(self, place: Place) -> None:
        end = (await self._logs[0].ends([place]))[place]
        partition = TopicPartition(self.settings.topic(place.topic), place.partition)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        await admin.start()
        try:
            await admin.delete_records({partition: RecordsToDelete(before_offset=end)})
        finally:
            await admin.close()

    async def close(self) -> None:
        for log in self._logs:
            await log.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        await admin.start()
        try:
            await admin.delete_topics([self.settings.topic(topic.name) for topic in TOPICS])
        finally:
            await admin.close()


def kafka_settings(bootstrap: str, prefix: str) -> KafkaSettings:
    """Settings that make a group notice a change within half a second."""
    return KafkaSettings(bootstrap, prefix, PARTITION_COUNT, session_timeout_ms=1_500)
