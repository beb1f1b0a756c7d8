"""A text means one thing only, or is refused with its line."""

from typing import Any

import pytest
from hypothesis import given, settings

from horolog.cli.applying.differences import same
from horolog.cli.applying.job_text import TEXT_LENGTH_MAX, TextProblem, looks_like_json, read_text
from horolog.cli.applying.job_writing import written_jobs
from tests.unit.cli.applying.definitions import JSON

AMBIGUOUS = """
    yes No on OFF y N True NULL 012 00 0o17 0x1F 0b1 1_000 1,000 +1 1. .5 -.5e3 12:30 190:20:30 .inf -.INF .nan =
    1e99999 1e999
"""


def _data(text: str, is_json: bool = False) -> Any:
    (document,) = read_text(text, is_json)
    return document.data


def _problem(text: str, is_json: bool = False) -> TextProblem:
    with pytest.raises(TextProblem) as caught:
        read_text(text, is_json)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("10.0.0.1", "10.0.0.1"),
        ("0 0 3 1 1 1", "0 0 3 1 1 1"),
        ("yesterday", "yesterday"),
        ("'yes'", "yes"),
        ('"012"', "012"),
        ("'12:30:45'", "12:30:45"),
    ],
)
def test_scalars_are_json_or_texts(text: str, value: object) -> None:
    assert _data(f"a: {text}") == {"a": value}


@pytest.mark.parametrize("text", AMBIGUOUS.split())
def test_what_readers_of_yaml_disagree_on_is_refused(text: str) -> None:
    assert _problem(f"a: 1\nb: {text}").line == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        ("a: &x [1]\nb: *x", 1, "anchor"),
        ("a: 1\nb: *", 2, "YAML"),
        ("a: !!python/object/apply:os.system [id]", 1, "tag"),
        ("a: !local 1", 1, "tag"),
        ("base: 1\n<<: {a: 1}", 2, "different things"),
        ("? [1, 2]\n: 3", 1, "key"),
        ("1: a", 1, "key"),
        ("on: push", 1, "different things"),
        ("%YAML 1.1\n---\na: 1", 1, "directive"),
        ("a:\n\t- b", 2, "YAML"),
        ("a: 'open", 1, "YAML"),
        ("a: \x07", 1, "characters"),
        ('a: "\\UFFFFFFFF"', 1, "escape"),
    ],
)
def test_traps_are_refused_with_their_line(text: str, line: int, said: str) -> None:
    problem = _problem(text)
    assert (problem.line, said in problem.message) == (line, True)


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    text = "a: &a [x, x]\n" + "\n".join(f"b{number}: &b{number} [*a, *a, *a]" for number in range(50))
    assert _problem(text).line == 1


@pytest.mark.parametrize("is_json", [False, True])
def test_size_and_depth_are_bounded(is_json: bool) -> None:
    assert "deeper" in _problem("[" * 60 + "1" + "]" * 60, is_json).message
    assert "nested deeper" in _problem("[" * 100_000, is_json).message
    assert "longer" in _problem(" " * (TEXT_LENGTH_MAX + 1), is_json).message


def test_every_document_and_value_has_its_line() -> None:
    first, second = read_text("# one\n\na:\n  - b: 1\n    c: 2\n---\np:\n  q: r\n---\n", is_json=False)
    assert first.line(("a", 0, "c")) == 5
    assert first.line(("a", 0, "missing", 3)) == 4
    assert second.line(("p", "q")) == 8


def test_json_has_lines_too_and_is_read_strictly() -> None:
    (document,) = read_text('{\n\t"a": [\n\t\t1,\n\t\t{"b": "\\ud83d\\ude00"}\n\t]\n}', is_json=True)
    assert document.data == {"a": [1, {"b": "\N{GRINNING FACE}"}]}
    assert document.line(("a", 1, "b")) == 4
    assert "twice" in _problem('{"a": 1, "a": 2}', True).message
    assert "NaN" in _problem('{"a": NaN}', True).message
    assert _problem('{\n"a": }', True).line == 2
    assert "digits" in _problem("[" + "9" * 5000 + "]", True).message


def test_json_is_told_by_its_name_or_its_first_sign() -> None:
    assert looks_like_json("jobs.json", "a")
    assert looks_like_json("<stdin>", "\n [")
    assert not looks_like_json("jobs.yaml", "jobs:")


@settings(max_examples=300, database=None, deadline=None)
@given(value=JSON)
def test_what_is_written_reads_back_as_the_same(value: Any) -> None:
    text = written_jobs([{"a": value, "b": "c"}], ["a comment\nof two lines"], {0: "a note"})
    (document,) = read_text(text, is_json=False)
    assert same(document.data, {"jobs": [{"a": value, "b": "c"}]})


@pytest.mark.parametrize(
    "text", ["a\nb\n", "a\n\n  b", "a\n \nb", " a\nb\nc", "a\nb\n\n", "\n\n\n", "a\tb\nc\nd", "a: b\n# c\n- d"]
)
def test_texts_of_several_lines_keep_each_blank(text: str) -> None:
    assert _data(written_jobs([{"args": ["-c", text], "d": text}], [], {})) == {
        "jobs": [{"args": ["-c", text], "d": text}]
    }


def test_a_job_is_written_as_a_person_would() -> None:
    job = {
        "name": "nightly backup",
        "cronExpression": "0 0 3 * * *",
        "config": {"command": "/bin/sh", "args": ["-c", "set -e\n# all of it\n  exec backup\n"], "environment": {}},
        "tags": ["no", "é", "a#b"],
        "enabled": True,
    }
    assert written_jobs([job], ["Jobs."], {}) == (
        '# Jobs.\njobs:\n  - name: nightly backup\n    cronExpression: "0 0 3 * * *"\n    config:\n'
        '      command: /bin/sh\n      args:\n        - "-c"\n        - |\n          set -e\n          # all of it\n'
        '            exec backup\n      environment: {}\n    tags:\n      - "no"\n      - "é"\n      - "a#b"\n'
        "    enabled: true\n"
    )
    assert written_jobs([], [], {}) == "jobs: []\n"
