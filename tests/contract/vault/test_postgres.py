"""The vault in PostgreSQL: ciphertext only, closed to wrong master keys, and wrapped anew without a loss."""

from collections.abc import Mapping

import asyncpg
import pytest

from horolog.adapters.vault.postgres import open_vault
from horolog.cli.vault_schema import migrate_vault
from horolog.vault.cipher import KEY_BYTES, system_entropy
from horolog.vault.port import VaultError, VaultUnavailable, WrongMasterKeys
from tests.contract.vault.test_vault import NOON, OTHER, TENANT
from tests.unit.vault.test_master_keys import NEW, OLD, keys

SECRET = "correct-horse-battery-staple"


async def rows(dsn: str, sql: str) -> list[Mapping[str, object]]:
    """What the database has."""
    connection = await asyncpg.connect(dsn)
    try:
        return [dict(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_database_holds_neither_secrets_nor_keys(migrated_database: str) -> None:
    drawn: list[bytes] = []

    def noted(count: int) -> bytes:
        drawn.append(system_entropy(count))
        return drawn[-1]

    async with open_vault(migrated_database, keys(f"a={OLD}"), noted) as vault:
        await vault.put_secret(TENANT, "name", SECRET, NOON)
    data_key = next(part for part in drawn if len(part) == KEY_BYTES)
    for table in ("tenant_keys", "secrets", "canaries"):
        (row,) = await rows(migrated_database, f"select * from vault.{table}")
        raw = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
        assert SECRET.encode() not in raw
        assert data_key not in raw


@pytest.mark.parametrize("wrong", [f"a={NEW}", f"b={NEW}"])
async def test_wrong_master_keys_are_refused_before_anything_is_read(migrated_database: str, wrong: str) -> None:
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        key = await vault.sealing_key(TENANT)
    async with open_vault(migrated_database, keys(wrong)) as vault:
        with pytest.raises(WrongMasterKeys, match="master key"):
            await vault.check()
        with pytest.raises(WrongMasterKeys):
            await vault.sealing_key(OTHER)
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        assert await vault.opening_key(TENANT) == key


async def test_old_master_key_may_go_once_everything_is_wrapped_anew(migrated_database: str) -> None:
    async with open_vault(migrated_database, keys(f"old={OLD}")) as vault:
        before = [await vault.sealing_key(tenant) for tenant in (TENANT, OTHER)]
        await vault.put_secret(TENANT, "name", SECRET, NOON)
    async with open_vault(migrated_database, keys(f"new={NEW},old={OLD}")) as vault:
        await vault.check()
        assert await vault.wrapped_counts() == {"new": 0, "old": 2}
        assert [await vault.rewrap() for _ in range(2)] == [2, 0]
        assert await vault.wrapped_counts() == {"new": 2, "old": 0}
    async with open_vault(migrated_database, keys(f"new={NEW}")) as vault:
        assert [await vault.opening_key(tenant) for tenant in (TENANT, OTHER)] == before
        assert await vault.secret(TENANT, "name") == SECRET
        await vault.rewrap()
        assert await vault.wrapped_counts() == {"new": 2}


async def test_secret_that_was_moved_in_the_database_does_not_open(migrated_database: str) -> None:
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        await vault.put_secret(TENANT, "mine", SECRET, NOON)
        await vault.sealing_key(OTHER)
        await rows(migrated_database, "update vault.secrets set name = 'yours'")
        with pytest.raises(VaultError) as refused:
            await vault.secret(TENANT, "yours")
        assert SECRET not in str(refused.value)


async def test_key_that_was_moved_in_the_database_does_not_unwrap(migrated_database: str) -> None:
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        await vault.sealing_key(TENANT)
        await rows(migrated_database, f"update vault.tenant_keys set tenant_id = '{OTHER}'")
        with pytest.raises(WrongMasterKeys):
            await vault.opening_key(OTHER)


async def test_vault_without_tables_or_server_is_unavailable_until_it_is_there(database: str) -> None:
    async with open_vault("postgresql://nobody@127.0.0.1:1/none", keys(f"a={OLD}")) as vault:
        with pytest.raises(VaultUnavailable):
            await vault.check()
    async with open_vault(database, keys(f"a={OLD}")) as vault:
        with pytest.raises(VaultUnavailable):
            await vault.sealing_key(TENANT)
        assert await migrate_vault(database) == ["vault/0001_keys_and_secrets"]
        assert await migrate_vault(database) == []
        await vault.sealing_key(TENANT)
