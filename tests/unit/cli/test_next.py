"""`horolog next` computes offline, answers batches line by line, and starts light."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from horolog.cli.__main__ import main
from horolog.cli.fires import LINE_BYTES_MAX, Question, answer, answer_lines, read_question

DEFAULTS = {"tz": "UTC", "after": "2026-01-01T00:00:00Z", "n": 2}


def _asked(**question: Any) -> dict[str, Any]:
    return answer(json.dumps(question).encode(), DEFAULTS)


def test_a_question_is_answered_with_utc_instants() -> None:
    found = _asked(expr="0 30 1 * * *", tz="Europe/Berlin", after="2026-10-24T12:00:00Z", n=3)
    assert found == {"next": ["2026-10-24T23:30:00Z", "2026-10-26T00:30:00Z", "2026-10-27T00:30:00Z"]}


def test_what_a_question_leaves_out_comes_from_the_options() -> None:
    assert _asked(expr="@hourly") == {"next": ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]}
    assert _asked(expr="@hourly", n=None, tz=None, note="ignored") == _asked(expr="@hourly")


def test_an_instant_with_an_offset_is_understood() -> None:
    assert _asked(expr="@hourly", after="2026-01-01T05:30:00+05:30", n=1) == {"next": ["2026-01-01T01:00:00Z"]}
    assert _asked(expr="@hourly", after="2026-01-01T00:00:00", n=1) == {"next": ["2026-01-01T01:00:00Z"]}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"garbage",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"5",
        b'{"expr": 5}',
        b"{}",
        b'{"expr": "x"}',
        b'{"expr": "* * * * *", "tz": "Mars/Olympus"}',
        b'{"expr": "* * * * *", "tz": 7}',
        b'{"expr": "* * * * *", "after": "yesterday"}',
        b'{"expr": "* * * * *", "after": "0001-01-01T00:00:00+23:59"}',
        b'{"expr": "* * * * *", "n": 0}',
        b'{"expr": "* * * * *", "n": true}',
        b'{"expr": "* * * * *", "n": 1e400}',
        b'{"expr": "* * * * *", "n": 1000000000}',
        b'{"expr": "\\ud800 * * * *"}',
        b"[" * 100_000,
        b"9" * 10_000,
        b'{"expr": "' + b"x" * LINE_BYTES_MAX + b'"}',
    ],
    ids=lambda line: repr(line[:40]),
)
def test_garbage_is_answered_with_one_error(line: bytes) -> None:
    found = answer(line, DEFAULTS)
    assert found.keys() == {"error"}
    assert isinstance(found["error"], str)


def test_a_batch_answers_line_by_line_in_order() -> None:
    long = b'{"expr": "' + b"x" * (2 * LINE_BYTES_MAX) + b'"}\n'
    source = io.BytesIO(b'{"expr":"@hourly","n":1}\n' + long + b"\nnoise\n" + b'{"expr":"@daily","n":1}')
    target = io.StringIO()
    answer_lines(source, target, DEFAULTS)
    answers = [json.loads(line) for line in target.getvalue().splitlines()]
    assert [sorted(found) for found in answers] == [["next"], ["error"], ["error"], ["error"], ["next"]]
    assert answers[-1] == {"next": ["2026-01-02T00:00:00Z"]}


@pytest.mark.parametrize(
    "words",
    [
        ["* * * * *"],
        ["* * * * *", "--tz", "Europe/Berlin", "-n", "3"],
        ["--count=3", "--json", "--", "* * * * *"],
        ["-n3", "* * * * *", "--after=2026-01-01T00:00:00Z"],
        ["--batch", "-"],
    ],
)
def test_plain_command_lines_are_read_without_typer(words: list[str]) -> None:
    assert isinstance(read_question(words), Question)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--cou", "3", "* * * * *"],
        ["--js", "* * * * *"],
        ["* * * * *", "again"],
        ["-n", "0", "* * * * *"],
        ["-n", "x", "* * * * *"],
        ["-n", "²", "* * * * *"],
        ["--tz", "UTC", "--tz", "UTC", "* * * * *"],
        ["--nonsense"],
    ],
)
def test_other_command_lines_are_left_to_the_declared_command(words: list[str]) -> None:
    assert read_question(words) is None


def test_both_ways_of_reading_give_the_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["next", "0 0 9 * * MON-FRI", "--after", "2026-01-01T00:00:00Z", "--tz", "Asia/Tokyo", "-n", "4"]
    assert main(quick) == 0
    first = capsys.readouterr().out
    # A repeated option is read by the declared command.
    assert main([*quick, "--tz", "Asia/Tokyo"]) == 0
    assert capsys.readouterr().out == first
    assert first.splitlines()[0] == "2026-01-02T00:00:00Z   Fri 2026-01-02 09:00:00 +0900"


def test_a_bad_expression_names_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", "0 0 99 * * XON", "--json"]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "INVALID_CRON_EXPRESSION"
    assert len(error["details"]["problems"]) == 2


@pytest.mark.parametrize("words", [[], ["@daily", "--batch", "-"], ["@daily", "--after", "soon"], ["--batch", "/none"]])
def test_wrong_use_exits_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["next", *words]) == 2
    assert "USAGE" in capsys.readouterr().err


def test_next_loads_no_heavy_library() -> None:
    code = "import sys; from horolog.cli.__main__ import main; main(); print(*sys.modules, file=sys.stderr)"
    words = ["next", "@daily", "--after", "2026-01-01T00:00:00Z"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("2026-01-02T00:00:00Z")
    heavy = {"fastapi", "aiokafka", "asyncpg", "pydantic", "typer", "httpx", "asyncio", "rich", "redis"}
    assert not heavy & set(done.stderr.split())


def test_a_batch_is_answered_while_it_is_still_being_asked() -> None:
    command = [sys.executable, "-m", "horolog.cli", "next", "--batch", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdin is not None
        assert asking.stdout is not None
        for _ in range(3):
            asking.stdin.write('{"expr": "@daily", "after": "2026-01-01T00:00:00Z", "n": 1}\n')
            asking.stdin.flush()
            assert json.loads(asking.stdout.readline()) == {"next": ["2026-01-02T00:00:00Z"]}
        asking.stdin.close()
        assert asking.wait(60) == 0
