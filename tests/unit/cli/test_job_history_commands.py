"""`horolog job fires`, `versions`, `rollback` and `get --as-of` ask the API for the right thing."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.fake_api import JOB_ID, FakeApi, job

PLACE = f"/jobs/{JOB_ID}"


def fire(minute: int, **fields: Any) -> dict[str, Any]:
    at = f"2026-03-29T01:{minute:02d}:00Z"
    return {"at": at, "localTime": f"2026-03-29T03:{minute:02d}:00+02:00", "dst": None, "active": True, **fields}


def asked(api: FakeApi, number: int = -1) -> dict[str, list[str]]:
    return parse_qs(urlsplit(api.asked[number].path).query)


def test_fires_are_read_page_by_page_up_to_the_limit(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", f"{PLACE}/fires", {"items": [fire(0), fire(1)], "nextFrom": "2026-03-29T01:02:00Z"})
    api.tell("GET", f"{PLACE}/fires", {"items": [fire(2)], "nextFrom": "2026-03-29T01:03:00Z"})
    words = ["--from", "2026-03-29T00:00:00Z", "--limit", "3", "--json"]
    assert main(["job", "fires", JOB_ID, *words, "--url", api.url]) == 0
    assert [item["at"][14:16] for item in json.loads(capsys.readouterr().out)["items"]] == ["00", "01", "02"]
    assert asked(api, 0) == {"from": ["2026-03-29T00:00:00Z"], "limit": ["3"]}
    assert asked(api, 1) == {"from": ["2026-03-29T01:02:00Z"], "limit": ["1"]}


def test_a_fire_is_a_line_that_says_what_is_special(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    items = [fire(0, dst="gap-shifted"), fire(1, active=False)]
    api.tell("GET", f"{PLACE}/fires", {"items": items, "nextFrom": None})
    assert main(["job", "fires", JOB_ID, "--url", api.url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-03-29T01:00:00Z  2026-03-29T03:00:00+02:00  gap-shifted",
        "2026-03-29T01:01:00Z  2026-03-29T03:01:00+02:00  only if it were resumed now",
    ]


def test_versions_are_shown_with_what_they_changed(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    version = {
        "version": 2,
        "at": "2026-03-29T01:00:00Z",
        "change": "updated",
        "status": "active",
        "actor": "user:1",
        "reason": "later",
        "diff": [{"path": "/timeout", "before": 1, "after": 2}, {"path": "/description", "before": None, "after": "x"}],
    }
    api.tell("GET", f"{PLACE}/versions", {"items": [version], "nextCursor": None})
    assert main(["job", "versions", JOB_ID, "--url", api.url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "   2  2026-03-29T01:00:00Z  updated  active  user:1  later",
        "      /timeout: 1 → 2",
        "      /description: nothing → x",
    ]
    assert main(["job", "versions", JOB_ID, "--url", api.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"items": [version]}


def test_a_rollback_names_the_version_and_the_reason(api: FakeApi) -> None:
    api.tell("POST", f"{PLACE}/rollback", job(version=5))
    assert main(["job", "rollback", JOB_ID, "--to", "3", "--reason", "wrong", "--url", api.url]) == 0
    assert api.asked[-1].body == {"toVersion": 3, "reason": "wrong"}
    assert main(["job", "rollback", JOB_ID, "--url", api.url]) == 2


def test_a_job_is_asked_for_as_it_was(api: FakeApi) -> None:
    api.tell("GET", PLACE, job())
    assert main(["job", "get", JOB_ID, "--as-of", "2026-01-01T00:00:00Z", "--url", api.url]) == 0
    assert asked(api) == {"asOf": ["2026-01-01T00:00:00Z"]}
    assert main(["job", "get", JOB_ID, "--url", api.url]) == 0
    assert asked(api) == {}
