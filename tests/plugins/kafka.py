"""A real Kafka broker for the session, and the gate in front of the tests that need one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deploy.local.cluster import LocalKafka, have_kafka
from tests.plugins.kafka_gate import BOOTSTRAP, KafkaGate

POM = Path(__file__).resolve().parents[2] / "deploy" / "local" / "kafka" / "pom.xml"


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate up."""
    gate = KafkaGate(os.environ, why_not=have_kafka, version=local_kafka_version())
    config.pluginmanager.register(gate, "kafka-gate")


def local_kafka_version() -> str:
    """The version of Kafka that a private broker is made of, as pinned for it."""
    version = ElementTree.parse(POM).findtext(".//{*}kafka.version")
    if version is None:
        raise LookupError(f"{POM} does not pin kafka.version")
    return version


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
