"""The analytics worker as a process on a real Kafka: killed in the middle, its table is what the topic adds up to."""

import asyncio

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from horolog.log.port import Outgoing
from schemas.base import Message
from schemas.topics import DLQ, EXECUTIONS
from tests.e2e.system import free_port
from tests.integration.analytics.world import DEADLINE_S, POLL_S, World, assert_counted, at_work, written_now
from tests.unit.projections.facts import HOME, OTHER_TENANT, TENANT, admitted, at
from tests.unit.projections.test_windows import started

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

FACT_COUNT = 600
TENANTS = (TENANT, OTHER_TENANT)


def facts(start: int, count: int) -> list[Message]:
    """So many admissions and starts of both tenants, over several minutes."""
    found: list[Message] = []
    for number in range(start, start + count):
        who, seconds = {"tenant_id": TENANTS[number % 2]}, number
        found.append(admitted(number, **who, at=at(seconds)))
        if number % 3 == 0:
            found.append(started(number, 0.25, seconds).model_copy(update=who))
    return found


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
    assert deployment.living() == 0
    await assert_counted(world, FACT_COUNT + 2)


async def test_a_worker_says_that_it_is_ready_once_it_counts(world: World) -> None:
    await world.write(*facts(0, 2))
    port = free_port()
    world.environment["PROMETHEUS_PORT"] = str(port)
    with at_work(world):
        await world.until(lambda count: count >= 2)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
    assert answer.status_code == 200


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
