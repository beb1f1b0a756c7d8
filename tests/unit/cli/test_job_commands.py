"""`horolog job` asks the API for the right thing."""

import json
from pathlib import Path
from typing import Any

import pytest

from horolog.cli.__main__ import main
from horolog.cli.job_flags import merged
from tests.unit.cli.fake_api import BASE, JOB_ID, FakeApi, job

WHEN = ["--name", "disk", "--cron", "0 * * * * *"]


def _created(api: FakeApi, *words: str) -> Any:
    api.tell("POST", "/jobs", job(), 201)
    assert main(["job", "create", *words, "--url", api.url, "--json"]) == 0
    return api.asked[-1].body


def test_a_command_is_taken_from_behind_the_dashes(api: FakeApi) -> None:
    api.tell("POST", "/jobs", job(), 201)
    assert main(["job", "create", *WHEN, "--url", api.url, "--", "df", "-h", "--json"]) == 0
    assert api.asked[0].body == {
        "name": "disk",
        "cronExpression": "0 * * * * *",
        "jobType": "command",
        "config": {"command": "df", "args": ["-h", "--json"]},
    }


def test_a_command_in_one_word_is_split_as_a_shell_would(api: FakeApi) -> None:
    body = _created(api, *WHEN, "--command", "echo 'a b' c", "--tz", "Europe/Berlin")
    assert body["config"] == {"command": "echo", "args": ["a b", "c"]}
    assert body["timezone"] == "Europe/Berlin"


def test_a_request_with_everything(api: FakeApi) -> None:
    words = ["--http", "https://x.org", "--header", "X-A: b:c", "--body", '{"a": 1}', "--expect", "202"]
    rules = ["--retry", "3", "--retry-delay", "500ms", "--retry-delay-max", "1m", "--no-retry-backoff"]
    body = _created(api, *WHEN, *words, *rules, "--retry-on", "TIMEOUT", "--timeout", "2m", "--tag", "a", "--tag", "b")
    assert body["config"] == {
        "url": "https://x.org",
        "method": "POST",
        "headers": {"X-A": "b:c"},
        "body": {"a": 1},
        "expectedStatusCode": 202,
    }
    assert body["retryConfig"] == {
        "maxRetries": 3,
        "retryDelayMs": 500,
        "maxRetryDelayMs": 60_000,
        "exponentialBackoff": False,
        "retryOnErrorTypes": ["TIMEOUT"],
    }
    assert (body["timeout"], body["tags"]) == (120, ["a", "b"])


def test_a_function_with_parameters(api: FakeApi) -> None:
    body = _created(api, *WHEN, "--function", "pkg.mod:run", "--param", "n=5", "--param", "text=a=b")
    assert body["jobType"] == "function"
    assert body["config"] == {"modulePath": "pkg.mod", "functionName": "run", "parameters": {"n": 5, "text": "a=b"}}


def test_a_dotted_name_is_that_of_a_registered_function_and_a_place_is_none(api: FakeApi) -> None:
    config = _created(api, *WHEN, "--function", "billing.eu.close_month")["config"]
    assert config == {"modulePath": "billing.eu", "functionName": "close_month", "registered": True}
    place = {"modulePath": "pkg", "functionName": "run"}
    body = {"jobType": "function", "config": {**config, "parameters": {"n": 1}}}
    assert merged(body, {"jobType": "function", "config": place})["config"] == {**place, "parameters": {"n": 1}}


