"""Topics that somebody has changed are told, and mended as far as nothing is lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from horolog.log.kafka.settings import KafkaSettings
from horolog.log.kafka.topic_check import EXISTENCE, PARTITIONS, Difference, compare_topics, repair_topics
from schemas.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, TOPICS
from tests.contract.log.adapters import PARTITION_COUNT

pytestmark = pytest.mark.kafka

DEADLINE_S, POLL_S = 30.0, 0.05
SHORT = {"cleanup.policy": "delete", "retention.ms": "3600000", "max.message.bytes": "2000000"}
"""What a topic that is to be kept for ever was told, besides a setting that is no concern of ours."""


@pytest.fixture
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that may change topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await client.start()
    yield client
    await client.close()


async def tell(admin: AIOKafkaAdminClient, topic: str, configs: Mapping[str, str]) -> None:
    """Give a topic this configuration, and no other; the broker knows of it when this returns."""
    (answer,) = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(configs))])
    assert [code for code, *_ in answer.resources] == [0]
    async with asyncio.timeout(DEADLINE_S):
        while not configs.items() <= (await configs_of(admin, topic)).items():
            await asyncio.sleep(POLL_S)


async def configs_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    """The configuration that holds for a topic."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in answer.resources[0][4]}


async def test_topics_that_were_just_created_are_as_they_are_to_be(settings: KafkaSettings) -> None:
    assert await compare_topics(settings) == []
    assert await repair_topics(settings) == []


async def test_a_topic_that_would_forget_is_mended_and_keeps_what_else_it_was_told(
    settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    full = settings.topic(EXECUTIONS.name)
    await tell(admin, full, {**SHORT, "flush.messages": "7"})
    wrong = Difference(EXECUTIONS.name, "retention.ms", "3600000", "-1")
    assert await compare_topics(settings) == [wrong]
    assert wrong.loses_records
    assert await repair_topics(settings) == [wrong]
    assert await compare_topics(settings) == []
    found = await configs_of(admin, full)
    assert (found["retention.ms"], found["flush.messages"]) == ("-1", "7")


async def test_what_is_kept_for_longer_is_left_alone(settings: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    full = settings.topic(COMMANDS.name)
    await tell(admin, full, {**SHORT, "retention.ms": "-1"})
    assert await compare_topics(settings) == []
    assert await repair_topics(settings) == []
    assert (await configs_of(admin, full))["retention.ms"] == "-1"


async def test_partitions_and_missing_topics_are_told_and_left_as_they_are(
    settings: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    larger = replace(settings, partition_count=PARTITION_COUNT + 1)
    found = await compare_topics(larger)
    assert {one.part for one in found} == {PARTITIONS}
    assert len(found) == len(TOPICS)
    assert await repair_topics(larger) == []
    assert await compare_topics(larger) == found
    elsewhere = replace(settings, prefix=f"{settings.prefix}none.")
    assert [one.part for one in await compare_topics(elsewhere)] == [EXISTENCE] * len(TOPICS)


async def test_a_table_that_is_not_compacted_is_mended(settings: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    await tell(admin, settings.topic(CHECKPOINTS.name), {"cleanup.policy": "delete"})
    found = {one.part for one in await compare_topics(settings)}
    assert {"cleanup.policy", "segment.ms"} <= found
    await repair_topics(settings)
    assert await compare_topics(settings) == []
