"""`horolog apply` and `horolog export` as commands: what is asked, said, and exited with."""

import json
from pathlib import Path
from typing import Any

import pytest

from horolog.cli.__main__ import main
from tests.unit.cli.applying.definitions import body
from tests.unit.cli.fake_api import JOB_ID, FakeApi, job


def _file(tmp_path: Path, *entries: dict[str, Any], name: str = "jobs.yaml") -> str:
    path = tmp_path / name
    path.write_text(json.dumps({"jobs": entries}), encoding="utf-8")
    return str(path)


def _there(api: FakeApi, *jobs: dict[str, Any]) -> None:
    api.tell("GET", "/jobs", {"items": jobs, "nextCursor": None})


def _changes(api: FakeApi) -> list[str]:
    return [asked.method for asked in api.asked if asked.method != "GET"]


def test_a_dry_run_changes_nothing_and_exits_with_2(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _there(api, job(tags=[]))
    entry = {**job_entry(), "priority": 3}
    assert main(["apply", "-f", _file(tmp_path, entry), "--dry-run", "--diff", "--url", api.url]) == 2
    out = capsys.readouterr().out
    assert "~ change disk" in out
    assert "    ~ priority: 0 → 3" in out
    assert "1 to change, 0 unchanged." in out
    assert _changes(api) == []


def job_entry() -> dict[str, Any]:
    """The fake's job as a file would have it."""
    return body(config={"url": "https://example.org", "method": "GET"})


def test_what_is_as_the_file_says_is_left_alone_and_told(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _there(api, job(tags=[]))
    assert main(["apply", "-f", _file(tmp_path, job_entry()), "--url", api.url]) == 0
    assert capsys.readouterr().out == "Nothing to do: the one job is as the files say.\n"
    assert main(["apply", "-f", _file(tmp_path, job_entry()), "--dry-run", "--url", api.url]) == 0
    assert _changes(api) == []


def test_differences_are_carried_out_and_told(api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _there(api, job(tags=[]))
    api.tell("POST", "/jobs", job(id="6f1c1f7e-0000-4000-8000-000000000009", name="new"), 201)
    api.refuse("PUT", f"/jobs/{JOB_ID}", 412, "VERSION_CONFLICT")
    file = _file(tmp_path, {**job_entry(), "priority": 3}, body(name="new"))
    assert main(["apply", "-f", file, "--json", "--url", api.url]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["summary"] == "1 conflict, 1 created."
    assert [(step["name"], step["result"]) for step in told["steps"]] == [("disk", "conflict"), ("new", "created")]


def test_nothing_is_asked_while_a_file_has_problems(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _file(tmp_path, {**body(), "colour": "red"})
    assert main(["apply", "-f", file, "--url", api.url]) == 1
    err = capsys.readouterr().err
    assert "INVALID_FILE" in err
    assert f"{file}:1: 'disk': colour:" in err
    assert api.asked == []


def test_pruning_needs_a_set_and_a_yes(api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _there(api, job(tags=["applied:ours"]))
    api.tell("DELETE", f"/jobs/{JOB_ID}", None, 204)
    words = ["apply", "-f", _file(tmp_path), "--prune", "--url", api.url, "--json"]
    assert main(words) == 2
    assert main([*words, "--set", "Ours"]) == 2
    assert main([*words, "--set", "ours"]) == 2
    assert "Give --yes" in capsys.readouterr().err
    assert _changes(api) == []
    assert main([*words, "--set", "ours", "--yes"]) == 0
    assert _changes(api) == ["DELETE"]


def test_a_folder_is_read_file_by_file(api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "jobs"
    (folder / "inner").mkdir(parents=True)
    _file(folder, body(name="a"), name="one.yml")
    _file(folder / "inner", body(name="b"), name="two.json")
    (folder / "README.md").write_text("no jobs")
    (folder / ".hidden.yaml").write_text("no: jobs")
    _there(api)
    assert main(["apply", "-f", str(folder), "--dry-run", "--json", "--url", api.url]) == 2
    assert [step["name"] for step in json.loads(capsys.readouterr().out)["steps"]] == ["b", "a"]
    assert main(["apply", "-f", str(tmp_path / "missing"), "--url", api.url]) == 2


def test_an_export_is_written_and_what_it_lacks_told(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _there(api, job(status="paused"))
    target = tmp_path / "out.yaml"
    assert main(["export", "-o", str(target), "--tag", "a", "--url", api.url]) == 0
    assert "  - name: disk\n" in target.read_text(encoding="utf-8")
    captured = capsys.readouterr()
    assert (captured.out, "is paused" in captured.err) == ("", True)
    assert "tag=a" in api.asked[0].path
    assert main(["export", "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out)["jobs"][0]["name"] == "disk"


def test_an_export_takes_the_jobs_that_are_named(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", f"/jobs/{JOB_ID}", job())
    assert main(["export", "--job", JOB_ID, "--annotate", "--url", api.url]) == 0
    assert f"# id {JOB_ID}, version 4, active" in capsys.readouterr().out
