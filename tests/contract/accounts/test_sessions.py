"""A session is good until it ends, and a refresh token serves once."""

from datetime import timedelta

import pytest

from services.api.accounts.bounds import FAMILY, IDLE, SESSIONS_PER_USER_COUNT_MAX
from services.api.accounts.ports import AccountStore, UserChange
from tests.contract.accounts.people import NOBODY, NOW, opening, person, rotation, signed_in

SECOND = timedelta(seconds=1)


async def test_a_session_tells_whose_it_is_and_what_he_may_do(store: AccountStore) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    assert (live.user_id, live.tenant_id, live.name) == (ada.id, ada.tenant_id, "ada")
    assert (live.roles, live.session_version) == (("viewer",), 1)
    assert await store.live(live.session_id, NOW) == live
    assert await store.live(NOBODY, NOW) is None
    (session,) = await store.sessions(ada.id, NOW)
    assert (session.id, session.expires_at) == (live.session_id, NOW + FAMILY)
    kept = await store.user(ada.id)
    assert kept is not None
    assert kept.last_login_at == NOW


@pytest.mark.parametrize("why", ["disabled", "another password", "one-time password"])
async def test_no_session_is_opened_for_who_has_been_changed_meanwhile(store: AccountStore, why: str) -> None:
    ada = person("ada", must_change=why == "one-time password")
    await store.add_user(ada)
    if why == "disabled":
        await store.change_user(ada.id, UserChange(disabled=True))
    if why == "another password":
        await store.set_password(ada.id, "new", expected=None, must_change=False)
    assert await store.open_session(opening(ada)) is None


async def test_a_refresh_token_serves_once_and_its_successor_after_it(store: AccountStore) -> None:
    live = await signed_in(store, person("ada"))
    assert await store.rotate(rotation(b"first", b"second")) == live
    assert await store.rotate(rotation(b"first", b"third")) is None
    assert await store.rotate(rotation(b"unknown", b"third")) is None
    assert await store.rotate(rotation(b"second", b"third")) == live


async def test_who_shows_a_used_token_ends_its_session(store: AccountStore) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    for shown, successor in ((b"first", b"second"), (b"second", b"third")):
        await store.rotate(rotation(shown, successor))
    assert await store.end_reused(b"third", NOW) is None
    assert await store.end_reused(b"unknown", NOW) is None
    assert await store.end_reused(b"first", NOW) == live.session_id
    assert await store.end_reused(b"first", NOW) is None
    assert await store.rotate(rotation(b"third", b"fourth")) is None
    assert await store.live(live.session_id, NOW) is None


async def test_a_session_that_nobody_refreshes_ends_after_a_day(store: AccountStore) -> None:
    live = await signed_in(store, person("ada"))
    assert await store.live(live.session_id, NOW + IDLE - SECOND) == live
    assert await store.live(live.session_id, NOW + IDLE) is None
    assert await store.rotate(rotation(b"first", b"second", NOW + IDLE)) is None


async def test_a_session_ends_after_its_days_however_often_it_is_refreshed(store: AccountStore) -> None:
    live = await signed_in(store, person("ada"))
    token, at = b"0", NOW
    await store.rotate(rotation(b"first", token))
    while (at := at + IDLE - SECOND) < NOW + FAMILY:
        assert await store.rotate(rotation(token, token + b"0", at)) is not None
        token += b"0"
    assert await store.live(live.session_id, NOW + FAMILY - SECOND) == live
    assert await store.live(live.session_id, NOW + FAMILY) is None


@pytest.mark.parametrize("token", [b"first", b"second"])
async def test_signing_out_ends_that_session_only(store: AccountStore, token: bytes) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    other = await store.open_session(opening(ada, b"elsewhere"))
    await store.rotate(rotation(b"first", b"second"))
    await store.end_session_of(b"unknown", NOW)
    await store.end_session_of(token, NOW)
    assert await store.live(live.session_id, NOW) is None
    assert other is not None
    assert [session.id for session in await store.sessions(ada.id, NOW)] == [other.session_id]


async def test_a_session_is_ended_by_its_id_and_its_user(store: AccountStore) -> None:
    ada, bob = person("ada"), person("bob")
    live = await signed_in(store, ada)
    await store.add_user(bob)
    assert not await store.end_session(bob.id, live.session_id, NOW)
    assert await store.end_session(ada.id, live.session_id, NOW)
    assert not await store.end_session(ada.id, live.session_id, NOW)


async def test_who_opens_many_sessions_loses_the_least_recently_used(store: AccountStore) -> None:
    ada = person("ada")
    first = await signed_in(store, ada)
    for number in range(SESSIONS_PER_USER_COUNT_MAX):
        at = NOW + timedelta(seconds=number + 1)
        assert await store.open_session(opening(ada, b"%d" % number, at)) is not None
    later = NOW + timedelta(hours=1)
    assert len(await store.sessions(ada.id, later)) == SESSIONS_PER_USER_COUNT_MAX
    assert await store.live(first.session_id, later) is None


async def test_what_is_over_is_removed_and_nothing_else(store: AccountStore) -> None:
    ada = person("ada")
    await signed_in(store, ada)
    fresh = await store.open_session(opening(ada, b"fresh", NOW + IDLE))
    assert fresh is not None
    after = NOW + IDLE + SECOND
    assert await store.prune(after) == 1
    assert await store.prune(after) == 0
    assert await store.live(fresh.session_id, after) == fresh
