"""Comparing and exchanging the read models from a real broker's log, in which offsets have gaps."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from projections.projector import Projector, ProjectorSettings
from projections.rebuild import rebuild
from projections.verification_tables import verify_projections
from tests.integration.projections.test_on_kafka import COUNT, completed, write_facts
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, StillClock, World
from tests.unit.projections.facts import HOME, PARTITIONS, admitted, outgoing

pytestmark = pytest.mark.kafka


@pytest.fixture
async def kafka_log(kafka_bootstrap: str) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(KafkaSettings(kafka_bootstrap, f"comparing-{os.getpid()}.", PARTITIONS))
    await log.create_topics()
    yield log
    await log.close()


async def until_completed(world: World, count: int) -> None:
    async with asyncio.timeout(4 * DEADLINE_S):
        while await world.eye.fetchval("select count(*) from job_executions where status = 'completed'") < count:
            await asyncio.sleep(PAUSE_S)


async def is_equal(log: KafkaLog, world: World) -> bool:
    return not any(report.differences for report in await verify_projections(log, world.dsn, StillClock()))


@pytest.mark.timeout(240)
async def test_projector_goes_on_through_a_comparison_and_an_exchange(kafka_log: KafkaLog, world: World) -> None:
    await write_facts(kafka_log)
    stop = asyncio.Event()
    projector = Projector(kafka_log, SystemClock(), ProjectorSettings("a", world.dsn))
    running = asyncio.create_task(projector.run(stop))
    await until_completed(world, COUNT)
    assert await is_equal(kafka_log, world)
    await world.eye.execute("update job_executions set status = 'failed' where id = $1", admitted(3).execution_id)
    assert not await is_equal(kafka_log, world)
    await rebuild(kafka_log, world.dsn, StillClock())
    writer = await kafka_log.open_writer("dispatcher", HOME)
    await writer.commit([outgoing(admitted(COUNT + 1)), outgoing(completed(COUNT + 1))])
    await writer.close()
    await until_completed(world, COUNT + 1)
    assert await is_equal(kafka_log, world)
    stop.set()
    await running
    assert projector.counters.failures == 0
