"""The page on security replays every attack that its peers are known for, each by a test that names it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.tidy.tree import ROOT, committable_files, python_files, read_text

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_LISTED = """
    2023-48089 2022-43183 2024-24113 2025-7787 2026-7305 2025-9264 2024-42681 2023-26120
    2020-13927 2020-11978 2022-40127 2024-39877 2020-11981 2024-27906 2025-54831 2024-45784 2026-43826
    2023-49299 2024-43115 2026-23902 2026-42357 2026-41280 2026-47340
    2023-29922 2023-37754 2025-11581 2025-14518 2021-23727 2022-30034
    2021-39132 2021-41111 2021-41112 2022-31044 2022-29186 2026-106056
    2026-53576 2026-38428 2026-3514 2026-21858 2025-68613 2026-1470 2025-68668 2026-49444 2026-21877
"""
PEERS = re.findall(r"\d+-\d+", _LISTED)
"""What was found in XXL-JOB, Airflow, DolphinScheduler, PowerJob, Celery, Flower, Rundeck, Kestra, Prefect and n8n."""

_NUMBER = re.compile(r"\bCVE-(\d{4}-\d+)\b")
_TEST = re.compile(r"\btest_\w+\b(?!\.py)")
_FILE = re.compile(r"`((?:tests|docs|horolog|services|projections|schemas)/[\w/.-]+\.\w+)`")
_KEY = re.compile("-----BEGIN [A-Z ]*" + "PRIVATE KEY-----")
_KEY_FILES = frozenset({".pem", ".key", ".p12", ".pfx", ".jks", ".der"})


def _tests() -> Mapping[str, str]:
    """What each test says of itself; of several with one name, all of it."""
    told: dict[str, str] = {}
    for path in python_files():
        for name, text in _told(read_text(path) or "") if path.parts[0] == "tests" else ():
            told[name] = f"{told.get(name, '')}\n{text}"
    return told


def _told(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name, ast.get_docstring(node) or ""


def _flaws(page: str, told: Mapping[str, str]) -> list[str]:
    """The attacks of the page's table that none of the tests in their row names, and the tests that nobody has."""
    flaws = [f"{name} is not there" for name in _TEST.findall(page) if name not in told]
    for row in [line for line in page.splitlines() if line.startswith("| ")]:
        named = {number for test in _TEST.findall(row) for number in _NUMBER.findall(told.get(test, ""))}
        flaws += [f"CVE-{number} has no test that names it" for number in _NUMBER.findall(row) if number not in named]
    return flaws


def test_every_attack_of_the_table_is_replayed_by_a_test_of_its_row() -> None:
    assert _flaws(PAGE, _tests()) == []


def test_every_attack_on_a_peer_is_in_the_table() -> None:
    assert len(PEERS) == len(set(PEERS)) == 44
    assert sorted(set(PEERS) - set(_NUMBER.findall(PAGE))) == []


def test_page_names_only_files_that_exist() -> None:
    assert sorted(set(_FILE.findall(PAGE)) - set(map(str, committable_files()))) == []


@pytest.mark.parametrize(
    ("page", "flaws"),
    [
        ("| a | Peer CVE-2020-1 | `test_it` |", []),
        ("| a | Peer CVE-2020-2 | `test_it` |", ["CVE-2020-2 has no test that names it"]),
        ("in `test_other`", ["test_other is not there"]),
    ],
)
def test_attack_without_its_test_would_be_seen(page: str, flaws: list[str]) -> None:
    assert _flaws(page, {"test_it": "Peer CVE-2020-1: an attack."}) == flaws


def test_no_key_is_in_the_tree_from_which_images_are_made() -> None:
    """Rundeck CVE-2022-29186 (an image with a private key in it, the same for everybody)."""
    files = committable_files()
    assert [path for path in files if path.suffix in _KEY_FILES] == []
    assert [path for path in files if _KEY.search(read_text(path) or "")] == []
    copied = re.findall(r"^(?:COPY|ADD) (?!--from=)(.+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)
    sources = {word for line in copied for word in line.split()[:-1]}
    packages = {"horolog/", "services/", "projections/", "schemas/", "examples/"}
    assert sources == {"deploy/requirements/", "pyproject.toml", "README.md", *packages}
