"""Every adapter of the log in turn."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from horolog.log.kafka import KafkaSettings
from horolog.log.port import Log
from tests.contract.log.adapters import Adapter, Embedded, Kafka, kafka_settings

_numbers = count(1)


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"test-{os.getpid()}-{next(_numbers)}."


@pytest.fixture(params=["memory", "file", pytest.param("kafka", marks=pytest.mark.kafka)])
async def adapter(request: pytest.FixtureRequest, tmp_path: Path, prefix: str) -> AsyncIterator[Adapter]:
    """An empty log behind one of the adapters."""
    made: Adapter
    if request.param == "kafka":
        made = Kafka(kafka_settings(request.getfixturevalue("kafka_bootstrap"), prefix))
    else:
        made = Embedded(tmp_path / "log.db" if request.param == "file" else None)
    try:
        await (await made.open()).create_topics()
        yield made
    finally:
        await made.close()


@pytest.fixture
async def log(adapter: Adapter) -> Log:
    """The log with its topics."""
    return await adapter.open()


@pytest.fixture
async def settings(kafka_bootstrap: str, prefix: str) -> AsyncIterator[KafkaSettings]:
    """Where a Kafka log is whose topics no other test uses."""
    adapter = Kafka(kafka_settings(kafka_bootstrap, prefix))
    await (await adapter.open()).create_topics()
    yield adapter.settings
    await adapter.close()
