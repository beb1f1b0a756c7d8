"""Users are kept once, found by name and id, listed by tenant, and changed in ways that end their sessions."""

from dataclasses import replace

import pytest

from services.api.accounts.ports import AccountStore, UserChange
from tests.contract.accounts.people import NOBODY, NOW, OURS, THEIRS, opening, person, rotation, signed_in


async def test_a_user_is_found_as_it_was_kept(store: AccountStore) -> None:
    ada = person("ada", must_change=True)
    assert not await store.has_users()
    assert await store.add_user(ada)
    assert (await store.user_named("ada"), await store.user(ada.id)) == (ada, ada)
    assert await store.has_users()
    assert (await store.user_named("bob"), await store.user(NOBODY)) == (None, None)


async def test_a_name_is_taken_for_all_tenants(store: AccountStore) -> None:
    assert await store.add_user(person("ada"))
    assert not await store.add_user(person("ada", THEIRS))
    assert [user.tenant_id for user in await store.users(None, None, 10)] == [OURS]


async def test_users_are_listed_newest_first_in_pages_and_by_tenant(store: AccountStore) -> None:
    people = [person("a"), person("b", THEIRS), person("c"), person("d")]
    for user in people:
        await store.add_user(user)
    first = await store.users(None, None, 3)
    assert [user.name for user in first] == ["d", "c", "b"]
    after = (first[-1].created_at, first[-1].id)
    assert [user.name for user in await store.users(None, after, 3)] == ["a"]
    assert [user.name for user in await store.users(OURS, None, 3)] == ["d", "c", "a"]


async def test_first_users_are_kept_only_where_there_are_none(store: AccountStore) -> None:
    assert await store.add_first([person("admin"), person("dev")])
    assert not await store.add_first([person("other")])
    assert {user.name for user in await store.users(None, None, 10)} == {"admin", "dev"}


@pytest.mark.parametrize(
    "change", [UserChange(roles=("operator",)), UserChange(disabled=True), UserChange(tags=("billing", "a,b"))]
)
async def test_a_change_ends_all_sessions(store: AccountStore, change: UserChange) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    changed = await store.change_user(ada.id, change)
    assert changed is not None
    assert (changed.roles, changed.disabled) == (change.roles or ada.roles, bool(change.disabled))
    assert changed.tags == (change.tags or ())
    assert await store.live(live.session_id, NOW) is None
    assert await store.sessions(ada.id, NOW) == []


async def test_a_change_that_changes_nothing_ends_nothing(store: AccountStore) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    for same in (UserChange(), UserChange(roles=ada.roles, disabled=False)):
        assert await store.change_user(ada.id, same) is not None
    assert await store.live(live.session_id, NOW) == live
    assert await store.change_user(NOBODY, UserChange(disabled=True)) is None


async def test_another_password_ends_all_sessions_and_is_set_once_for_each_that_was_proved(
    store: AccountStore,
) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    assert await store.set_password(ada.id, "new", expected=ada.password_hash, must_change=False)
    assert not await store.set_password(ada.id, "newer", expected=ada.password_hash, must_change=False)
    assert await store.live(live.session_id, NOW) is None
    kept = await store.user(ada.id)
    assert kept is not None
    assert (kept.password_hash, kept.must_change_password) == ("new", False)
    assert await store.set_password(ada.id, "reset", expected=None, must_change=True)
    assert not await store.set_password(NOBODY, "reset", expected=None, must_change=True)


async def test_ending_sessions_leaves_the_user(store: AccountStore) -> None:
    ada = person("ada")
    live = await signed_in(store, ada)
    assert await store.end_sessions(ada.id)
    assert not await store.end_sessions(NOBODY)
    assert await store.live(live.session_id, NOW) is None
    assert await store.open_session(opening(ada, b"again")) is not None


async def test_the_tags_of_a_user_are_those_of_its_sessions(store: AccountStore) -> None:
    ada = replace(person("ada"), tags=("billing", "reports"))
    live = await signed_in(store, ada)
    assert live.tags == ada.tags
    rotated = await store.rotate(rotation(b"first", b"second"))
    assert rotated == live == await store.live(live.session_id, NOW)
    changed = await store.change_user(ada.id, UserChange(tags=()))
    assert changed is not None
    assert changed.tags == ()
