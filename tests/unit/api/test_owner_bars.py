"""Who is disabled is told to the log, at once or later, and told until a dispatcher has decided on it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from schemas.commands import BarActor, UnbarActor
from services.api.accounts.ports import AccountsUnavailable, StandingStore, UserChange
from services.api.accounts.users import Standing
from services.api.owner_bars import ACTOR, OwnerBars
from tests.unit.api.test_users import USERS, boss_of, root
from tests.unit.api.world import OURS, HandClock, World, open_world


def bars_of(world: World) -> OwnerBars:
    """Whoever tells it, in this API."""
    bars = world.app.state.context.bars
    assert isinstance(bars, OwnerBars)
    return bars


def told(world: World) -> list[tuple[str, str, str]]:
    """What the log was told of users, by whom."""
    commands = [one for one in world.log.commands if isinstance(one, BarActor | UnbarActor)]
    assert all(one.disabled and one.tenant_id == OURS for one in commands)
    return [(type(one).__name__, one.barred_actor, one.actor) for one in commands]


async def change(world: World, token: str, user_id: str, **body: Any) -> httpx.Response:
    return await world.ask("PATCH", f"{USERS}/{user_id}", body, token=token)


async def test_disabling_a_user_bars_its_jobs_and_enabling_lifts_that(world: World) -> None:
    boss, ada = await boss_of(world), world.issuing.add("ada", OURS, "developer")
    name = f"user:boss-{OURS[:8]}"
    assert (await change(world, boss, ada.id, disabled=True)).status_code == 200
    assert told(world) == [("BarActor", "user:ada", name)]
    shown = (await world.ask("GET", "/api/v1/tenant")).json()
    assert (shown["disabledOwners"], shown["barredActors"], shown["ownSettings"]) == (["user:ada"], [], False)
    assert (await change(world, boss, ada.id, disabled=False)).status_code == 200
    assert told(world)[1:] == [("UnbarActor", "user:ada", name)]
    assert await world.issuing.store.untold("", 10) == []


async def test_what_changes_nobodys_standing_is_not_told(world: World) -> None:
    boss, ada = await boss_of(world), world.issuing.add("ada", OURS, "developer")
    await change(world, boss, ada.id, roles=["viewer"])
    await change(world, boss, ada.id, disabled=False)
    another = world.issuing.add_platform_admin("root2")
    assert (await change(world, await root(world), another.id, disabled=True)).status_code == 200
    assert told(world) == []
    assert await world.issuing.store.untold("", 10) == []


async def test_a_user_is_disabled_also_while_the_log_is_away_and_its_jobs_are_barred_later(world: World) -> None:
    boss, ada = await boss_of(world), world.issuing.add("ada", OURS, "developer")
    world.log.unreachable = True
    answer = await change(world, boss, ada.id, disabled=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LOG_UNAVAILABLE")
    assert "disabled, but its jobs may still run" in answer.json()["error"]["message"]
    assert world.issuing.store.by_id[ada.id].disabled
    await bars_of(world).tell_all()
    world.log.unreachable = False
    await bars_of(world).tell_all()
    assert told(world) == [("BarActor", "user:ada", ACTOR)]
    await bars_of(world).tell_all()
    assert len(told(world)) == 1


async def test_what_a_process_that_died_left_behind_is_told_by_another(world: World) -> None:
    ada = world.issuing.add("ada", OURS, "developer")
    await world.issuing.store.change_user(ada.id, UserChange(disabled=True))
    await bars_of(world).tell_all()
    assert told(world) == [("BarActor", "user:ada", ACTOR)]


async def test_repeating_what_was_not_told_tells_it(world: World) -> None:
    boss, ada = await boss_of(world), world.issuing.add("ada", OURS, "developer")
    world.log.unreachable = True
    await change(world, boss, ada.id, disabled=True)
    world.log.unreachable = False
    assert (await change(world, boss, ada.id, disabled=True)).status_code == 200
    assert [deed for deed, _, _ in told(world)] == ["BarActor"]


async def test_a_full_list_is_told_to_whoever_disables_and_in_the_log_until_there_is_room(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    boss, ada = await boss_of(world), world.issuing.add("ada", OURS, "developer")
    other = world.issuing.add("bob", OURS, "developer")
    world.log.reject_with = "BARRED_LIST_FULL"
    answer = await change(world, boss, ada.id, disabled=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "BARRED_LIST_FULL")
    await world.issuing.store.change_user(other.id, UserChange(disabled=True))
    with caplog.at_level(logging.ERROR, "horolog.api.accounts"):
        await bars_of(world).tell_all()
    assert [ada.id in record.getMessage() or other.id in record.getMessage() for record in caplog.records] == [True] * 2
    assert "ada" not in caplog.text
    world.log.reject_with = None
    await bars_of(world).tell_all()
    assert await world.issuing.store.untold("", 10) == []


async def test_a_user_who_is_enabled_while_that_it_is_disabled_is_told_ends_up_enabled(world: World) -> None:
    store, ada = world.issuing.store, world.issuing.add("ada", OURS, "developer")
    await store.change_user(ada.id, UserChange(disabled=True))
    (standing,) = await store.untold("", 10)
    await store.change_user(ada.id, UserChange(disabled=False))
    await bars_of(world).tell_all()
    assert not await store.told(standing)
    await bars_of(world).tell_all()
    assert [deed for deed, _, _ in told(world)] == ["UnbarActor", "UnbarActor"]


async def test_without_the_database_nothing_is_known_and_nothing_is_told(world: World) -> None:
    world.issuing.store.is_away = True
    with pytest.raises(AccountsUnavailable):
        await bars_of(world).tell_all()
    assert told(world) == []


@dataclass
class Weary(HandClock):
    """Time for whoever goes on without end: it stops him after he has slept so often."""

    left_count: int = 2

    async def sleep(self, seconds: float) -> None:
        self.left_count -= 1
        if self.left_count == 0:
            raise asyncio.CancelledError


async def test_neither_an_outage_nor_a_fault_ends_the_telling(world: World, caplog: pytest.LogCaptureFixture) -> None:
    ada = world.issuing.add("ada", OURS, "developer")
    await world.issuing.store.change_user(ada.id, UserChange(disabled=True))
    bars = replace(bars_of(world), clock=Weary(left_count=3), store=Troubled(world.issuing.store))
    with pytest.raises(asyncio.CancelledError):
        await bars.run()
    assert [deed for deed, _, _ in told(world)] == ["BarActor"]
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


@dataclass
class Troubled:
    """Standings that are out of reach at first, then are a fault, and then are there."""

    store: StandingStore
    troubles: list[Exception] = field(default_factory=lambda: [AccountsUnavailable(), RuntimeError("a fault")])

    async def standing(self, user_id: str) -> Standing | None:
        return await self.store.standing(user_id)

    async def untold(self, after_id: str, limit: int) -> Sequence[Standing]:
        if self.troubles:
            raise self.troubles.pop(0)
        return await self.store.untold(after_id, limit)

    async def told(self, standing: Standing) -> bool:
        return await self.store.told(standing)


async def test_without_the_issuer_there_is_nobody_to_tell_of() -> None:
    async with open_world(has_issuer=False) as world:
        assert world.app.state.context.bars is None
