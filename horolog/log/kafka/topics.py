"""Creating the topics with what they keep, and checking those that exist.

Sources: Apache Kafka documentation, topic configurations; KIP-58 for `min.compaction.lag.ms`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.metadata import MetadataRequest

from horolog.log.kafka.clients import UNREACHABLE, connection_options
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import LogError, LogUnavailable
from schemas.topics import CHECKPOINTS, DAY_MS, KEEP_FOR_EVER, OUTPUT, RECORD_BYTES_MAX, TOPICS, Topic

REPLICATION_FACTOR_USUAL = 3
TOPIC_ALREADY_EXISTS = 36
LEADERS_POLL_S = 0.05
MESSAGE_BYTES_MAX = 2 * RECORD_BYTES_MAX
"""A batch may hold one record of the largest size, and its headers."""
SUPERSEDED_KEPT_MS = DAY_MS
"""How long a compacted topic keeps a record after a newer one with its key: readers follow the recent history."""
CHECKPOINT_SUPERSEDED_KEPT_MS = 600_000
CHECKPOINT_SEGMENT_MS = 600_000
"""Only closed segments are compacted: without this a quiet partition would keep a week of checkpoints."""
CHECKPOINT_SEGMENT_BYTES = 16 * 1024 * 1024
OUTPUT_SEGMENT_MS = 600_000
"""Whole segments are removed: without this a busy partition would keep a gibibyte of what runs print."""


def topic_configs(topic: Topic, replication_factor: int) -> dict[str, str]:
    """What a topic keeps and takes."""
    configs: dict[str, object] = {"max.message.bytes": MESSAGE_BYTES_MAX}
    if replication_factor >= REPLICATION_FACTOR_USUAL:
        configs["min.insync.replicas"] = replication_factor - 1
    if not topic.compacted:
        # By size nothing is dropped, whatever the brokers' default: what is kept for ever is the truth.
        kept = {"cleanup.policy": "delete", "retention.ms": topic.retention_ms, "retention.bytes": KEEP_FOR_EVER}
        if topic == OUTPUT:
            kept["segment.ms"] = OUTPUT_SEGMENT_MS
        return _strings(configs | kept)
    configs |= {
        "cleanup.policy": "compact",
        "min.compaction.lag.ms": SUPERSEDED_KEPT_MS,
        "delete.retention.ms": DAY_MS,
        "segment.ms": DAY_MS,
    }
    if topic == CHECKPOINTS:
        configs |= {
            "min.compaction.lag.ms": CHECKPOINT_SUPERSEDED_KEPT_MS,
            "segment.ms": CHECKPOINT_SEGMENT_MS,
            "segment.bytes": CHECKPOINT_SEGMENT_BYTES,
            "min.cleanable.dirty.ratio": 0.1,
        }
    return _strings(configs)


def wanted_factor(settings: KafkaSettings, broker_count: int) -> int:
    """How many replicas each partition is to have."""
    return settings.replication_factor or min(REPLICATION_FACTOR_USUAL, broker_count)


async def create_topics(settings: KafkaSettings) -> Sequence[str]:
    """Create what is missing, and wait until every partition has a leader; returns the names created.

    Raises:
        LogUnavailable: Kafka could not be reached in time.
        LogError: a topic exists with another number of partitions, or the cluster refuses to create one.
    """
    admin = AIOKafkaAdminClient(client_id=f"{settings.prefix}topics", **connection_options(settings))
    try:
        async with asyncio.timeout(settings.open_timeout_ms / 1000):
            await admin.start()
            return await _create(admin, settings)
    except UNREACHABLE as error:
        raise LogUnavailable(f"the topics could not be created: {error!r}") from error
    finally:
        await admin.close()


async def create_beside(settings: KafkaSettings, name: str) -> None:
    """Create a compacted topic of that full name, if it is missing: where a process keeps what it has computed.

    It is none of `schemas.topics`: its records are its owner's affair.

    Raises:
        LogUnavailable, or LogError: as `create_topics`.
    """
    admin = AIOKafkaAdminClient(client_id=f"{settings.prefix}topics", **connection_options(settings))
    try:
        async with asyncio.timeout(settings.open_timeout_ms / 1000):
            await admin.start()
            await _create_one(admin, settings, name)
    except UNREACHABLE as error:
        raise LogUnavailable(f"the topic {name} could not be created: {error!r}") from error
    finally:
        await admin.close()


async def _create_one(admin: AIOKafkaAdminClient, settings: KafkaSettings, name: str) -> None:
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]
    if name not in await existing_topics(admin):
        factor = wanted_factor(settings, len(brokers))
        configs = {"cleanup.policy": "compact", "max.message.bytes": str(MESSAGE_BYTES_MAX)}
        wanted = [NewTopic(name, settings.partition_count, factor, topic_configs=configs)]
        answer = await admin.create_topics(wanted, timeout_ms=settings.request_timeout_ms)
        _, code, reason = answer.topic_errors[0]
        if code not in (0, TOPIC_ALREADY_EXISTS):
            raise LogError(f"the topic {name} could not be created: {reason or f'error {code}'}")
    for broker in brokers:
        while True:
            found = (await existing_topics(admin, broker)).get(name, ())
            if found and all(partition["leader"] >= 0 for partition in found):
                break
            await asyncio.sleep(LEADERS_POLL_S)
        if len(found) != settings.partition_count:
            text = f"the topic {name} has {len(found)} partitions, but {settings.partition_count} are configured"
            raise LogError(text)


async def _create(admin: AIOKafkaAdminClient, settings: KafkaSettings) -> Sequence[str]:
    existing = await existing_topics(admin)
    for topic in TOPICS:
        _check_count(settings, topic, existing)
    missing = [topic for topic in TOPICS if settings.topic(topic.name) not in existing]
    if not missing:
        return []
    cluster = await admin.describe_cluster()
    factor = wanted_factor(settings, len(cluster["brokers"]))
    wanted = [
        NewTopic(
            settings.topic(topic.name), settings.partition_count, factor, topic_configs=topic_configs(topic, factor)
        )
        for topic in missing
    ]
    answer = await admin.create_topics(wanted, timeout_ms=settings.request_timeout_ms)
    codes = {name: (code, reason) for name, code, reason in answer.topic_errors}
    for name, (code, reason) in codes.items():
        if code not in (0, TOPIC_ALREADY_EXISTS):
            raise LogError(f"the topic {name} could not be created: {reason or f'error {code}'}")
    await _led(admin, settings, [broker["node_id"] for broker in cluster["brokers"]])
    return [topic.name for topic in missing if codes[settings.topic(topic.name)][0] == 0]


async def _led(admin: AIOKafkaAdminClient, settings: KafkaSettings, brokers: Sequence[int]) -> None:
    """Wait until every broker knows every leader: each hears of a topic in its own time, and clients ask any of them.

    Another process may have created a topic at the same time, so the sizes are checked, too.
    """
    for broker in brokers:
        while True:
            existing = await existing_topics(admin, broker)
            partitions = [existing.get(settings.topic(topic.name)) for topic in TOPICS]
            if all(found is not None and all(p["leader"] >= 0 for p in found) for found in partitions):
                break
            await asyncio.sleep(LEADERS_POLL_S)
        for topic in TOPICS:
            _check_count(settings, topic, existing)


async def existing_topics(admin: AIOKafkaAdminClient, broker: int | None = None) -> Mapping[str, Sequence[Any]]:
    """The partitions of every topic, as all brokers or this one know them."""
    # All topics: naming one that is missing could create it, with the broker's own number of partitions.
    answer = await admin._send_request(MetadataRequest(None), broker)
    topics = answer.to_object()["topics"]
    return {topic["topic"]: topic["partitions"] for topic in topics if not topic["error_code"]}


def _check_count(settings: KafkaSettings, topic: Topic, existing: Mapping[str, Sequence[Any]]) -> None:
    found = existing.get(settings.topic(topic.name))
    if found is not None and len(found) != settings.partition_count:
        raise LogError(
            f"the topic {settings.topic(topic.name)} has {len(found)} partitions, "
            f"but {settings.partition_count} are configured"
        )


def _strings(configs: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in configs.items()}
