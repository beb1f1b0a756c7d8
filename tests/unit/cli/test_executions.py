"""`horolog exec` lists, shows, cancels and follows executions."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from horolog.cli.__main__ import main
from horolog.cli.tail import FOLLOWED_COUNT_MAX, Tail
from tests.unit.cli.fake_api import FakeApi, execution, job


class Ledger:
    """A source of executions in memory, newest first, in pages of two."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        self.asked.append(path)
        if path != "/executions":
            return next(row for row in self.rows if path.endswith(row["id"]))
        start = int((query or {}).get("cursor") or 0)
        newest = self.rows[::-1]
        more = start + 2 < len(newest)
        return {"items": newest[start : start + 2], "nextCursor": str(start + 2) if more else None}


def _statuses(tail: Tail) -> list[tuple[str, str]]:
    return [(item["id"][-2:], item["status"]) for item in tail.look()]


def test_a_tail_shows_what_is_new_oldest_first_and_once() -> None:
    ledger = Ledger()
    ledger.rows = [execution(1)]
    tail = Tail(ledger, {})
    assert tail.look(quiet=True) == []
    ledger.rows += [execution(number) for number in range(2, 8)]
    assert _statuses(tail) == [(f"0{number}", "completed") for number in range(2, 8)]
    assert _statuses(tail) == []


def test_a_tail_shows_every_change_of_an_execution() -> None:
    ledger = Ledger()
    tail = Tail(ledger, {})
    ledger.rows = [execution(1, "running")]
    assert _statuses(tail) == [("01", "running")]
    ledger.rows = [execution(1, "running", progress=50)]
    assert _statuses(tail) == [("01", "running")]
    ledger.rows = [execution(1, "completed", progress=100)]
    assert _statuses(tail) == [("01", "completed")]


def test_the_end_of_an_execution_that_newer_ones_have_pushed_down_is_not_overlooked() -> None:
    ledger = Ledger()
    ledger.rows = [execution(1, "running")]
    tail = Tail(ledger, {})
    tail.look(quiet=True)
    ledger.rows += [execution(number) for number in range(2, 6)]
    tail.look()
    ledger.rows[0] = execution(1, "failed")
    assert _statuses(tail) == [("01", "failed")]
    ledger.asked.clear()
    assert _statuses(tail) == []
    assert ledger.asked == ["/executions"]


def test_a_tail_follows_a_bounded_number_of_open_executions() -> None:
    ledger = Ledger()
    tail = Tail(ledger, {})
    for start in range(0, FOLLOWED_COUNT_MAX + 40, 20):
        ledger.rows = [execution(start + number, "pending") for number in range(20)]
        tail._newest(1)
        for row in ledger.rows:
            tail._note(row)
    assert len(tail._open) == FOLLOWED_COUNT_MAX


def test_tail_stops_by_itself_and_prints_a_line_a_change(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/executions", {"items": [], "nextCursor": None})
    api.tell("GET", "/executions", {"items": [execution(1)], "nextCursor": None})
    api.tell("GET", "/jobs", {"items": [job()], "nextCursor": None})
    assert main(["exec", "tail", "--for", "250ms", "--every", "100ms", "--url", api.url]) == 0
    line = f"2026-01-01T00:00:01Z  completed  disk  {execution(1)['id']}  12 ms\n"
    assert capsys.readouterr().out == line


def test_tail_in_json_is_one_document_a_line(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/executions", {"items": [], "nextCursor": None})
    api.tell("GET", "/executions", {"items": [execution(2), execution(1)], "nextCursor": None})
    assert main(["exec", "tail", "--for", "150ms", "--every", "100ms", "--json", "--url", api.url]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [execution(1), execution(2)]


def test_list_passes_its_filters_on(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/executions", {"items": [execution(1)], "nextCursor": None})
    words = ["--status", "failed", "--job", "j", "--from", "2026-01-01T00:00:00Z", "--limit", "7"]
    assert main(["exec", "list", *words, "--url", api.url]) == 0
    assert api.asked[0].path.endswith("?jobId=j&status=failed&from=2026-01-01T00%3A00%3A00Z&limit=7")
    assert execution(1)["id"] in capsys.readouterr().out


def test_get_and_cancel(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    name = execution(1)["id"]
    api.tell("GET", f"/executions/{name}", execution(1, result={"stdout": "a"}))
    api.tell("POST", f"/executions/{name}/cancel", execution(1, "cancelled"))
    assert main(["exec", "get", name, "--url", api.url]) == 0
    assert '{"stdout": "a"}' in capsys.readouterr().out
    assert main(["exec", "cancel", name, "--reason", "wrong", "--url", api.url, "--json"]) == 0
    assert api.asked[-1].body == {"reason": "wrong"}
    assert json.loads(capsys.readouterr().out)["status"] == "cancelled"
