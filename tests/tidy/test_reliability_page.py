"""The page on reliability names tests and files that exist, and every check of the simulation."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from tests.sim.checks import CHECKS
from tests.tidy.tree import ROOT, committable_files, python_files

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
TESTS = [ROOT / path for path in python_files() if path.parts[0] == "tests"]

_TEST = re.compile(r"\btest_\w+\b(?!\.py)")
_DEFINITION = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)
_FILE = re.compile(r"`((?:tests|docs|horolog|services|projections|schemas)/[\w/.-]+)`")


def _absent(page: str, definitions: Iterable[str], files: Iterable[str]) -> list[str]:
    """The tests, files and folders that the page names and nobody has."""
    named, there = set(_FILE.findall(page)), set(files)
    folders = {path[: place.start()] for path in there for place in re.finditer("/", path)}
    return sorted({*_TEST.findall(page)} - {*definitions}) + sorted(named - there - folders)


def test_page_names_only_what_exists() -> None:
    definitions = [name for path in TESTS for name in _DEFINITION.findall(path.read_text(encoding="utf-8"))]
    assert _absent(PAGE, definitions, map(str, committable_files())) == []


@pytest.mark.parametrize(
    ("page", "absent"),
    [
        ("`test_it_works`, `tests/a/test_b.py`, `tests/a`", []),
        ("`test_it_worked`", ["test_it_worked"]),
        ("`tests/a/test_c.py`", ["tests/a/test_c.py"]),
        ("in `tests/b` as well", ["tests/b"]),
    ],
)
def test_name_that_nobody_has_is_found(page: str, absent: list[str]) -> None:
    assert _absent(page, ["test_it_works"], ["tests/a/test_b.py"]) == absent


def test_page_says_what_every_check_of_the_simulation_looks_at() -> None:
    assert sorted(name for name in CHECKS if f"`{name}`" not in PAGE) == []
