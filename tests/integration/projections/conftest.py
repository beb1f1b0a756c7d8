"""A world for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.projections.world import World, opened


@pytest.fixture
async def world(migrated_database: str) -> AsyncIterator[World]:
    """An empty log and empty tables."""
    async with opened(migrated_database) as made:
        yield made
