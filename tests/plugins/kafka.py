"""A real Kafka broker for the session, and the gate in front of the tests that need one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.cluster import LocalKafka, have_kafka
from deploy.local.kafka_jars import kafka_version
from tests.plugins.kafka_gate import BOOTSTRAP, kafka_gate


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate up."""
    gate = kafka_gate(os.environ, why_not=have_kafka, version=kafka_version())
    config.pluginmanager.register(gate, "kafka-gate")


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """Bootstrap servers of a real broker: the one in the environment, else a private one for this session."""
    given = os.environ.get(BOOTSTRAP)
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="horolog-kafka-") as folder:
        kafka = LocalKafka(Path(folder), nodes=1)
        try:
            yield kafka.start()
        finally:
            kafka.stop()
