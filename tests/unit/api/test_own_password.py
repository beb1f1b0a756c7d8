"""Everybody changes the own password, knowing the old one; a one-time password is good for nothing else."""

from datetime import timedelta

import httpx
import pytest

from services.api.accounts.backoff import FREE_PER_ACCOUNT_COUNT
from services.api.accounts.bounds import STATE_FRESH_S
from services.api.accounts.ports import UserChange
from services.api.accounts.users import RefusedUser, checked_password
from tests.unit.api.memory_accounts import password_of
from tests.unit.api.test_sign_in import AUTH, WRONG, jobs, log_in, refresh, signed_in
from tests.unit.api.world import OURS, World

NEW = "a better staple"


async def change(world: World, name: str, old: str, new: str) -> httpx.Response:
    """The answer to who wants another password."""
    body = {"name": name, "password": old, "newPassword": new}
    return await world.ask("POST", f"{AUTH}/password", body)


async def test_a_one_time_password_gets_no_token_until_it_is_changed(world: World) -> None:
    world.issuing.add("ada", OURS, "viewer", must_change=True)
    answer = await log_in(world, "ada")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PASSWORD_CHANGE_REQUIRED")
    assert (await log_in(world, "ada", WRONG)).json()["error"]["code"] == "INVALID_CREDENTIALS"
    assert world.issuing.store.kept == {}
    assert (await change(world, "ada", password_of("ada"), NEW)).status_code == 204
    assert (await log_in(world, "ada", NEW)).status_code == 200
    assert (await log_in(world, "ada")).status_code == 401


async def test_another_password_ends_every_session(world: World) -> None:
    tokens = await signed_in(world)
    assert await jobs(world, tokens) == 200
    assert (await change(world, "ada", password_of("ada"), NEW)).status_code == 204
    assert (await refresh(world, tokens["refreshToken"])).status_code == 401
    world.clock.at += timedelta(seconds=STATE_FRESH_S + 0.1)
    assert await jobs(world, tokens) == 401


async def test_a_disabled_user_is_a_stranger_with_whatever_password(world: World) -> None:
    off = world.issuing.add("off", OURS, "viewer", must_change=True)
    await world.issuing.store.change_user(off.id, UserChange(disabled=True))
    for answer in (await log_in(world, "off"), await change(world, "off", password_of("off"), NEW)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "INVALID_CREDENTIALS")
    assert world.issuing.store.by_id[off.id].password_hash == off.password_hash
    statuses = [(await log_in(world, "off")).status_code for _ in range(FREE_PER_ACCOUNT_COUNT)]
    assert statuses == [401] * (FREE_PER_ACCOUNT_COUNT - 1) + [429]


async def test_guessing_the_old_password_is_counted_like_signing_in(world: World) -> None:
    world.issuing.add("ada", OURS, "viewer")
    answers = [await change(world, "ada", WRONG, NEW) for _ in range(FREE_PER_ACCOUNT_COUNT + 2)]
    assert [answer.status_code for answer in answers] == [401] * (FREE_PER_ACCOUNT_COUNT + 1) + [429]


@pytest.mark.parametrize(
    "new", ["short", "x" * 201, password_of("longer.name"), "longer.name.of.a.user", "abababababab"]
)
async def test_bad_new_passwords_are_refused(world: World, new: str) -> None:
    name = "longer.name.of.a.user" if new != password_of("longer.name") else "longer.name"
    world.issuing.add(name, OURS, "viewer")
    answer = await change(world, name, password_of(name), new)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
    assert [problem["field"] for problem in answer.json()["error"]["details"]] == ["newPassword"]
    assert (await log_in(world, name)).status_code == 200


def test_a_password_is_counted_in_characters_and_the_same_however_it_was_composed() -> None:
    composed, apart = "pässwörter-über-alles", "pa\u0308sswo\u0308rter-u\u0308ber-alles"
    assert checked_password(composed, "ada") == checked_password(apart, "ada")
    assert checked_password("密码密碼很長很長的密碼串", "ada")
    for long in ("x1y2z3" * 34, "\ufdfa" * 12 + "abc"):
        with pytest.raises(RefusedUser):
            checked_password(long, "ada")
