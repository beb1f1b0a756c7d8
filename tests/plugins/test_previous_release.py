"""The gate of tests/plugins/previous_release.py leaves nothing out silently."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.plugins.previous_release import ADVICE, HistoryGate, missing
from tests.plugins.test_kafka_gate import PLAIN

pytest_plugins = ["pytester"]

SUITE = """
    import pytest

    @pytest.fixture
    def previous_release():
        pytest.fail("no history", pytrace=False)

    def test_without(): ...

    def test_beside(previous_release): ...
"""


def _run(pytester: pytest.Pytester, environ: Mapping[str, str], reason: str | None) -> pytest.RunResult:
    pytester.makepyfile(SUITE)
    return pytester.runpytest_inprocess(*PLAIN, plugins=[HistoryGate(environ, reason)])


def test_without_history_the_rest_runs_and_the_reason_is_told(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {}, "no such commit")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["UPGRADE NOT TESTED: 1 tests did not run: no such commit"])


def test_without_history_ci_fails_with_the_reason(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {"CI": "true"}, "no such commit")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*no history*"])


def test_with_history_nothing_is_left_out(pytester: pytest.Pytester) -> None:
    result = _run(pytester, {}, None)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.no_fnmatch_line("*NOT TESTED*")


def test_a_commit_that_is_not_there_is_told_with_what_to_do() -> None:
    told = missing("0123456789abcdef0123456789abcdef01234567")
    assert told is not None
    assert "the commit 0123456789ab is not in this repository" in told
    assert told.endswith(ADVICE)
