"""The pinned requirements match pyproject.toml, carry hashes and name no source."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.tree import ROOT

LOCKS = ROOT / "deploy" / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
BUILD: list[str] = PROJECT["build-system"]["requires"]

APART = "analytics"
"""The extra that cannot be installed beside the tools of development."""

DECLARED = {
    "runtime.txt": RUNTIME,
    "build.txt": BUILD,
    "tools.txt": ["cyclonedx-bom", "pip-audit"],
    "dev.txt": [*RUNTIME, *BUILD, *(name for extra in EXTRAS for name in EXTRAS[extra] if extra != APART)],
    "analytics.txt": [*RUNTIME, *EXTRAS[APART]],
}

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def _pins(lock: str) -> dict[str, str]:
    """Canonical name -> version of everything pinned in a lock's text."""
    return {canonicalize_name(pin["name"]): pin["version"] for pin in _PIN.finditer(lock)}


def _stale(declared: Iterable[str], lock: str) -> list[str]:
    """The declared requirements that the lock lacks or pins to a version they do not admit."""
    pins = _pins(lock)
    wanted = {line: Requirement(line) for line in declared}
    found = {line: pins.get(canonicalize_name(need.name)) for line, need in wanted.items()}
    return [line for line, version in found.items() if version is None or version not in wanted[line].specifier]


@pytest.mark.parametrize("name", DECLARED)
def test_lock_pins_what_the_project_declares(name: str) -> None:
    assert _stale(DECLARED[name], (LOCKS / name).read_text(encoding="utf-8")) == [], "run: make lock"


@pytest.mark.parametrize("name", DECLARED)
def test_lock_hashes_every_pin_and_names_no_source(name: str) -> None:
    lock = (LOCKS / name).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert not re.search(r"https?://|^-|file:", lock, re.MULTILINE)


def test_images_run_the_versions_that_were_tested() -> None:
    runtime, tested = (_pins((LOCKS / name).read_text(encoding="utf-8")) for name in ("runtime.txt", "dev.txt"))
    assert {name: version for name, version in runtime.items() if tested.get(name) != version} == {}


def test_no_lock_is_left_over() -> None:
    assert {path.name for path in LOCKS.glob("*.txt")} == set(DECLARED)


def test_stale_lock_is_found() -> None:
    lock = "httpx==0.28.1 \\\n    --hash=sha256:00\n"
    assert _stale(["httpx>=0.28"], lock) == []
    assert _stale(["httpx>=1", "redis"], lock) == ["httpx>=1", "redis"]


def test_changelog_tells_of_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == PROJECT["project"]["version"]
