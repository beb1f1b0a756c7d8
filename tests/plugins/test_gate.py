"""The gate of tests/plugins/gate.py leaves nothing out silently."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.plugins.gate import in_ci
from tests.plugins.kafka_gate import kafka_gate

pytest_plugins = ["pytester"]

# Plugins that the planted suite has no use for and that would be imported anew each time.
PLAIN = tuple(
    f"-pno:{name}" for name in ("cacheprovider", "hypothesispytest", "asyncio", "timeout", "anyio", "schemathesis")
)

SUITE = """
    import pytest

    def test_without(): ...

    @pytest.mark.kafka
    def test_marked(): ...

    @pytest.fixture
    def kafka_bootstrap():
        return "broker"

    @pytest.mark.parametrize("log", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
    def test_contract(log): ...

    def test_using_the_broker(kafka_bootstrap): ...
"""
INI = """
    [pytest]
    markers = kafka
"""


def _run(pytester: pytest.Pytester, environ: Mapping[str, str], reason: str | None, *args: str) -> pytest.RunResult:
    pytester.makeini(INI)
    pytester.makepyfile(SUITE)
    gate = kafka_gate(environ, why_not=lambda: reason, version="4.3.1")
    return pytester.runpytest_inprocess(*PLAIN, *args, plugins=[gate])


def test_with_kafka_everything_runs_and_is_counted(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {}, None)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["kafka: 4.3.1, 3 tests ran on it"])


def test_without_kafka_the_rest_runs_and_the_reason_is_told(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {}, "no Java")
    result.assert_outcomes(passed=2, deselected=3)
    result.stdout.fnmatch_lines(["KAFKA NOT TESTED: 3 tests did not run: no Java"])


def test_without_kafka_ci_fails(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {"CI": "true"}, "no Java")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*CI needs kafka for 3 tests: no Java*"])


def test_given_broker_is_used_even_if_none_can_be_started(pytester: pytest.Pytester) -> None:
    environ = {"CI": "true", "KAFKA_BOOTSTRAP_SERVERS": "broker:9092", "KAFKA_VERSION": "3.9.2"}
    result = _run(pytester, environ, "no Java")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["kafka: 3.9.2, 3 tests ran on it"])


def test_session_that_needs_no_kafka_does_not_mention_it(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {"CI": "1"}, "no Java", "-m", "not kafka", "-k", "not broker")
    result.assert_outcomes(passed=2, deselected=3)
    result.stdout.no_fnmatch_line("*KAFKA*")


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_ci_is_recognised_by_its_variable(value: str, expected: bool) -> None:
    assert in_ci({"CI": value}) is expected
