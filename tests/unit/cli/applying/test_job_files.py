"""Files want good jobs with names of their own, or everything wrong with them is named with its line."""

import json
from typing import Any

from horolog.cli.applying.job_files import SecretRule, Source, read_jobs
from tests.unit.cli.applying.definitions import body, job_id

TWO = """jobs:
  - name: first
    cronExpression: "0 * * * * *"
    jobType: http
    config: {url: "https://example.org/", method: GET}
  - name: second
    cronExpression: "@daily"
    jobType: command
    config:
      command: df
"""


def _problems(*texts: str, secrets: SecretRule = "refuse") -> list[str]:
    found = read_jobs([Source(f"{number}.yaml", text) for number, text in enumerate(texts)], secrets)
    return list(found.problems)


def _of(*entries: Any) -> str:
    return json.dumps(entries)


def test_jobs_are_read_in_their_order_with_their_places() -> None:
    found = read_jobs([Source("a.yaml", TWO), Source("b.json", _of(body()))])
    assert found.problems == ()
    assert [(job.place, job.name) for job in found.jobs] == [
        ("a.yaml:2", "first"), ("a.yaml:6", "second"), ("b.json:1", "disk"),
    ]  # fmt: skip


def test_everything_wrong_is_told_with_its_line() -> None:
    text = TWO.replace("jobType: http", "jobtype: http").replace('"@daily"', '"61 * * * *"')
    assert [problem.partition(": ")[0] for problem in _problems(text)] == ["0.yaml:2", "0.yaml:4", "0.yaml:7"]
    assert "'second': cronExpression: minute: 61" in _problems(text)[-1]


def test_types_are_not_converted() -> None:
    (problem,) = _problems(_of(body(timeout="300")))
    assert "timeout" in problem
    (problem,) = _problems(TWO.replace("name: first", "name: 12"))
    assert problem.startswith("0.yaml:2: name:")


def test_what_is_no_list_of_jobs_is_refused() -> None:
    assert "list of jobs" in _problems("just text")[0]
    assert "`jobs:`" in _problems("jobs: 7")[0]
    assert "`jobs:`" in _problems("name: disk")[0]
    extra = _problems(TWO.replace("@daily", "@sometimes") + "extra: 1\n")
    assert extra[0].startswith("0.yaml:11: 'extra' is not known")
    assert extra[1].startswith("0.yaml:7: 'second': cronExpression:")
    assert "mapping" in _problems("[7]")[0]
    assert _problems("# nothing\n") == []


def test_a_name_stands_once_in_all_files() -> None:
    (problem,) = _problems(TWO, TWO.replace("first", "third"))
    assert problem.startswith("1.yaml:6: the name 'second' is at 0.yaml:6 already")


def test_ids_tell_two_jobs_of_one_name_apart() -> None:
    assert _problems(_of({"id": job_id(1), **body()}, {"id": job_id(2), **body()})) == []
    assert "the id" in _problems(_of({"id": job_id(1), **body()}, {"id": job_id(1), **body(name="x")}))[0]
    assert "the name" in _problems(_of({"id": job_id(1), **body()}, body()))[0]
    assert "id: must be" in _problems(_of({"id": "7", **body()}))[0]
    assert "id: must be" in _problems(_of({"id": None, **body()}))[0]


def test_the_tags_of_apply_are_its_own() -> None:
    assert "--set gives them" in _problems(_of(body(tags=["applied:x"])))[0]


def test_secret_values_are_refused_by_the_name_of_their_field_and_never_shown() -> None:
    config = {"command": "df", "environment": {"PASSWORD": "hunter2", "TOKEN": "secret://token", "EMPTY": ""}}
    text = _of(body(jobType="command", config=config))
    (problem,) = _problems(text)
    assert "config.environment.PASSWORD: is kept secret" in problem
    assert "hunter2" not in problem
    assert _problems(text, secrets="keep") == []
    config["environment"] = {"PASSWORD": "[erased]"}
    assert "was erased" in _problems(_of(body(jobType="command", config=config)), secrets="keep")[0]


def test_an_address_with_a_password_is_refused_and_not_shown() -> None:
    config = {"url": "https://me:hunter2@example.org/", "method": "GET"}
    (problem,) = _problems(_of(body(config=config)), secrets="keep")
    assert "config.url: must not carry credentials" in problem
    assert "hunter2" not in problem


def test_a_file_that_is_not_understood_hides_no_other() -> None:
    problems = _problems("a: [", "a: yes", TWO)
    assert [problem.partition(":")[0] for problem in problems] == ["0.yaml", "1.yaml"]
