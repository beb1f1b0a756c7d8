"""That a user was disabled or enabled is noted in the same step, and stays noted until the log is known to have it."""

from services.api.accounts.ports import AccountStore, UserChange
from tests.contract.accounts.people import NOBODY, OURS, person

FIRST = "00000000-0000-0000-0000-000000000000"


async def test_disabling_and_enabling_are_noted_and_nothing_else_is(store: AccountStore) -> None:
    ada = person("ada")
    await store.add_user(ada)
    await store.change_user(ada.id, UserChange(roles=("operator",), disabled=False))
    assert await store.untold(FIRST, 10) == []
    for number, disabled in ((2, True), (3, False)):
        await store.change_user(ada.id, UserChange(disabled=disabled))
        (standing,) = await store.untold(FIRST, 10)
        assert standing == await store.standing(ada.id)
        assert (standing.user_id, standing.tenant_id, standing.name) == (ada.id, OURS, "ada")
        assert (standing.disabled, standing.number, standing.is_told) == (disabled, number, False)
    assert await store.standing(NOBODY) is None


async def test_what_was_told_is_not_to_be_told_again(store: AccountStore) -> None:
    ada = person("ada")
    await store.add_user(ada)
    await store.change_user(ada.id, UserChange(disabled=True))
    (standing,) = await store.untold(FIRST, 10)
    assert await store.told(standing)
    assert await store.untold(FIRST, 10) == []
    present = await store.standing(ada.id)
    assert present is not None
    assert present.is_told
    await store.change_user(ada.id, UserChange(disabled=True))
    assert await store.untold(FIRST, 10) == []


async def test_of_two_that_were_told_at_once_the_last_is_told_again(store: AccountStore) -> None:
    ada = person("ada")
    await store.add_user(ada)
    await store.change_user(ada.id, UserChange(disabled=True))
    (slow,) = await store.untold(FIRST, 10)
    await store.change_user(ada.id, UserChange(disabled=False))
    (quick,) = await store.untold(FIRST, 10)
    assert await store.told(quick)
    assert not await store.told(slow)
    (again,) = await store.untold(FIRST, 10)
    assert (again.number, again.disabled) == (quick.number, False)
    assert await store.told(again)
    assert await store.untold(FIRST, 10) == []


async def test_what_is_still_to_be_told_comes_in_pages(store: AccountStore) -> None:
    people = [person(name) for name in "abc"]
    for user in people:
        await store.add_user(user)
        await store.change_user(user.id, UserChange(disabled=True))
    page = await store.untold(FIRST, 2)
    rest = await store.untold(page[-1].user_id, 2)
    assert [one.name for one in (*page, *rest)] == ["a", "b", "c"]
