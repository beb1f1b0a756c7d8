"""The gate in front of the tests that need a real Kafka broker.

A test needs Kafka when it carries the ``kafka`` mark or asks for ``kafka_bootstrap``. CI fails where none can be had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.plugins.gate import Gate, in_ci

BOOTSTRAP = "KAFKA_BOOTSTRAP_SERVERS"
VERSION = "KAFKA_VERSION"


def kafka_gate(environ: Mapping[str, str], why_not: Callable[[], str | None], version: str) -> Gate:
    """The gate; a broker that the environment names is used even where none can be started."""
    given = bool(environ.get(BOOTSTRAP))
    named = environ.get(VERSION, f"of unknown version (name it in {VERSION})") if given else version
    return Gate("kafka", needs_kafka, lambda: None if given else why_not(), lambda: named, in_ci(environ))


def needs_kafka(item: pytest.Item) -> bool:
    """Whether a test is marked ``kafka`` or uses the broker's fixture."""
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return item.get_closest_marker("kafka") is not None or "kafka_bootstrap" in fixtures
