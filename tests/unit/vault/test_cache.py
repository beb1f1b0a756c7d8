"""Keys in memory: used while they are fresh, for a while when the vault is away, and not after they were erased."""

import asyncio
from dataclasses import dataclass, field

import pytest

from horolog.vault.cache import AWAY_S, FRESH_S, STALE_S_MAX, CachedKeys
from horolog.vault.cipher import DataKey, new_key
from horolog.vault.port import KeyErased, VaultError, VaultUnavailable
from tests.unit.api.world import HandClock

TENANT = "tenant-a"


@dataclass
class ToldKeys:
    """Answers as told, and counts."""

    key: DataKey = field(default_factory=new_key)
    problem: VaultError | None = None
    asked: int = 0

    async def sealing_key(self, tenant_id: str) -> DataKey:
        self.asked += 1
        await asyncio.sleep(0)
        if self.problem is not None:
            raise self.problem
        return self.key

    async def opening_key(self, tenant_id: str) -> DataKey:
        return await self.sealing_key(tenant_id)


async def test_many_who_ask_at_once_ask_the_vault_once() -> None:
    told, clock = ToldKeys(), HandClock()
    cached = CachedKeys(told, clock)
    found = await asyncio.gather(*(cached.opening_key(TENANT) for _ in range(20)), cached.sealing_key(TENANT))
    assert (set(found), told.asked) == ({told.key}, 1)


async def test_erased_key_is_used_no_longer_than_a_minute() -> None:
    told, clock = ToldKeys(), HandClock()
    cached = CachedKeys(told, clock)
    await cached.opening_key(TENANT)
    told.problem = KeyErased("erased")
    assert FRESH_S <= 60
    await clock.sleep(FRESH_S - 1)
    assert await cached.opening_key(TENANT) == told.key
    await clock.sleep(1)
    for _ in range(2):
        with pytest.raises(KeyErased):
            await cached.opening_key(TENANT)
    told.problem = VaultUnavailable("away")
    await clock.sleep(FRESH_S)
    with pytest.raises(KeyErased):
        await cached.opening_key(TENANT)


async def test_known_key_is_used_while_the_vault_is_away_but_not_for_ever() -> None:
    told, clock = ToldKeys(), HandClock()
    cached = CachedKeys(told, clock)
    await cached.opening_key(TENANT)
    told.problem = VaultUnavailable("away")
    await clock.sleep(STALE_S_MAX - 1)
    assert await cached.opening_key(TENANT) == told.key
    await clock.sleep(1)
    with pytest.raises(VaultUnavailable):
        await cached.opening_key(TENANT)


async def test_a_vault_that_is_away_is_left_in_peace_for_a_while_and_then_asked_again() -> None:
    told, clock = ToldKeys(problem=VaultUnavailable("away")), HandClock()
    cached = CachedKeys(told, clock)
    for _ in range(5):
        with pytest.raises(VaultUnavailable):
            await cached.opening_key(TENANT)
    assert told.asked == 1
    told.problem = None
    await clock.sleep(AWAY_S)
    assert await cached.opening_key(TENANT) == told.key
