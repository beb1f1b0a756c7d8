"""Fixtures of the command line's tests."""

from collections.abc import Iterator

import pytest

from tests.unit.cli.fake_api import FakeApi, fake_api


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A fake API that listens."""
    with fake_api() as fake:
        yield fake
