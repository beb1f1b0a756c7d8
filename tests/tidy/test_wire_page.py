"""The page for other languages names topics, types, files and bounds that there are."""

import re

from schemas.codec import headers_of
from schemas.commands import Command
from schemas.registry import MODEL_OF_TYPE
from schemas.topics import RECORD_BYTES_MAX, TOPICS
from tests.tidy.tree import ROOT, committable_files
from tests.unit.schemas.samples import AT, samples

PAGE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
_TOPIC = re.compile(r"`(?:horolog\.)?([a-z]+(?:-[a-z]+)*\.v1)`")
_TYPE = re.compile(r"`(io\.horolog\.[a-z.-]+\.v\d+)`")
_STEP = re.compile(r"`((?:execution|attempt)\.[a-z-]+)`")
_FILE = re.compile(r"`((?:docs|tests)/[\w/.-]+)`")


def test_topics_and_types_of_the_page_exist() -> None:
    assert set(_TOPIC.findall(PAGE)) <= {topic.name for topic in TOPICS}
    named = {*_TYPE.findall(PAGE), *(f"io.horolog.{step}.v1" for step in _STEP.findall(PAGE))}
    assert len(named) > 10
    assert named - MODEL_OF_TYPE.keys() == set()


def test_every_command_has_a_row() -> None:
    rows = PAGE.partition("| type |")[2].partition("**Once.**")[0]
    commands = [model.TYPE for model in MODEL_OF_TYPE.values() if issubclass(model, Command)]
    ends = {type_.removeprefix("io.horolog.job.") for type_ in commands if ".tenant." not in type_}
    assert [end for end in sorted(ends) if end not in rows] == []


def test_headers_and_bounds_are_those_of_the_code() -> None:
    written = {name for name, _ in headers_of(samples()[0], "here", AT, "trace")}
    assert set(re.findall(r"^\| `(ce_\w+|content-type|traceparent)` \|", PAGE, re.MULTILINE)) == written
    assert f"{RECORD_BYTES_MAX:,} bytes" in " ".join(PAGE.split())


def test_files_of_the_page_exist() -> None:
    there = {str(path) for path in committable_files()}
    folders = {path[: place.start()] for path in there for place in re.finditer("/", path)}
    assert set(_FILE.findall(PAGE)) - there - folders == set()
