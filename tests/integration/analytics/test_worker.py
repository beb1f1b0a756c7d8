"""The analytics worker as a process on a real Kafka: killed in the middle, its table is what the topic adds up to."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from horolog.adapters.system import SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing, Place, Record
from projections.analytics.windows import Window, counted, slot_key
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.events.analytics import WindowMeasured
from schemas.events.executions import ExecutionEvent
from schemas.topics import ANALYTICS, DLQ, EXECUTIONS, partition_of
from tests.e2e.system import free_port
from tests.faults.deployment import Deployment, environment_of, running
from tests.integration.analytics.interpreter import PYTHON
from tests.unit.projections.facts import HOME, OTHER_TENANT, PARTITIONS, TENANT, admitted, at, outgoing
from tests.unit.projections.test_windows import started

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

FACT_COUNT = 600
DEADLINE_S = 120.0
POLL_S = 0.1
QUICK = {"SCHEDULER_LOCK_TTL_MS": "6000", "DATABASE_URL": ""}
TENANTS = (TENANT, OTHER_TENANT)


@dataclass(frozen=True, slots=True)
class World:
    """Topics of their own on a real Kafka."""

    log: KafkaLog
    settings: KafkaSettings
    environment: dict[str, str]
    logs: Path

    async def write(self, *messages: Message) -> None:
        """Facts in one transaction for each tenant, written now."""
        for tenant in TENANTS:
            partition = partition_of(tenant, PARTITIONS)
            writer = await self.log.open_writer("test", partition)
            await writer.commit([written_now(one) for one in messages if one.tenant_id == tenant])
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


def at_work(world: World) -> AbstractContextManager[Deployment]:
    """One worker."""
    return running(world.environment, world.logs, ("analytics",), python=str(PYTHON))


def written_now(message: Message) -> Outgoing:
    """The record of a fact that was written just now; an older one would not be counted."""
    return replace(outgoing(message), headers=headers_of(message, "test", SystemClock().now()))


def facts(start: int, count: int) -> list[Message]:
    """So many admissions and starts of both tenants, over several minutes."""
    found: list[Message] = []
    for number in range(start, start + count):
        who, seconds = {"tenant_id": TENANTS[number % 2]}, number
        found.append(admitted(number, **who, at=at(seconds)))
        if number % 3 == 0:
            found.append(started(number, 0.25, seconds).model_copy(update=who))
    return found


@pytest.fixture
async def world(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[World]:
    """Topics, and nobody at work."""
    prefix = f"analytics-{os.getpid()}-{tmp_path.name}."
    settings = KafkaSettings(kafka_bootstrap, prefix, PARTITIONS)
    log = await KafkaLog.open(settings)
    await log.create_topics()
    yield World(log, settings, environment_of(kafka_bootstrap, "", prefix, tmp_path, QUICK), tmp_path)
    await log.close()


async def test_the_table_of_a_killed_worker_is_what_the_topic_adds_up_to(world: World) -> None:
    half = FACT_COUNT // 2
    await world.write(*facts(0, half))
    with at_work(world) as deployment:
        await world.until(lambda count: count > 0)
        # More comes while it is at work, so that it dies in the middle of something.
        writing = asyncio.ensure_future(world.write(*facts(half, half // 2)))
        deployment.kill("analytics")
        await writing
        await world.write(*facts(half + half // 2, half - half // 2))
        deployment.start("analytics")
        await world.until(lambda count: count >= FACT_COUNT)
        deployment.kill("analytics")
        deployment.start("analytics")
        await world.write(*facts(FACT_COUNT, 2))
        await world.until(lambda count: count >= FACT_COUNT + 2)
    await _assert_counted(world, deployment)


async def test_a_worker_says_that_it_is_ready_once_it_counts(world: World) -> None:
    await world.write(*facts(0, 2))
    port = free_port()
    world.environment["PROMETHEUS_PORT"] = str(port)
    with at_work(world):
        await world.until(lambda count: count >= 2)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    assert answer.status_code == 200


async def _assert_counted(world: World, deployment: Deployment) -> None:
    recounted = await world.recounted()
    assert await world.kept() == recounted
    told = {(tenant, start): one.tally for (tenant, start), one in (await world.told()).items()}
    wanted = {(key.partition("/")[0], window.start): window.tally for key, window in recounted.items()}
    assert told == wanted
    assert sum(tally.admitted for tally in told.values()) == FACT_COUNT + 2
    assert deployment.living() == 0


async def test_bad_records_and_aborted_ones_are_not_counted_and_stop_nobody(world: World) -> None:
    await world.write(*facts(0, 10))
    await _abort(world, written_now(admitted(50)))
    await world.log.append([Outgoing(EXECUTIONS.name, HOME, b"strange", b"{", ())])
    await world.write(*facts(10, 10))
    with at_work(world):
        await world.until(lambda count: count >= 20)
        async with asyncio.timeout(DEADLINE_S):
            while not await world.messages(DLQ.name):
                await asyncio.sleep(POLL_S)
    assert len(await world.messages(DLQ.name)) == 1
    assert sum(one.tally.admitted for one in (await world.told()).values()) == 20


async def _abort(world: World, record: Outgoing) -> None:
    """Write a fact in a transaction that never comes about."""
    producer = AIOKafkaProducer(
        bootstrap_servers=world.settings.bootstrap_servers, transactional_id=f"{world.settings.prefix}aborted"
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        topic = world.settings.topic(record.topic)
        sent = await producer.send(
            topic, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
        )
        await sent
        await producer.abort_transaction()
    finally:
        await producer.stop()
