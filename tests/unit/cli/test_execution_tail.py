"""`horolog exec tail ID` follows one execution to its end, and writes what it prints once, as it comes."""

import json
from typing import Any

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.fake_api import BASE, FakeApi, execution
from tests.unit.cli.test_event_commands import FAILED, ID
from tests.unit.client.test_following import AT, STREAM, Told, stream

OUTPUT = f"{BASE}/executions/{ID}/output/stream"
ENDED: Told = ("end", None, {"code": "EXECUTION_ENDED", "message": "That was all."})
STARTED: Told = (
    "attempt.started",
    "s",
    {"type": "attempt.started", "at": AT, "executionId": ID, "status": "running", "attempt": 1},
)
FAILS: Told = ("execution.failed", "f", FAILED)


def ran(status: str, **fields: Any) -> dict[str, Any]:
    """An execution as it is answered alone."""
    return execution(1, status, **{"completedAt": AT, "errorCode": None, "result": None, "metadata": None, **fields})


def printed(text: str, offset: int, stream_: str = "stdout", attempt: int = 2) -> Told:
    """A piece of output."""
    body = {"type": "output", "at": AT, "executionId": ID, "attempt": attempt, "stream": stream_, "offset": offset}
    return "output", f"id-{stream_}-{offset}", {**body, "text": text, "truncated": False, "new": 1}


def runs(api: FakeApi, *told: Told, **ended: Any) -> None:
    """Let the execution run, be told of so, and have failed then."""
    api.tell("GET", f"/executions/{ID}", ran("running", attempt=2))
    api.tell("GET", OUTPUT, stream(*told), 200, **STREAM)
    api.tell("GET", f"/executions/{ID}", ran("failed", attempt=2, **ended))


def test_an_execution_is_followed_to_its_end(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    runs(api, STARTED, printed("a\nb\x07", 0), printed("oh\n", 0, "stderr"), printed("\n", 3), FAILS, ENDED)
    assert main(["exec", "tail", ID, "--url", api.url]) == 1
    told = capsys.readouterr()
    assert told.out == "a\nb\\x07\n"
    lines = told.err.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("20")] == [
        *("running", "attempt.started", "execution.failed", "failed"),
    ]
    assert [line for line in lines if not line.startswith("20")] == ["oh"]


def test_what_was_written_already_is_not_written_again_at_the_end(
    api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(api, printed("häh", 0), FAILS, result={"stdout": "häh?\nyes\n", "stderr": "oh", "exitCode": 1})
    assert main(["exec", "tail", ID, "--url", api.url]) == 1
    told = capsys.readouterr()
    assert told.out == "häh?\nyes\n"
    assert told.err.endswith("\noh\n")


def test_a_gap_is_told_and_a_new_attempt_begins_anew(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    first = printed("first\n", 0, attempt=1)
    runs(api, first, printed("one\n", 0), printed("ten\n", 40), FAILS, ENDED, result={"stdout": "x" * 44})
    assert main(["exec", "tail", ID, "--url", api.url]) == 1
    told = capsys.readouterr()
    assert told.out == "first\none\nten\n"
    assert "36 bytes of stdout were not told while it went on" in told.err


def test_what_breaks_off_is_gone_on_with(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", OUTPUT, stream(printed("one\n", 0)), 200, **STREAM)
    runs(api, printed("two\n", 4), FAILS, ENDED)
    assert main(["exec", "tail", ID, "--url", api.url]) == 1
    assert capsys.readouterr().out == "one\ntwo\n"
    streams = [asked for asked in api.asked if asked.path == OUTPUT]
    assert [asked.headers.get("last-event-id") for asked in streams] == [None, "id-stdout-0"]


def test_in_json_each_piece_is_a_document_and_the_execution_the_last(
    api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(api, printed("one\n", 0), FAILS, ENDED)
    assert main(["exec", "tail", ID, "--json", "--url", api.url]) == 1
    told = capsys.readouterr()
    documents = [json.loads(line) for line in told.out.splitlines()]
    assert [one.get("text") for one in documents] == ["one\n", None, None]
    assert (documents[1]["type"], documents[2]["status"], told.err) == ("execution.failed", "failed", "")


def test_an_execution_that_has_ended_is_told_at_once(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", f"/executions/{ID}", ran("completed", result={"answer": 42}))
    assert main(["exec", "tail", ID, "--url", api.url]) == 0
    assert capsys.readouterr().out == '{"answer": 42}\n'
    assert main(["exec", "tail", ID, "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "completed"
    assert [asked.path for asked in api.asked] == [f"{BASE}/executions/{ID}"] * 2
