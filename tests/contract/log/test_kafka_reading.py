"""What the reader on Kafka promises when its places change while fetches are under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from horolog.log.kafka import KafkaLog
from horolog.log.port import Place, Reader
from tests.contract.log.adapters import PARTITION_COUNT, Kafka, kafka_settings
from tests.contract.log.records import COMMANDS, EXECUTIONS, JOBS, numbered, read, values

pytestmark = pytest.mark.kafka

FETCH_WAIT_MS = 3_000
"""So long that fetches which queue up behind each other exceed any deadline."""
TOPICS = ("commands.v1", "jobs.v1", "fires.v1", "results.v1", "tasks.v1", "control.v1", "outcomes.v1", "workers.v1")


@pytest.fixture
async def log(kafka_bootstrap: str, prefix: str) -> AsyncIterator[KafkaLog]:
    """A log whose brokers keep idle fetches for long."""
    adapter = Kafka(replace(kafka_settings(kafka_bootstrap, prefix), fetch_wait_ms=FETCH_WAIT_MS))
    opened = await adapter.open()
    assert isinstance(opened, KafkaLog)
    await opened.create_topics()
    yield opened
    await adapter.close()


async def poll_until_a_fetch_is_under_way(reader: Reader) -> None:
    """Poll for a little while, in vain, and be cancelled."""
    poll = asyncio.create_task(reader.poll(100, 10))
    await asyncio.wait((poll,), timeout=0.05)
    poll.cancel()
    await asyncio.wait((poll,))


async def test_many_changes_of_places_do_not_queue_up_behind_each_other(log: KafkaLog) -> None:
    places = [Place(topic, partition) for topic in TOPICS for partition in range(PARTITION_COUNT)]
    reader = log.reader()
    for count in range(1, len(places) + 1):
        reader.assign(dict.fromkeys(places[:count], 0))
        await poll_until_a_fetch_is_under_way(reader)
    await log.append([record for place in places for record in numbered(place, 2)])
    records = await read(reader, 2 * len(places))
    assert len(records) == 2 * len(places)
    await reader.close()


async def test_place_taken_away_is_not_read_although_its_fetch_is_under_way(log: KafkaLog) -> None:
    reader = log.reader()
    reader.assign({COMMANDS: 0})
    await poll_until_a_fetch_is_under_way(reader)
    reader.assign({JOBS: 0})
    await log.append([*numbered(COMMANDS, 3), *numbered(JOBS, 2)])
    assert {record.topic for record in await read(reader, 2)} == {JOBS.topic}
    await reader.close()


async def test_place_taken_away_and_given_back_is_read_from_its_new_position_once(log: KafkaLog) -> None:
    await log.append(numbered(COMMANDS, 5))
    reader = log.reader()
    reader.assign({COMMANDS: 4, EXECUTIONS: 0})
    assert values(await read(reader, 1)) == [b"4"]
    await poll_until_a_fetch_is_under_way(reader)
    reader.assign({EXECUTIONS: 0})
    reader.assign({EXECUTIONS: 0, COMMANDS: 2})
    await log.append(numbered(COMMANDS, 2, 5))
    assert values(await read(reader, 5)) == [b"2", b"3", b"4", b"5", b"6"]
    reader.pause(frozenset({COMMANDS}))
    await log.append(numbered(EXECUTIONS, 1))
    assert values(await read(reader, 1)) == [b"0"]
    await reader.close()
