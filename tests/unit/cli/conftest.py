"""Fixtures of the command line's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.fake_api import FakeApi, fake_api


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A fake API that listens."""
    with fake_api() as fake:
        yield fake


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A data directory of the test's own, also for what `main` runs."""
    before = {name: os.environ.pop(name, None) for name in ("HOROLOG_HOME", "HOROLOG_TOKEN", "HOROLOG_URL")}
    os.environ["HOROLOG_HOME"] = str(tmp_path / "data")
    yield {"HOROLOG_HOME": str(tmp_path / "data")}
    for name, value in before.items():
        os.environ.pop(name, None)
        os.environ.update({} if value is None else {name: value})
