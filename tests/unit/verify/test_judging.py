"""A row by itself: each contradiction between its status, its reason, its times and the job's history is named."""

from dataclasses import replace

import pytest

from horolog.verify import LedgerRow
from horolog.verify.judging import flaws
from tests.unit.verify.ledgers import BEGIN, MINUTE, history, missed, row, version

NOW = BEGIN + 60.0
EVENTFUL = history(
    replace(MINUTE, is_limited=True),
    version(1, status="paused"),
    version(2, status="inactive"),
    version(3, is_deleted=True),
)
SOUND = [
    row(0),
    row(0, "failed"),
    row(0, "failed", started_s=None),
    row(0, "skipped", reason="overlap", blocked_by="another"),
    *(row(0, "skipped", reason=reason) for reason in ("paused", "stopped", "deleted", "quota", "max_executions")),
    *(row(0, "cancelled", reason=reason) for reason in ("requested", "paused", "stopped", "deleted", "timed_out")),
    missed(0, 60, 2),
    row(0, "pending"),
    row(0, "running"),
    row(0, "running", trigger_type="manual", started_s=BEGIN - 0.1),
]
UNSOUND = [
    (row(0, started_s=BEGIN - 0.000_001), "early"),
    (row(0, "failed", started_s=BEGIN - 1.0), "early"),
    (row(0, reason="paused"), "unexplained"),
    (row(0, started_s=None), "unexplained"),
    (row(0, attempt=0), "unexplained"),
    (row(0, "failed", error_type=None), "unexplained"),
    (row(0, "failed", attempt=0), "unexplained"),
    (row(0, "running", reason="quota"), "unexplained"),
    (row(0, "skipped"), "unexplained"),
    (row(0, "skipped", reason="misfire"), "unexplained"),
    (row(0, "skipped", reason="boredom"), "unexplained"),
    (row(0, "skipped", reason="overlap"), "unexplained"),
    (row(0, "skipped", reason="quota", started_s=BEGIN + 1.0), "unexplained"),
    (row(0, "cancelled"), "unexplained"),
    (row(0, "cancelled", reason="overlap"), "unexplained"),
    (row(0, "missed", reason="misfire"), "unexplained"),
    (missed(0, 60, 2, reason="paused"), "unexplained"),
    (row(0, "vanished"), "unexplained"),
]


@pytest.mark.parametrize("sound", SOUND)
def test_sound_row_has_no_flaw(sound: LedgerRow) -> None:
    assert list(flaws(sound, EVENTFUL, NOW)) == []


@pytest.mark.parametrize(("unsound", "kind"), UNSOUND)
def test_flaw_is_named(unsound: LedgerRow, kind: str) -> None:
    assert [found.value for found, _ in flaws(unsound, EVENTFUL, NOW)] == [kind]


@pytest.mark.parametrize("reason", ["paused", "stopped", "deleted", "max_executions"])
def test_reason_that_the_history_does_not_bear_out_is_named(reason: str) -> None:
    assert [kind.value for kind, _ in flaws(row(0, "skipped", reason=reason), history(), NOW)] == ["unexplained"]


@pytest.mark.parametrize("status", ["pending", "running"])
def test_execution_that_outstays_its_timeout_has_not_ended(status: str) -> None:
    allowed_s = MINUTE.timeout_s + 25 + 120
    going_on = row(0, status, started_s=None)
    assert list(flaws(going_on, history(), BEGIN + allowed_s)) == []
    assert [kind.value for kind, _ in flaws(going_on, history(), BEGIN + allowed_s + 1)] == ["unended"]


def test_waiting_for_a_retry_is_no_outstaying() -> None:
    assert list(flaws(row(0, "pending", retry_s=BEGIN + 5000.0), history(), BEGIN + 4000.0)) == []
