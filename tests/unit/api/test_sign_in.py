"""A name and its password are good for tokens, and nobody learns why others are not."""

import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.api.accounts.backoff import FREE_PER_ACCOUNT_COUNT, FREE_PER_ADDRESS_COUNT
from services.api.accounts.bounds import ACCESS_S, IDLE, STATE_FRESH_S
from services.api.accounts.ports import UserChange
from tests.unit.api.memory_accounts import password_of
from tests.unit.api.world import OURS, THEIRS, World

AUTH = "/api/v1/auth"
WRONG = "wrong-horse-battery"


async def log_in(world: World, name: str, password: str | None = None) -> httpx.Response:
    """The answer to a name and password."""
    return await world.ask("POST", f"{AUTH}/token", {"name": name, "password": password or password_of(name)})


async def signed_in(world: World, name: str = "ada", *roles: str) -> dict[str, Any]:
    """The tokens of a new user of ours."""
    world.issuing.add(name, OURS, *(roles or ("developer",)))
    answer = await log_in(world, name)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(world: World, token: str) -> httpx.Response:
    """The answer to a refresh token."""
    return await world.ask("POST", f"{AUTH}/refresh", {"refreshToken": token})


async def jobs(world: World, tokens: dict[str, Any]) -> int:
    """How a question about jobs is answered to the access token."""
    return (await world.ask("GET", "/jobs", token=tokens["accessToken"])).status_code


def told(answer: httpx.Response) -> tuple[int, str, str | None]:
    """All that an answer tells about who was asked for."""
    return answer.status_code, answer.text.replace(answer.json()["path"], ""), answer.headers.get("retry-after")


async def test_tokens_say_who_calls_and_the_roles_say_what_he_may_do(world: World) -> None:
    tokens = await signed_in(world)
    assert (tokens["tokenType"], tokens["expiresIn"]) == ("Bearer", ACCESS_S)
    assert (await world.created(token=tokens["accessToken"]))["createdBy"] == "user:ada"
    viewer = await signed_in(world, "viewer", "viewer")
    assert (await world.ask("POST", "/jobs", {}, token=viewer["accessToken"])).status_code == 403
    world.issuing.add("them", THEIRS, "admin")
    theirs = (await log_in(world, "them")).json()
    assert (await world.ask("GET", "/jobs", token=theirs["accessToken"])).json()["items"] == []


async def test_names_are_the_same_in_capitals_and_with_spaces_around(world: World) -> None:
    world.issuing.add("ada", OURS, "viewer")
    assert (await log_in(world, " ADA ", password_of("ada"))).status_code == 200


async def test_unknown_wrong_and_disabled_are_told_the_same_for_the_same_work(world: World) -> None:
    world.issuing.add("ada", OURS, "viewer")
    off = world.issuing.add("off", OURS, "viewer")
    await world.issuing.store.change_user(off.id, UserChange(disabled=True))
    answers = [await log_in(world, *pair) for pair in (("nobody", WRONG), ("ada", WRONG), ("ö", WRONG))]
    answers.append(await log_in(world, "off"))
    assert {told(answer)[0] for answer in answers} == {401}
    assert len({told(answer) for answer in answers}) == 1
    assert len(world.issuing.hasher.verified) == 4


async def test_too_many_attempts_wait_whatever_the_name(world: World) -> None:
    world.issuing.add("ada", OURS, "viewer")
    for name in ("ada", "nobody"):
        free = [(await log_in(world, name, WRONG)).status_code for _ in range(FREE_PER_ACCOUNT_COUNT + 1)]
        assert set(free) == {401}
    world.issuing.hasher.verified.clear()
    known, unknown = [await log_in(world, name) for name in ("ada", "nobody")]
    assert told(known) == told(unknown)
    assert (known.status_code, known.json()["error"]["code"]) == (429, "TOO_MANY_ATTEMPTS")
    assert int(known.headers["retry-after"]) == 1
    assert world.issuing.hasher.verified == []
    await world.clock.sleep(1)
    assert (await log_in(world, "ada")).status_code == 200


