"""The one gate for tests that need a real Kafka broker.

A test needs Kafka when it carries the ``kafka`` mark or asks for ``kafka_bootstrap``. Where no broker can be
had, those tests are deselected and the summary says how many and why; in CI the session fails instead. Where
there is one, the summary names its version and how many tests ran on it. Nothing is left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

BOOTSTRAP = "KAFKA_BOOTSTRAP_SERVERS"
VERSION = "KAFKA_VERSION"


class KafkaGate:
    """Lets tests that need Kafka through, or leaves them out loudly; counts those that ran."""

    def __init__(self, environ: Mapping[str, str], why_not: Callable[[], str | None], version: str) -> None:
        self._environ = environ
        self._why_not = why_not
        self._version = version
        self._needing: set[str] = set()
        self._ran_count = 0
        self._left_out_reason: str | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what needs Kafka when there is none; runs after -m and -k made their choice."""
        needing = [item for item in items if needs_kafka(item)]
        self._needing = {item.nodeid for item in needing}
        if not needing or self._environ.get(BOOTSTRAP):
            return
        self._left_out_reason = self._why_not()
        if self._left_out_reason is None:
            return
        if in_ci(self._environ):
            pytest.exit(f"CI needs Kafka for {len(needing)} tests: {self._left_out_reason}", returncode=1)
        config.hook.pytest_deselected(items=needing)
        items[:] = [item for item in items if item.nodeid not in self._needing]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once its body has run, however it ended."""
        if report.when == "call" and report.nodeid in self._needing:
            self._ran_count += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in one line what Kafka has seen of this session; say nothing when no test needed it."""
        if self._left_out_reason is not None:
            line = f"KAFKA NOT TESTED: {len(self._needing)} tests did not run: {self._left_out_reason}"
            terminalreporter.write_line(line, red=True, bold=True)
        elif self._needing:
            terminalreporter.write_line(f"kafka: {self._named_version()}, {self._ran_count} tests ran on it")

    def _named_version(self) -> str:
        if self._environ.get(BOOTSTRAP):
            return self._environ.get(VERSION, f"of unknown version (name it in {VERSION})")
        return self._version


def needs_kafka(item: pytest.Item) -> bool:
    """Whether a test is marked ``kafka`` or uses the broker's fixture."""
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return item.get_closest_marker("kafka") is not None or "kafka_bootstrap" in fixtures


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether this is an automated run, by the variable that CI systems set."""
    return environ.get("CI", "").lower() not in {"", "0", "false"}
