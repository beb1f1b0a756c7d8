"""What every vault keeps: one key for each tenant, for good; secrets by name; and after an erasure nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from horolog.adapters.vault.postgres import open_vault
from horolog.vault.port import KeyErased, KeyMissing, SecretMissing, SecretNote, Vault
from tests.contract.vault.memory import MemoryVault
from tests.unit.vault.test_master_keys import OLD, keys

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
TENANT, OTHER = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"


@pytest.fixture(params=["memory", "postgres"])
async def vault(request: pytest.FixtureRequest, migrated_database: str) -> AsyncIterator[Vault]:
    """An empty vault."""
    async with open_vault(migrated_database, keys(f"a={OLD}")) as on_postgres:
        yield MemoryVault() if request.param == "memory" else on_postgres


async def test_tenant_has_one_key_whoever_asks_first(vault: Vault) -> None:
    with pytest.raises(KeyMissing):
        await vault.opening_key(TENANT)
    found = await asyncio.gather(*(vault.sealing_key(TENANT) for _ in range(10)))
    assert set(found) == {await vault.opening_key(TENANT)}
    assert await vault.sealing_key(OTHER) != found[0]


async def test_secret_is_set_read_set_again_and_deleted(vault: Vault) -> None:
    assert await vault.put_secret(TENANT, "a", "one", NOON) == SecretNote("a", 1, NOON, NOON)
    assert await vault.put_secret(TENANT, "a", "two", LATER) == SecretNote("a", 2, NOON, LATER)
    await vault.put_secret(TENANT, "b", "three", NOON)
    assert [(note.name, note.version) for note in await vault.secrets(TENANT)] == [("a", 2), ("b", 1)]
    assert await vault.secret(TENANT, "a") == "two"
    assert [await vault.delete_secret(TENANT, "a") for _ in range(2)] == [True, False]
    with pytest.raises(SecretMissing, match="'a'"):
        await vault.secret(TENANT, "a")


async def test_secret_of_one_tenant_is_not_anothers(vault: Vault) -> None:
    await vault.put_secret(TENANT, "a", "one", NOON)
    assert await vault.secrets(OTHER) == []
    with pytest.raises(SecretMissing):
        await vault.secret(OTHER, "a")
    assert await vault.delete_secret(OTHER, "a") is False


async def test_erased_tenant_has_no_key_and_no_secret_and_never_gets_one(vault: Vault) -> None:
    await vault.sealing_key(TENANT)
    await vault.put_secret(TENANT, "a", "one", NOON)
    await vault.sealing_key(OTHER)
    assert [await vault.erase(TENANT, NOON) for _ in range(2)] == [True, False]
    for asking in (vault.sealing_key, vault.opening_key):
        with pytest.raises(KeyErased):
            await asking(TENANT)
    with pytest.raises(KeyErased):
        await vault.put_secret(TENANT, "a", "one", NOON)
    assert await vault.secrets(TENANT) == []
    await vault.opening_key(OTHER)


async def test_tenant_erased_before_it_had_a_key_never_gets_one(vault: Vault) -> None:
    assert await vault.erase(TENANT, NOON) is False
    with pytest.raises(KeyErased):
        await vault.sealing_key(TENANT)
