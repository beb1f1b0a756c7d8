"""`horolog verify ledger` through the API: what it asks, what it shows, and its exit codes."""

import json
from typing import Any

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.fake_api import JOB_ID, FakeApi

COUNTS = {"missing": 0, "double": 0, "early": 0, "unexplained": 0, "unended": 0, "unreadable": 0}
FINDING = {
    "kind": "missing",
    "tenantId": "11111111-2222-4333-8444-555555555555",
    "jobId": JOB_ID,
    "first": "2026-01-01T00:01:00Z",
    "last": "2026-01-01T00:03:00Z",
    "count": 3,
    "executionId": None,
    "text": "no row tells of these 3 instants",
}


def report(*findings: dict[str, Any], **counts: int) -> dict[str, Any]:
    return {
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-02T00:00:00Z",
        "leftOutFrom": None,
        "clean": not findings,
        "jobCount": 1,
        "owedCount": 10,
        "rowCount": 7,
        "aheadCount": 0,
        "counts": {**COUNTS, **counts},
        "findings": list(findings),
    }


def verify(api: FakeApi, *words: str) -> int:
    return main(["verify", "ledger", "--url", api.url, "--token", "t", *words])


def test_clean_ledger_exits_with_0(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/ledger/verify", report())
    assert verify(api, "--from", "2026-01-01", "--to", "2026-01-02T01:00:00+01:00", "--job", JOB_ID) == 0
    assert "nothing" in capsys.readouterr().out
    query = api.asked[0].path.partition("?")[2]
    assert query == f"from=2026-01-01T00%3A00%3A00%2B00%3A00&to=2026-01-02T00%3A00%3A00%2B00%3A00&jobId={JOB_ID}"


def test_findings_exit_with_1_and_are_shown(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/ledger/verify", report(FINDING, missing=3))
    assert verify(api) == 1
    shown = capsys.readouterr().out
    assert "3 missing" in shown
    assert f"missing     2026-01-01T00:01:00Z to 2026-01-01T00:03:00Z  job {JOB_ID}: no row tells" in shown


def test_many_findings_are_cut_short_and_all_in_json(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/ledger/verify", report(*[FINDING] * 30, missing=90))
    assert verify(api) == 1
    assert "--json shows 30" in capsys.readouterr().out
    assert verify(api, "--json") == 1
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 30


@pytest.mark.parametrize("words", [["--tenant", "x"], ["--from", "2026-01-02", "--to", "2026-01-01"], ["--from", "x"]])
def test_question_that_cannot_be_asked_exits_with_2(api: FakeApi, words: list[str]) -> None:
    assert verify(api, *words) == 2
    assert api.asked == []


def test_refusal_exits_with_1_and_silence_with_3(api: FakeApi) -> None:
    api.refuse("GET", "/ledger/verify", 422, "LEDGER_WINDOW_TOO_LARGE")
    assert verify(api) == 1
    assert main(["verify", "ledger", "--url", "http://127.0.0.1:1"]) == 3
