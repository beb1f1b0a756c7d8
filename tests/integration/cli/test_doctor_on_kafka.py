"""The doctor at a real Kafka: topics in order, topics that would forget, and fewer partitions than it is told of."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from horolog.adapters.system import SystemClock
from horolog.cli.doctor import examine
from horolog.cli.preparation import look_at_topics
from horolog.runtime.settings import from_environment
from schemas.topics import EXECUTIONS

pytestmark = pytest.mark.kafka
DEADLINE_S = 60.0


async def states(environment: Mapping[str, str]) -> dict[str, str]:
    """What the doctor says of the log."""
    found = await examine("http://127.0.0.1:1", environment, SystemClock())
    return {one.check: one.state for one in found if one.check in {"log", "topics", "partitioning"}}


async def forget(bootstrap: str, topic: str) -> None:
    """Have a topic that is kept for ever keep an hour."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "3600000"})])
    finally:
        await admin.close()


async def test_the_doctor_finds_topics_that_are_not_as_they_are_to_be(kafka_bootstrap: str, tmp_path: Path) -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HOROLOG_TOPIC_PREFIX": f"doctor-{tmp_path.name}.",
        "HOROLOG_PARTITIONS": "2",
        "HOROLOG_HOME": str(tmp_path),
    }
    settings = from_environment(environment)
    assert await states(environment) == {"log": "ok", "topics": "warn"}
    await look_at_topics(settings, check=False, repair=False)
    assert await states(environment) == {"log": "ok", "topics": "ok", "partitioning": "ok"}
    await forget(kafka_bootstrap, settings.topic_prefix + EXECUTIONS.name)
    # The broker hears of it in its own time.
    async with asyncio.timeout(DEADLINE_S):
        while (await states(environment))["topics"] != "fail":
            await asyncio.sleep(0)
    mended = await look_at_topics(settings, check=False, repair=True)
    assert "retention.ms" in [one.part for one in mended.mended]
    assert (mended.differences, (await states(environment))["topics"]) == ([], "ok")
    assert await states({**environment, "HOROLOG_PARTITIONS": "3"}) == {"log": "ok", "topics": "fail"}
