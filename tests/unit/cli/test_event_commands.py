"""`horolog events` tells what happens, a line each, and where to go on."""

import json

import pytest

from horolog.cli.__main__ import main
from horolog.client.following import PATH
from tests.unit.cli.fake_api import FakeApi, execution, job
from tests.unit.client.test_following import AT, CAUGHT_UP, stream, tell

ID = execution(1)["id"]
FAILED = {
    "type": "execution.failed",
    "at": AT,
    "executionId": ID,
    "status": "failed",
    "attempt": 2,
    "failure": {"type": "USER_ERROR", "code": "EXIT_STATUS", "message": "it\x1b[2Jexited"},
}


def test_events_are_told_a_line_each_and_where_to_go_on(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    tell(api, stream(("execution.failed", "id-1", FAILED), CAUGHT_UP))
    words = ["--types", "execution.failed, job", "--job", job()["id"], "--since-id", "id-0"]
    assert main(["events", *words, "--url", api.url]) == 0
    told = capsys.readouterr()
    assert told.out == (
        f"2026-03-01T12:00:00+00:00  {'execution.failed':<24}  failed  {ID}  attempt 2  EXIT_STATUS: it\\x1b[2Jexited\n"
    )
    assert told.err == "go on with --since-id id-1\n"
    assert "types=execution.failed%2Cjob" in api.asked[0].path
    assert api.asked[0].headers["last-event-id"] == "id-0"


def test_events_in_json_are_one_document_a_line(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    tell(api, stream(("execution.failed", "id-1", FAILED), CAUGHT_UP))
    assert main(["events", "--follow", "--json", "--url", api.url]) == 0
    told = capsys.readouterr()
    assert (json.loads(told.out), told.err) == ({"id": "id-1", **FAILED}, "")
    assert "follow" not in api.asked[0].path


def test_an_id_that_is_too_old_says_what_to_do(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.refuse("GET", PATH, 410, "EVENTS_GONE")
    assert main(["events", "--since-id", "x", "--url", api.url]) == 1
    assert "Leave --since-id out" in capsys.readouterr().err
