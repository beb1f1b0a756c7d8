"""Comparing the topics that there are with what they are to be, and mending what can be mended.

Guarantee: looking changes nothing. Mending changes the configuration of topics and nothing else, and each only towards
`topic_configs`: what is kept for longer than that, or held safer, stays, and so does whatever else operators have told
a topic. The number of partitions decides where a tenant's records are, and is never changed; nor are replicas moved.
Source: Apache Kafka documentation, topic configurations; KIP-133 for the requests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from horolog.log.kafka.clients import UNREACHABLE, connection_options
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.kafka.topics import LEADERS_POLL_S, existing_topics, topic_configs, wanted_factor
from horolog.log.port import LogError, LogUnavailable
from schemas.topics import KEEP_FOR_EVER, TOPICS, Topic

PARTITIONS, REPLICAS, EXISTENCE = "partitions", "replicas", "existence"
_OWN = 1
"""The source of a configuration that the topic itself was told (KIP-226)."""
_FLOORS = frozenset(
    {
        "delete.retention.ms",
        "max.message.bytes",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "retention.bytes",
        "retention.ms",
    }
)
"""More than is wanted of these is nobody's loss."""

_Entry = Sequence[object]
"""Name, value, whether it is read-only, its source, whether it is sensitive, synonyms."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """In what a topic is not as it is to be: `part` is the name of a configuration, or one of the words above."""

    topic: str
    part: str
    found: str
    wanted: str

    @property
    def is_mendable(self) -> bool:
        """Whether a repair can do away with it."""
        return self.part not in (PARTITIONS, REPLICAS, EXISTENCE)

    @property
    def loses_records(self) -> bool:
        """Whether records are lost by it that are to be kept for ever, or their order."""
        return self.part in (PARTITIONS, "cleanup.policy", "retention.ms", "retention.bytes")

    def __str__(self) -> str:
        return f"{self.topic}: {self.part} is {self.found}, and is to be {self.wanted}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A topic as it is: `configs` is what holds for it, `own` what of that it was told itself."""

    partition_count: int
    replica_count: int
    configs: Mapping[str, str]
    own: Mapping[str, str]


async def compare_topics(settings: KafkaSettings) -> Sequence[Difference]:
    """Every difference, topic by topic.

    Raises:
        LogUnavailable: Kafka could not be reached in time.
        LogError: it does not tell.
    """

    async def compare(admin: AIOKafkaAdminClient) -> Sequence[Difference]:
        found, factor = await _standings(admin, settings)
        return [one for topic in TOPICS for one in differences(topic, found.get(topic.name), settings, factor)]

    return await _asked(settings, compare)


async def repair_topics(settings: KafkaSettings) -> Sequence[Difference]:
    """Do away with what can be mended; returns what was.

    Raises:
        LogUnavailable: Kafka could not be reached in time; some of it may have been done.
        LogError: it refuses to.
    """

    async def repair(admin: AIOKafkaAdminClient) -> Sequence[Difference]:
        found, factor = await _standings(admin, settings)
        mended: list[Difference] = []
        for topic in TOPICS:
            standing = found.get(topic.name)
            wrong = [one for one in differences(topic, standing, settings, factor) if one.is_mendable]
            if standing is not None and wrong:
                # Kafka takes the whole of a topic's own configuration for what it is told.
                told = {**standing.own, **{one.part: one.wanted for one in wrong}}
                await _alter(admin, settings.topic(topic.name), told)
                mended += wrong
        return mended

    return await _asked(settings, repair)


def differences(topic: Topic, standing: Standing | None, settings: KafkaSettings, factor: int) -> Sequence[Difference]:
    """In what a topic is not as it is to be, when each partition is to have so many replicas."""
    if standing is None:
        return [Difference(topic.name, EXISTENCE, "missing", "there")]
    found: list[Difference] = []
    if standing.partition_count != settings.partition_count:
        count = str(settings.partition_count)
        found.append(Difference(topic.name, PARTITIONS, str(standing.partition_count), count))
    if standing.replica_count < factor:
        found.append(Difference(topic.name, REPLICAS, str(standing.replica_count), str(factor)))
    for name, wanted in topic_configs(topic, standing.replica_count).items():
        told = standing.configs.get(name, "unknown")
        if not _is_enough(name, told, wanted):
            found.append(Difference(topic.name, name, told, wanted))
    return found


def _is_enough(name: str, found: str, wanted: str) -> bool:
    if found == wanted or name not in _FLOORS or not found.lstrip("-").isdecimal():
        return found == wanted
    if KEEP_FOR_EVER in (int(found), int(wanted)):
        return int(found) == KEEP_FOR_EVER
    return int(found) >= int(wanted)


async def _asked(settings: KafkaSettings, ask: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
    admin = AIOKafkaAdminClient(client_id=f"{settings.prefix}topics", **connection_options(settings))
    try:
        async with asyncio.timeout(settings.open_timeout_ms / 1000):
            await admin.start()
            return await ask(admin)
    except UNREACHABLE as error:
        raise LogUnavailable(f"the topics could not be looked at: {error!r}") from error
    finally:
        await admin.close()


async def _standings(admin: AIOKafkaAdminClient, settings: KafkaSettings) -> tuple[Mapping[str, Standing], int]:
    """The topics that there are, by their names without prefix; and how many replicas there are to be."""
    existing = await existing_topics(admin)
    known = {topic.name: existing[full] for topic in TOPICS if (full := settings.topic(topic.name)) in existing}
    cluster = await admin.describe_cluster()
    factor = wanted_factor(settings, len(cluster["brokers"]))
    if not known:
        return {}, factor
    told = await _configurations(admin, [settings.topic(name) for name in known])
    return {name: _standing(found, told[settings.topic(name)]) for name, found in known.items()}, factor


async def _configurations(admin: AIOKafkaAdminClient, names: Sequence[str]) -> Mapping[str, Sequence[_Entry]]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    told = {}
    for code, reason, _, full, entries in answer.resources:
        if code:
            raise LogError(f"the configuration of {full} is not told: {reason or f'error {code}'}")
        told[full] = entries
    return told


def _standing(partitions: Sequence[Mapping[str, Sequence[int]]], entries: Sequence[_Entry]) -> Standing:
    configs = {str(entry[0]): str(entry[1]) for entry in entries}
    own = {str(entry[0]): str(entry[1]) for entry in entries if entry[3] == _OWN and entry[1] is not None}
    return Standing(len(partitions), min(len(one["replicas"]) for one in partitions), configs, own)


async def _alter(admin: AIOKafkaAdminClient, full_name: str, configs: Mapping[str, str]) -> None:
    (answer,) = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, full_name, dict(configs))])
    for code, reason, *_ in answer.resources:
        if code:
            raise LogError(f"the configuration of {full_name} could not be changed: {reason or f'error {code}'}")
    # The controller has taken it; the brokers hear of it in their own time.
    while True:
        entries = (await _configurations(admin, [full_name]))[full_name]
        if configs.items() <= {str(entry[0]): str(entry[1]) for entry in entries}.items():
            return
        await asyncio.sleep(LEADERS_POLL_S)
