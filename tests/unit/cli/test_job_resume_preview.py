"""`horolog job resume --preview` tells what would happen, and changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.fake_api import BASE, JOB_ID, FakeApi

PLACE = f"/jobs/{JOB_ID}/resume-preview"
NOTHING: dict[str, Any] = {
    "inForceFrom": "2026-03-29T12:00:00Z",
    "instantCount": 0,
    "missedCount": 0,
    "missedFrom": None,
    "missedUntil": None,
    "lateCount": 0,
    "lateUntil": None,
    "rate": None,
    "promptCount": 0,
    "late": [],
}
CAUGHT_UP = {
    **NOTHING,
    "inForceFrom": "2026-03-25T12:00:00Z",
    "instantCount": 6,
    "missedCount": 2,
    "missedFrom": "2026-03-26T01:00:00Z",
    "missedUntil": "2026-03-27T01:00:00Z",
    "lateCount": 3,
    "lateUntil": "2026-03-29T12:00:04Z",
    "rate": 0.5,
    "promptCount": 1,
    "late": [{"at": "2026-03-29T01:00:00Z", "localTime": "2026-03-29T03:00:00+02:00", "dst": "gap-shifted"}],
}
TOLD = {"status": "paused", "runsLeft": 2, "withoutCatchUp": NOTHING, "withCatchUp": CAUGHT_UP}


def test_preview_tells_both_ways_and_sends_nothing(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", PLACE, TOLD)
    assert main(["job", "resume", JOB_ID, "--preview", "--url", api.url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "resume             in force from 2026-03-29T12:00:00Z; nothing before it fires",
        "resume --catch-up  in force from 2026-03-25T12:00:00Z; 6 instants until now",
        "  missed     2, from 2026-03-26T01:00:00Z to 2026-03-27T01:00:00Z",
        "  fire late  3 at 0.5 a second, the last not before 2026-03-29T12:00:04Z",
        "    2026-03-29T01:00:00Z  2026-03-29T03:00:00+02:00  gap-shifted",
        "    and 2 more",
        "  fire now   1, those of the last minute",
        "  maxExecutions allows 2 more runs",
    ]
    assert [(asked.method, asked.path) for asked in api.asked] == [("GET", BASE + PLACE)]


def test_preview_as_json_is_the_answer_itself(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", PLACE, TOLD)
    assert main(["job", "resume", JOB_ID, "--preview", "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out) == TOLD


def test_active_job_is_said_to_be_active(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", PLACE, {**TOLD, "status": "active", "withoutCatchUp": None, "withCatchUp": None})
    assert main(["job", "resume", JOB_ID, "--preview", "--url", api.url]) == 0
    assert capsys.readouterr().out == "The job is active: a resume changes nothing.\n"


def test_file_is_judged_as_strictly_as_the_api_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"url": "https://example.org", "method": "GET", "timeout": "5"}
    body = {"name": "a", "cronExpression": "* * * * *", "jobType": "http", "config": config, "max_concurrent": 1}
    (tmp_path / "job.json").write_text(json.dumps(body))
    assert main(["job", "validate", "--file", str(tmp_path / "job.json"), "--json"]) == 1
    fields = [problem["field"] for problem in json.loads(capsys.readouterr().out)["problems"]]
    assert fields == ["config.timeout", "max_concurrent"]
