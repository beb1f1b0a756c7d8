"""A row by itself: each contradiction between its status, its reason, its times and the job's history is named."""

from dataclasses import replace

import pytest

from horolog.limits import MISFIRE_GRACE_S
from horolog.verify import LedgerRow
from horolog.verify.judging import CLOCKS_APART_S_MAX, flaws
from schemas.events.executions import Reason
from tests.unit.verify.ledgers import BEGIN, MINUTE, history, missed, row, version

NOW = BEGIN + 60.0
EVENTFUL = history(
    replace(MINUTE, is_limited=True, is_restricted=True),
    version(1, status="paused"),
    version(2, status="inactive"),
    version(3, is_deleted=True),
    version(4, overlap="queueAll"),
    version(5, overlap="cancelRunning"),
)
TENANTS_REASONS = ("tenant_suspended", "owner_barred", "not_allowed")
SOUND = [
    row(0),
    row(0, "failed"),
    row(0, "failed", started_s=None),
    *(row(0, "skipped", reason=reason, blocked_by="another") for reason in ("overlap", "queue_full", "superseded")),
    row(0, "cancelled", reason="superseded", blocked_by="another"),
    *(row(0, "skipped", reason=reason) for reason in ("paused", "stopped", "deleted", "quota", "max_executions")),
    *(row(0, "cancelled", reason=reason) for reason in ("requested", "paused", "stopped", "deleted", "timed_out")),
    *(row(0, "cancelled", trigger_type="manual", reason=reason) for reason in ("quota", "max_executions")),
    *(row(0, status, reason=reason) for reason in TENANTS_REASONS for status in ("skipped", "cancelled")),
    missed(0, 60, 2),
    missed(0, 60, 2, created_s=BEGIN + 60 + MISFIRE_GRACE_S - CLOCKS_APART_S_MAX),
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
    (row(0, "skipped", reason="queue_full"), "unexplained"),
    (row(0, "skipped", reason="superseded"), "unexplained"),
    (row(0, "cancelled", reason="superseded"), "unexplained"),
    (row(0, "cancelled", reason="queue_full", blocked_by="another"), "unexplained"),
    (row(0, "skipped", reason="quota", started_s=BEGIN + 1.0), "unexplained"),
    (row(0, "cancelled"), "unexplained"),
    (row(0, "cancelled", reason="overlap"), "unexplained"),
    (row(0, "missed", reason="misfire"), "unexplained"),
    (missed(0, 60, 2, reason="paused"), "unexplained"),
    (missed(0, 60, 2, created_s=BEGIN + 60 + MISFIRE_GRACE_S - CLOCKS_APART_S_MAX - 0.001), "early"),
    (missed(0, 3600, 61, created_s=BEGIN + 120), "early"),
    (row(0, "vanished"), "unexplained"),
]


@pytest.mark.parametrize("sound", SOUND)
def test_sound_row_has_no_flaw(sound: LedgerRow) -> None:
    assert list(flaws(sound, EVENTFUL, NOW)) == []


@pytest.mark.parametrize(("unsound", "kind"), UNSOUND)
def test_flaw_is_named(unsound: LedgerRow, kind: str) -> None:
    assert [found.value for found, _ in flaws(unsound, EVENTFUL, NOW)] == [kind]


@pytest.mark.parametrize(
    "reason", ["paused", "stopped", "deleted", "max_executions", "queue_full", "superseded", "not_allowed"]
)
def test_reason_that_the_history_does_not_bear_out_is_named(reason: str) -> None:
    skipped = row(0, "skipped", reason=reason, blocked_by="another")
    assert [kind.value for kind, _ in flaws(skipped, history(), NOW)] == ["unexplained"]


def test_every_documented_reason_is_known_for_some_row() -> None:
    statuses = ("skipped", "cancelled", "missed")
    common = {"blocked_by": "another", "missed_until_s": BEGIN, "missed_count": 1, "created_s": BEGIN + 61.0}
    known = {
        reason for reason in Reason for status in statuses
        if not list(flaws(row(0, status, reason=reason.value, **common), EVENTFUL, NOW))
    }  # fmt: skip
    assert known == set(Reason)


@pytest.mark.parametrize("status", ["pending", "running"])
def test_execution_that_outstays_its_timeout_has_not_ended(status: str) -> None:
    allowed_s = MINUTE.timeout_s + 25 + 120
    going_on = row(0, status, started_s=None)
    assert list(flaws(going_on, history(), BEGIN + allowed_s)) == []
    assert [kind.value for kind, _ in flaws(going_on, history(), BEGIN + allowed_s + 1)] == ["unended"]


def test_waiting_for_a_retry_is_no_outstaying() -> None:
    assert list(flaws(row(0, "pending", retry_s=BEGIN + 5000.0), history(), BEGIN + 4000.0)) == []


QUEUEING = history(replace(MINUTE, queue_s=1000.0, catch_up_s=5000.0))
ALLOWED_S = MINUTE.timeout_s + 25 + 120


@pytest.mark.parametrize(
    ("waiting", "wait_s"),
    [
        (row(0, "pending"), 0.0),
        (row(0, "pending", blocked_by="another"), 1000.0),
        (row(0, "pending", created_s=BEGIN + 10.0), 10.0 + 5000.0),
        (row(0, "pending", created_s=BEGIN + 10.0, blocked_by="another"), 10.0 + 6000.0),
        (row(0, "pending", attempt=1, blocked_by="another", created_s=BEGIN + 10.0), 10.0),
        (row(0, "running", blocked_by="another", created_s=BEGIN + 10.0, started_s=BEGIN + 20.0), 20.0),
    ],
)
def test_execution_may_wait_as_long_as_its_policies_let_it_queue(waiting: LedgerRow, wait_s: float) -> None:
    assert list(flaws(waiting, QUEUEING, BEGIN + ALLOWED_S + wait_s)) == []
    late = flaws(waiting, QUEUEING, BEGIN + ALLOWED_S + wait_s + 1)
    assert [kind.value for kind, _ in late] == ["unended"]
