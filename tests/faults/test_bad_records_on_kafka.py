"""Bad records on real Kafka, written by a stranger's client to the topics of separate processes.

The topics refuse what is larger than anything of ours. Where somebody has raised that limit, a record of 10 MB is
read, refused with its size, and gone past like every other.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError

from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing
from schemas.topics import Topic
from tests.faults.bad_records import (
    REFUSED_BY,
    Letters,
    bad_records,
    dead_letters,
    expected_letters,
    letters,
    place_of,
    refused,
)
from tests.faults.client import api_environment, client_of, free_port
from tests.faults.deployment import deployed

ROLES = ("dispatcher", "ticker", "projections", "executor", "api")
HUGE_BYTES = 10 * 1024 * 1024
ROOM_BYTES = 1024 * 1024

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


@asynccontextmanager
async def stranger(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A client that knows nothing of our limits."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, max_request_size=2 * HUGE_BYTES, max_batch_size=2 * HUGE_BYTES
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, prefix: str, records: Sequence[Outgoing]) -> list[int]:
    """Write the records one by one; returns their offsets."""
    offsets = []
    for r in records:
        sent = await producer.send_and_wait(prefix + r.topic, r.value, r.key, r.partition, headers=list(r.headers))
        offsets.append(sent.offset)
    return offsets


async def raise_limits(bootstrap: str, prefix: str) -> None:
    """Let the topics take records of any size, as an operator might."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        configs = {"max.message.bytes": str(HUGE_BYTES + ROOM_BYTES)}
        names = [prefix + topic.name for topic in REFUSED_BY]
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs) for name in names])
    finally:
        await admin.close()


def huge(topic: Topic, partition: int) -> Outgoing:
    """A record as large as no record of ours."""
    good = bad_records(topic, partition, 4)["no type"]
    headers = bad_records(topic, partition, 4)["no JSON"].headers
    return Outgoing(topic.name, partition, good.key, (good.value or b"") + b" " * HUGE_BYTES, headers)


async def write_bad(log: KafkaLog, producer: AIOKafkaProducer, prefix: str, topic: Topic) -> Letters:
    """Write every kind of bad record, and find that a huge one is not taken."""
    partition = await place_of(log, topic)
    with pytest.raises(MessageSizeTooLargeError):
        await write(producer, prefix, [huge(topic, partition)])
    offsets = await write(producer, prefix, list(bad_records(topic, partition, log.partition_count).values()))
    return expected_letters(topic, partition, offsets)


async def test_bad_records_become_dead_letters_and_separate_processes_go_on(
    kafka_bootstrap: str, migrated_database: str, tmp_path: Path
) -> None:
    prefix, port = f"bad-{tmp_path.name}.", free_port()
    log = await KafkaLog.open(KafkaSettings(kafka_bootstrap, prefix, 4))
    expected = Letters()
    with deployed(
        kafka_bootstrap, migrated_database, prefix, tmp_path, roles=ROLES, settings=api_environment(port)
    ) as deployment:
        async with client_of(port) as client, stranger(kafka_bootstrap) as producer:
            for topic in REFUSED_BY:
                expected += await write_bad(log, producer, prefix, topic)
                await refused(log, expected)
                await client.run_once()
            await raise_limits(kafka_bootstrap, prefix)
            for topic in REFUSED_BY:
                partition = await place_of(log, topic)
                offsets = await write(producer, prefix, [huge(topic, partition)])
                expected += expected_letters(topic, partition, offsets)
                await refused(log, expected)
            await client.run_once()
            assert deployment.living() == len(ROLES)
            assert await letters(log) == expected
            assert any(letter.value_bytes > HUGE_BYTES for letter in await dead_letters(log))
    await log.close()
