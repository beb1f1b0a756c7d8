"""`horolog replay` on a real broker: transactions, markers, strangers, and no group and no position left behind."""

import os
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from horolog.cli.problems import CliProblem
from horolog.cli.replay_filters import Filters, known_types
from horolog.cli.replay_reading import replayed
from horolog.cli.replay_source import open_source
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing
from horolog.runtime.settings import Settings
from schemas.events.jobs import JobUpdated
from schemas.topics import EXECUTIONS
from tests.unit.projections.facts import HOME, PARTITIONS, accepted, admitted, changed, job, outgoing, uuid_of

pytestmark = pytest.mark.kafka
COUNT = 1500


@pytest.fixture
async def settings(kafka_bootstrap: str) -> Settings:
    """Topics with a story of two commits, a record of a stranger, and an outcome behind it."""
    prefix = f"replay-{os.getpid()}."
    log = await KafkaLog.open(KafkaSettings(kafka_bootstrap, prefix, PARTITIONS))
    await log.create_topics()
    writer = await log.open_writer("dispatcher", HOME)
    await writer.commit([outgoing(changed(job()))])
    await writer.commit([outgoing(admitted(number)) for number in range(COUNT)])
    await log.append([Outgoing(EXECUTIONS.name, HOME, b"strange", b"{", ())])
    await writer.commit([outgoing(changed(job(version=2, seconds=5), JobUpdated)), outgoing(accepted(7))])
    await writer.close()
    await log.close()
    # The number of partitions here is not the topics': what there is counts.
    return Settings(Path("nowhere"), "test", kafka_bootstrap=kafka_bootstrap, topic_prefix=prefix, partition_count=1)


async def groups(bootstrap: str) -> set[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return set(await admin.list_consumer_groups())
    finally:
        await admin.close()


async def shown(settings: Settings, filters: Filters) -> list[tuple[str, int]]:
    async with open_source(settings) as source:
        places = filters.places(source.partition_count)
        return [(entry.record.topic, entry.record.offset) async for entry in replayed(source, places, filters.accepts)]


@pytest.mark.timeout(180)
async def test_all_that_was_committed_is_told_once_and_nothing_is_left_behind(settings: Settings) -> None:
    assert settings.kafka_bootstrap is not None
    before = await groups(settings.kafka_bootstrap)
    found = await shown(settings, Filters())
    assert len(set(found)) == len(found) == COUNT + 4
    assert await shown(settings, Filters()) == found
    assert len(await shown(settings, Filters(job=uuid_of(1), types=known_types(["job"])))) == 2
    assert len(await shown(settings, Filters(execution=uuid_of(1001)))) == 1
    assert await groups(settings.kafka_bootstrap) == before


async def test_topics_that_do_not_exist_are_told_and_not_made(kafka_bootstrap: str) -> None:
    settings = Settings(Path("nowhere"), "test", kafka_bootstrap=kafka_bootstrap, topic_prefix="replay-nothing.")
    for _ in range(2):
        with pytest.raises(CliProblem, match=r"lacks topics"):
            await shown(settings, Filters())
