"""Fixtures of the API's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.api.world import World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A running API whose scheduler answers at once."""
    async with open_world() as opened:
        yield opened
