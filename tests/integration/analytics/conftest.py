"""A world for each test."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from horolog.log.kafka import KafkaLog, KafkaSettings
from tests.faults.deployment import environment_of
from tests.integration.analytics.world import World
from tests.unit.projections.facts import PARTITIONS

QUICK = {"SCHEDULER_LOCK_TTL_MS": "12000", "DATABASE_URL": ""}
"""Long enough that a worker that waits for a processor is not held to be dead: nothing fences it off, and what it still
writes then may be older than what its heir has written (docs/analytics.md)."""


@pytest.fixture
async def world(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[World]:
    """Topics, and nobody at work."""
    prefix = f"analytics-{os.getpid()}-{tmp_path.name}."
    settings = KafkaSettings(kafka_bootstrap, prefix, PARTITIONS)
    log = await KafkaLog.open(settings)
    await log.create_topics()
    yield World(log, settings, environment_of(kafka_bootstrap, "", prefix, tmp_path, QUICK), tmp_path)
    await log.close()
