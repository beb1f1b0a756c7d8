"""The projector on a real broker: facts in transactions, poison among them, and a rebuilding that agrees."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing, Place
from projections.projector import Projector, ProjectorSettings
from projections.rebuild import rebuild_copy
from schemas.events.executions import ExecutionCompleted
from tests.integration.projections.world import DEADLINE_S, LETTERS, PAUSE_S, StillClock, World, written
from tests.unit.projections.facts import HOME, PARTITIONS, admitted, at, changed, event, job, outgoing

pytestmark = pytest.mark.kafka
COUNT = 50


@pytest.fixture
async def kafka_log(kafka_bootstrap: str) -> AsyncIterator[KafkaLog]:
    settings = KafkaSettings(kafka_bootstrap, f"projections-{os.getpid()}.", PARTITIONS)
    log = await KafkaLog.open(settings)
    await log.create_topics()
    yield log
    await log.close()


def completed(number: int) -> ExecutionCompleted:
    return event(ExecutionCompleted, number, 2, 0, attempt=1, started_at=at(number), completed_at=at(number + 1))


async def write_facts(log: KafkaLog) -> None:
    """Two commits of an owner, one of which holds a record that is none of ours."""
    writer = await log.open_writer("dispatcher", HOME)
    poison = Outgoing("executions.v1", HOME, b"key", b"{", ())
    begun = [outgoing(changed(job())), *(outgoing(admitted(number)) for number in range(COUNT))]
    await writer.commit([*begun, poison])
    await writer.commit([outgoing(completed(number)) for number in range(COUNT)])
    await writer.close()


@pytest.mark.timeout(180)
async def test_facts_become_rows_and_rebuilding_agrees(kafka_log: KafkaLog, world: World) -> None:
    await write_facts(kafka_log)
    stop = asyncio.Event()
    projector = Projector(kafka_log, SystemClock(), ProjectorSettings("a", world.dsn))
    running = asyncio.create_task(projector.run(stop))
    async with asyncio.timeout(4 * DEADLINE_S):
        while await world.eye.fetchval("select count(*) from job_executions where status = 'completed'") < COUNT:
            await asyncio.sleep(PAUSE_S)
    stop.set()
    await running
    await rebuild_copy(kafka_log, world.dsn, StillClock(), "copy")
    live, copy = await world.snapshot(), await world.snapshot("copy")
    assert copy == live
    assert projector.counters.records == 2 * COUNT + 2
    place = Place(LETTERS.topic, LETTERS.partition)
    assert [letter.key for letter in await written(kafka_log, place)] == [f"executions.v1/{HOME}/{COUNT}".encode()]