def test_options_go_on_top_of_a_file(api: FakeApi, tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    file.write_text(json.dumps({"name": "a", "cronExpression": "@daily", "jobType": "command", "config": {}}))
    body = _created(api, "--file", str(file), "--name", "b")
    assert body == {"name": "b", "cronExpression": "@daily", "jobType": "command", "config": {}}


@pytest.mark.parametrize(
    "words",
    [
        [],
        WHEN,
        [*WHEN, "--http", "http://x", "--command", "df"],
        [*WHEN, "--command", ""],
        [*WHEN, "--command", "'open"],
        [*WHEN, "--function", "no-colon"],
        [*WHEN, "--http", "http://x", "--header", "none"],
        [*WHEN, "--file", "/does/not/exist"],
        [*WHEN, "--command", "df", "--timeout", "soon"],
        [*WHEN, "--command", "df", "--priority", "high"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_fit_exit_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["job", "create", *words, "--url", "http://127.0.0.1:1", "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "USAGE"


def test_update_changes_only_what_was_given_and_only_that_version(api: FakeApi) -> None:
    api.tell("GET", f"/jobs/{JOB_ID}", job(), ETag='"4"')
    api.tell("PUT", f"/jobs/{JOB_ID}", job(version=5))
    assert main(["job", "update", JOB_ID, "--cron", "@hourly", "--method", "POST", "--url", api.url]) == 0
    put = api.asked[-1]
    assert put.headers["if-match"] == '"4"'
    assert put.body == {
        "name": "disk",
        "cronExpression": "@hourly",
        "timezone": "UTC",
        "jobType": "http",
        "config": {"url": "https://example.org", "method": "POST", "timeout": 30_000},
        "timeout": 300,
        "priority": 0,
        "maxConcurrent": 1,
        "tags": ["a"],
    }


def test_a_new_job_type_replaces_the_config() -> None:
    changed = merged(job(), {"jobType": "command", "config": {"command": "df"}})
    assert changed["config"] == {"command": "df"}


@pytest.mark.parametrize("action", ["pause", "resume", "stop", "trigger"])
def test_a_job_may_be_called_by_its_name(api: FakeApi, action: str) -> None:
    api.tell("GET", "/jobs", {"items": [job(name="disk usage", id="x"), job()], "nextCursor": None})
    api.tell("POST", f"/jobs/{JOB_ID}/{action}", job())
    assert main(["job", action, "disk", "--reason", "why", "--url", api.url]) == 0
    asked = api.asked[-1]
    assert (asked.method, asked.path, asked.body) == ("POST", f"{BASE}/jobs/{JOB_ID}/{action}", {"reason": "why"})


def test_a_name_of_none_or_several_jobs_is_refused(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("GET", "/jobs", {"items": [], "nextCursor": None})
    api.tell("GET", "/jobs", {"items": [job(), job(id="other")], "nextCursor": None})
    assert main(["job", "get", "disk", "--url", api.url]) == 1
    assert "JOB_NOT_FOUND" in capsys.readouterr().err
    assert main(["job", "get", "disk", "--url", api.url]) == 2
    assert "other" in capsys.readouterr().err


def test_delete_asks_first_or_not(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.tell("DELETE", f"/jobs/{JOB_ID}", b"", 204)
    assert main(["job", "delete", JOB_ID, "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out) == {"id": JOB_ID, "deleted": True}
    assert main(["job", "delete", JOB_ID, "--yes", "--url", api.url]) == 0


def test_a_list_is_a_table_for_people_and_json_for_machines(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = job(name="evil\x1b[31m\nname [bold]")
    api.tell("GET", "/jobs", {"items": [hostile], "nextCursor": None})
    assert main(["job", "list", "--status", "active", "--url", api.url]) == 0
    text = capsys.readouterr().out
    assert "evil\\x1b[31m\\nname [bold]" in text
    assert "\x1b" not in text
    assert main(["job", "list", "--json", "--url", api.url]) == 0
    assert json.loads(capsys.readouterr().out) == {"items": [hostile]}
    assert "status=active" in api.asked[0].path


def test_a_file_is_judged_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "job.json"
    good = {"name": "a", "cronExpression": "@daily", "jobType": "command", "config": {"command": "df"}}
    file.write_text(json.dumps(good))
    assert main(["job", "validate", "--file", str(file), "--json"]) == 0
    file.write_text(json.dumps({**good, "cronExpression": "0 99 * * * *", "timezone": "Mars", "nonsense": 1}))
    capsys.readouterr()
    assert main(["job", "validate", "--file", str(file), "--json"]) == 1
    fields = [problem["field"] for problem in json.loads(capsys.readouterr().out)["problems"]]
    assert fields == ["cronExpression", "timezone", "nonsense"]


def test_an_existing_job_is_judged_by_the_api(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    problems = [{"field": "config.url", "message": "is not allowed"}]
    api.tell("POST", f"/jobs/{JOB_ID}/validate", {"valid": False, "problems": problems, "nextExecutions": []})
    assert main(["job", "validate", JOB_ID, "--url", api.url]) == 1
    assert "config.url: is not allowed" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "sent"), [("0s", 0), ("1ms", 1), ("900ms", 1), ("2.6s", 3)])
def test_a_duration_of_nothing_is_sent_as_it_is_and_others_as_whole_seconds(
    api: FakeApi, given: str, sent: int
) -> None:
    body = _created(api, *WHEN, "--command", "df", "--misfire-age", given, "--timeout", given)
    assert (body["misfire"]["maxAge"], body["timeout"]) == (sent, sent)


@pytest.mark.parametrize("words", [["--misfire-rate", "nan"], ["--misfire-rate", "inf"], ["--param", "x=1e999"]])
def test_a_number_that_json_lacks_is_wrong_use(
    api: FakeApi, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["job", "create", *WHEN, "--function", "a:b", *words, "--url", api.url]) == 2
    assert "JSON knows neither" in capsys.readouterr().err
    assert api.asked == []
