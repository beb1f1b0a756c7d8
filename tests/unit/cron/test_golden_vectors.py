"""Every line of tests/golden/cron holds."""

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from horolog.domain.cron import CronError, next_after, parse, previous_before, problems, zone

GOLDEN = Path(__file__).parents[2] / "golden" / "cron"


def lines(name: str) -> list[Any]:
    with (GOLDEN / name).open(encoding="utf-8") as source:
        return [json.loads(line) for line in source]


def ask_repeatedly(vector: dict[str, Any]) -> list[datetime | None]:
    spec, place = parse(vector["expr"]), zone(vector["tz"])
    answers: list[datetime | None] = []
    instant: datetime | None = datetime.fromisoformat(vector["after"])
    while instant is not None and len(answers) < len(vector["next"]):
        instant = next_after(spec, place, instant)
        answers.append(instant)
    return answers


@pytest.mark.parametrize("name", ["vectors.jsonl", "edges.jsonl"])
def test_every_vector_gives_its_instants(name: str) -> None:
    vectors = lines(name)
    wrong = [
        (vector, answers)
        for vector in vectors
        if (answers := ask_repeatedly(vector)) != [datetime.fromisoformat(text) for text in vector["next"]]
    ]
    assert vectors
    assert wrong == []


@pytest.mark.parametrize("name", ["vectors.jsonl", "edges.jsonl"])
def test_every_vector_is_found_backwards_too(name: str) -> None:
    for vector in lines(name):
        spec, place = parse(vector["expr"]), zone(vector["tz"])
        instants = [datetime.fromisoformat(text) for text in vector["next"]]
        for earlier, later in pairwise(instants):
            assert previous_before(spec, place, later) == earlier, vector


def test_every_invalid_expression_is_refused_with_a_sentence() -> None:
    for line in lines("invalid.jsonl"):
        with pytest.raises(CronError) as caught:
            parse(line["expr"])
        assert caught.value.reason.endswith("."), line
        assert len(caught.value.reason) <= 200, line
        assert problems(line["expr"]), line
