"""The first users are created once, their passwords told once, and what is over is removed."""

import asyncio
from datetime import timedelta

import pytest

from schemas.events.workers import SYSTEM_TENANT
from services.api.accounts.bounds import IDLE, UPKEEP_INTERVAL_S, UPKEEP_RETRY_S
from services.api.accounts.ports import AccountsUnavailable
from services.api.accounts.upkeep import FirstUser, Upkeep
from tests.unit.api.memory_accounts import MemoryAccounts, PlainHasher, counted_secrets, issuing
from tests.unit.api.test_sign_in import signed_in
from tests.unit.api.world import OURS, CountedIds, HandClock, World

FIRST = [FirstUser("admin", SYSTEM_TENANT, ("platform-admin",)), FirstUser("dev", OURS, ("admin",))]


def upkeep(store: MemoryAccounts, told: list[str]) -> Upkeep:
    """One process's upkeep."""
    return Upkeep(store, PlainHasher(), HandClock(), CountedIds(), counted_secrets(), FIRST, told.append)


async def test_one_process_creates_the_first_users_and_tells_their_passwords() -> None:
    store, told = MemoryAccounts(), list[str]()
    processes = [upkeep(store, told) for _ in range(3)]
    for process in (*processes, *processes):
        await process.run_once()
    assert told == [
        "user admin (platform-admin), one-time password: one-time-secret-1",
        "user dev (admin), one-time password: one-time-secret-2",
    ]
    assert [(user.name, user.must_change_password) for user in store.by_id.values()] == [("admin", True), ("dev", True)]


async def test_where_there_are_users_none_is_created() -> None:
    made, told = issuing(HandClock(), CountedIds()), list[str]()
    made.add("ada", OURS, "viewer")
    await upkeep(made.store, told).run_once()
    assert (told, len(made.store.by_id)) == ([], 1)


async def test_whoever_found_the_database_away_creates_them_later() -> None:
    store, told = MemoryAccounts(is_away=True), list[str]()
    process = upkeep(store, told)
    with pytest.raises(AccountsUnavailable):
        await process.run_once()
    store.is_away = False
    await process.run_once()
    assert len(told) == 2


async def test_what_is_over_is_removed(world: World) -> None:
    await signed_in(world)
    store = world.issuing.store
    process = Upkeep(store, PlainHasher(), world.clock, CountedIds(), counted_secrets(), FIRST, print)
    await process.run_once()
    assert len(store.kept) == 1
    world.clock.at += IDLE + timedelta(seconds=1)
    await process.run_once()
    assert store.kept == {}


class Stumbling(MemoryAccounts):
    """It fails at the first question, by a defect."""

    has_failed = False

    async def has_users(self) -> bool:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError("told to")
        return await super().has_users()


class TwoRounds(HandClock):
    """Its time is over after the second sleep."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept_s) == 2:
            raise asyncio.CancelledError


async def test_a_defect_is_told_and_the_accounts_are_looked_after_again() -> None:
    clock, told = TwoRounds(), list[str]()
    process = Upkeep(Stumbling(), PlainHasher(), clock, CountedIds(), counted_secrets(), FIRST, told.append)
    with pytest.raises(asyncio.CancelledError):
        await process.run()
    assert (len(told), clock.slept_s) == (2, [UPKEEP_RETRY_S, UPKEEP_INTERVAL_S])
