"""Every place where accounts are kept, in turn."""

from collections.abc import AsyncIterator

import pytest

from horolog.cli.roles.accounts import migrate_accounts
from projections.connections import open_pool
from services.api.accounts.ports import AccountStore
from services.api.accounts.postgres import PostgresAccounts
from tests.unit.api.memory_accounts import MemoryAccounts


@pytest.fixture
async def postgres(migrated_database: str) -> AsyncIterator[PostgresAccounts]:
    """Empty accounts in a database beside the read models."""
    await migrate_accounts(migrated_database)
    pool = await open_pool(migrated_database, 20)
    try:
        yield PostgresAccounts(pool)
    finally:
        await pool.close()


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> AccountStore:
    """Empty accounts."""
    if request.param == "memory":
        return MemoryAccounts()
    kept: AccountStore = request.getfixturevalue("postgres")
    return kept
