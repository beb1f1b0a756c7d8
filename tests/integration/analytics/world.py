"""Topics of their own on a real Kafka, workers beside them, and what tells whether these have counted right."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from horolog.adapters.system import SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing, Place, Record
from projections.analytics.windows import Window, counted, slot_key
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.events.analytics import WindowMeasured
from schemas.events.executions import ExecutionEvent
from schemas.topics import ANALYTICS, EXECUTIONS
from tests.faults.deployment import Deployment, running
from tests.integration.analytics.interpreter import PYTHON
from tests.unit.projections.facts import PARTITIONS, outgoing

DEADLINE_S = 120.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class World:
    """Topics of their own on a real Kafka."""

    log: KafkaLog
    settings: KafkaSettings
    environment: dict[str, str]
    logs: Path

    async def write(self, *messages: Message) -> None:
        """Facts in one transaction for each partition, written now."""
        records = [written_now(message) for message in messages]
        for partition in sorted({record.partition for record in records}):
            writer = await self.log.open_writer("test", partition)
            await writer.commit([record for record in records if record.partition == partition])
            await writer.close()

    async def told(self) -> dict[tuple[str, Any], WindowMeasured]:
        """What was told last of each window."""
        found: dict[tuple[str, Any], WindowMeasured] = {}
        for message in await self.messages(ANALYTICS.name):
            assert isinstance(message, WindowMeasured)
            known = found.get((message.tenant_id, message.window_start))
            if known is None or message.through > known.through:
                found[message.tenant_id, message.window_start] = message
        return found

    async def records(self, topic: str) -> list[Record]:
        places = [Place(topic, partition) for partition in range(PARTITIONS)]
        ends = await self.log.ends(places)
        return [one for place in places async for records in self.log.scan(place, 0, ends[place]) for one in records]

    async def messages(self, topic: str) -> list[Message]:
        return [decode(one.topic, one.headers, one.value) for one in await self.records(topic)]

    async def until(self, holds: Callable[[int], bool]) -> None:
        """Wait until the number of admissions that were told is such."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds(sum(one.tally.admitted for one in (await self.told()).values())):
                await asyncio.sleep(POLL_S)

    async def recounted(self) -> dict[str, Window]:
        """What the ledger adds up to, by the place where it is kept."""
        found: dict[str, Window] = {}
        for one in await self.records(EXECUTIONS.name):
            fact = decode(one.topic, one.headers, one.value)
            assert isinstance(fact, ExecutionEvent)
            key = slot_key(fact.tenant_id, fact.at)
            window = counted(found.get(key), fact, one.offset)
            assert window is not None
            found[key] = window
        return found

    async def kept(self) -> Mapping[str, Window]:
        """The table, as its changelog has it."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        try:
            name = f"{self.settings.prefix}analytics-windows-changelog"
            places = [TopicPartition(name, partition) for partition in range(PARTITIONS)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            ends = await consumer.end_offsets(places)
            rows: dict[str, Window] = {}
            while [place for place, end in ends.items() if await consumer.position(place) < end]:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    rows |= {json.loads(one.key): Window.from_row(json.loads(one.value)) for one in records}
            return rows
        finally:
            await consumer.stop()


def at_work(world: World, count: int = 1) -> AbstractContextManager[Deployment]:
    """So many workers."""
    return running(world.environment, world.logs, ("analytics",) * count, python=str(PYTHON))


def written_now(message: Message) -> Outgoing:
    """The record of a fact that was written just now; an older one would not be counted."""
    return replace(outgoing(message), headers=headers_of(message, "test", SystemClock().now()))


async def assert_counted(world: World, admitted_count: int) -> None:
    """The table, and what was told, are what the ledger adds up to, and that is so many admissions."""
    recounted = await world.recounted()
    kept = await world.kept()
    differing = {key for key in {*kept, *recounted} if kept.get(key) != recounted.get(key)}
    assert not differing, {key: (kept.get(key), recounted.get(key)) for key in differing}
    told = {(tenant, start): one.tally for (tenant, start), one in (await world.told()).items()}
    assert told == {(key.partition("/")[0], window.start): window.tally for key, window in recounted.items()}
    assert sum(tally.admitted for tally in told.values()) == admitted_count
