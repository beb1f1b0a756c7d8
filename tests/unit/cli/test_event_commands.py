"""`horolog events` tells what happens, and `horolog exec tail ID` follows one execution to its end."""

import json
from typing import Any

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


def ran(status: str, **fields: Any) -> dict[str, Any]:
    """An execution as it is answered alone."""
    return execution(1, status, **{"completedAt": AT, "errorCode": None, "result": None, "metadata": None, **fields})


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


def test_an_execution_is_followed_to_its_end(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    started = {"type": "attempt.started", "at": AT, "executionId": ID, "status": "running", "attempt": 1}
    tell(api, stream(CAUGHT_UP, opening="here"))
    tell(api, stream(("attempt.started", "a", started), ("execution.failed", "b", FAILED)))
    api.tell("GET", f"/executions/{ID}", ran("pending", attempt=0))
    api.tell("GET", f"/executions/{ID}", ran("failed", result={"stdout": "a\nb\x07\n", "stderr": "oh\n"}))
    assert main(["exec", "tail", ID, "--url", api.url]) == 1
    told = capsys.readouterr()
    assert told.out == "a\nb\\x07\n"
    lines = told.err.splitlines()
    assert [line.split()[1] for line in lines[:4]] == ["pending", "attempt.started", "execution.failed", "failed"]
    assert lines[4:] == ["oh"]
    streams = [asked for asked in api.asked if asked.path.startswith(PATH)]
    assert [asked.headers.get("last-event-id") for asked in streams] == [None, "here"]
    assert "follow=false" in streams[0].path
    assert all(f"executionId={ID}" in asked.path for asked in streams)


def test_an_execution_that_has_ended_is_told_at_once(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    tell(api, stream(CAUGHT_UP))
    api.tell("GET", f"/executions/{ID}", ran("completed", result={"answer": 42}))
    assert main(["exec", "tail", ID, "--url", api.url]) == 0
    assert capsys.readouterr().out == '{"answer": 42}\n'
    assert main(["exec", "tail", ID, "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "completed"
