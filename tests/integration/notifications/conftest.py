"""A world for each test, and servers that get what is sent."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.notifications.receiving import Hook
from tests.integration.notifications.world import World, opened


@pytest.fixture
async def world(migrated_database: str) -> AsyncIterator[World]:
    """An empty log, empty tables, and a tenant's keys."""
    async with opened(migrated_database) as made:
        yield made


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    """A receiver of this machine."""
    async with Hook() as made:
        yield made
