"""Where `horolog replay` reads: Kafka where its address is set, else the embedded log's file, opened for reading.

Guarantee: nothing is created and nothing is written, neither topics nor positions nor a file.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from horolog.cli.problems import CliProblem
from horolog.cli.replay_reading import Source
from horolog.log.embedded.snapshot import SnapshotLog
from horolog.log.port import LogError, LogUnavailable
from horolog.log_opening import kafka_settings
from horolog.runtime.settings import Settings
from schemas.topics import TOPICS

if TYPE_CHECKING:
    from horolog.log.kafka import KafkaSettings

LOG_FILE = "log.db"
KAFKA_S_MAX = 15.0


@asynccontextmanager
async def open_source(settings: Settings) -> AsyncIterator[Source]:
    """The log that these settings mean.

    Raises:
        CliProblem: there is none.
        LogError: it cannot be read.
    """
    source = await _kafka(settings) if settings.kafka_bootstrap else _file(settings.home / LOG_FILE)
    try:
        yield source
    finally:
        await source.close()


def _file(path: Path) -> Source:
    if not path.is_file():
        advice = "Name the directory of `horolog dev` with --dir or HOROLOG_HOME, or set KAFKA_BOOTSTRAP_SERVERS."
        raise CliProblem("NO_LOG", f"There is no log at {path}.", advice)
    return SnapshotLog(path)


async def _kafka(settings: Settings) -> Source:
    from horolog.log.kafka import KafkaLog  # noqa: PLC0415 - its client is loaded where it is used

    kafka = kafka_settings(settings)
    counts = await _partition_counts(kafka)
    if missing := [topic.name for topic in TOPICS if topic.name not in counts]:
        text = f"{settings.kafka_bootstrap} lacks topics of the prefix {settings.topic_prefix!r}: {', '.join(missing)}."
        raise CliProblem("NO_LOG", text, "Check HOROLOG_TOPIC_PREFIX; `horolog topics` creates what is missing.")
    if len(set(counts.values())) > 1:
        raise LogError(f"the topics differ in their numbers of partitions: {dict(counts)}")
    # As many as there are, not as many as are configured here: an audit must not leave out any.
    count = counts[TOPICS[0].name]
    return await KafkaLog.open(replace(kafka, partition_count=count))


async def _partition_counts(kafka: "KafkaSettings") -> Mapping[str, int]:
    """How many partitions each of our topics has; asking for all topics creates none."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 - only needed for Kafka
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    from horolog.log.kafka.clients import connection_options  # noqa: PLC0415

    admin = AIOKafkaAdminClient(**connection_options(kafka))
    try:
        async with asyncio.timeout(KAFKA_S_MAX):
            await admin.start()
            described = await admin.describe_topics()
    except (KafkaError, OSError, TimeoutError) as error:
        raise LogUnavailable(f"Kafka at {kafka.bootstrap_servers} does not answer: {error!r}") from error
    finally:
        await admin.close()
    names = {kafka.prefix + topic.name: topic.name for topic in TOPICS}
    return {names[t["topic"]]: len(t["partitions"]) for t in described if t["topic"] in names}


def settings_in(settings: Settings, directory: Path | None) -> Settings:
    """The settings, but for the embedded log in a directory where one is named."""
    return settings if directory is None else replace(settings, home=directory.resolve(), kafka_bootstrap=None)