async def test_one_address_guesses_many_names_only_so_often(world: World) -> None:
    statuses = [(await log_in(world, f"user{number}", WRONG)).status_code for number in range(60)]
    assert statuses == [401] * (FREE_PER_ADDRESS_COUNT + 1) + [429] * (60 - FREE_PER_ADDRESS_COUNT - 1)


async def test_right_passwords_are_not_counted(world: World) -> None:
    world.issuing.add("ada", OURS, "viewer")
    assert {(await log_in(world, "ada")).status_code for _ in range(FREE_PER_ADDRESS_COUNT * 2)} == {200}


async def test_without_the_database_nobody_signs_in_and_known_sessions_hold_for_seconds(world: World) -> None:
    tokens = await signed_in(world)
    assert await jobs(world, tokens) == 200
    world.issuing.store.is_away = True
    for answer in (await log_in(world, "ada"), await refresh(world, tokens["refreshToken"])):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "AUTH_UNAVAILABLE")
    world.clock.at += timedelta(seconds=10)
    assert await jobs(world, tokens) == 200
    world.clock.at += timedelta(seconds=0.1)
    assert await jobs(world, tokens) == 503
    world.issuing.store.is_away = False
    assert await jobs(world, tokens) == 200


async def test_an_access_token_lasts_ten_minutes_and_is_followed_by_another(world: World) -> None:
    tokens = await signed_in(world)
    world.clock.at += timedelta(seconds=ACCESS_S + 31)
    assert await jobs(world, tokens) == 401
    followed = (await refresh(world, tokens["refreshToken"])).json()
    assert await jobs(world, followed) == 200
    world.clock.at += IDLE
    assert (await refresh(world, followed["refreshToken"])).status_code == 401


async def test_a_used_refresh_token_ends_the_session_and_the_log_says_so_without_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first = await signed_in(world)
    second = (await refresh(world, first["refreshToken"])).json()
    third = (await refresh(world, second["refreshToken"])).json()
    with caplog.at_level(logging.WARNING):
        assert (await refresh(world, first["refreshToken"])).status_code == 401
    assert (await refresh(world, third["refreshToken"])).status_code == 401
    world.clock.at += timedelta(seconds=STATE_FRESH_S + 0.1)
    assert await jobs(world, third) == 401
    (record,) = [record for record in caplog.records if record.name == "horolog.api.accounts"]
    assert "used refresh token" in record.getMessage()
    assert [t for t in (first, second, third) if t["refreshToken"] in caplog.text] == []


@pytest.mark.parametrize("token", ["x", "ö" * 100, "a.b.c"])
async def test_what_is_no_refresh_token_is_refused_and_signs_nobody_out(world: World, token: str) -> None:
    tokens = await signed_in(world)
    assert (await refresh(world, token)).json()["error"]["code"] == "INVALID_REFRESH_TOKEN"
    assert (await world.ask("POST", f"{AUTH}/logout", {"refreshToken": token})).status_code == 204
    assert (await refresh(world, tokens["refreshToken"])).status_code == 200


async def test_signing_out_makes_both_tokens_void(world: World) -> None:
    tokens = await signed_in(world)
    assert await jobs(world, tokens) == 200
    await world.ask("POST", f"{AUTH}/logout", {"refreshToken": tokens["refreshToken"]})
    assert (await refresh(world, tokens["refreshToken"])).status_code == 401
    world.clock.at += timedelta(seconds=STATE_FRESH_S + 0.1)
    assert await jobs(world, tokens) == 401


async def test_bodies_are_small_and_their_problems_never_repeat_what_was_sent(world: World) -> None:
    secret = "hunter2-hunter2-hunter2"
    for body in ({"name": secret, "password": 5}, {"name": "a" * 300, "password": secret}, {"password": secret}):
        answer = await world.ask("POST", f"{AUTH}/token", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "INVALID_BODY")
        assert secret not in answer.text
    large = await world.ask("POST", f"{AUTH}/token", {"name": "a", "password": "x" * 17_000})
    assert large.status_code == 413
