"""Attempts are counted before they are judged, by name and by address, and forgotten in time."""

from datetime import timedelta

from services.api.accounts.backoff import (
    ACCOUNT_WAITS_S,
    ADDRESS_WAITS_S,
    FORGOTTEN_AFTER,
    FREE_PER_ACCOUNT_COUNT,
    WAIT_S_MAX,
)
from services.api.accounts.ports import AccountStore, Counted
from tests.contract.accounts.people import NOW

SECOND = timedelta(seconds=1)


async def failed(store: AccountStore, count: int, by: Counted = Counted.ACCOUNT) -> None:
    """So many attempts at a time that all are looked at."""
    for _ in range(count):
        assert await store.attempt(by, b"ada", NOW, ACCOUNT_WAITS_S) is None


async def test_some_attempts_are_free_and_then_each_has_to_wait_longer(store: AccountStore) -> None:
    await failed(store, FREE_PER_ACCOUNT_COUNT + 1)
    at = NOW
    for wait_s in (1, 2, 4, 8):
        end = await store.attempt(Counted.ACCOUNT, b"ada", at, ACCOUNT_WAITS_S)
        assert end == at + timedelta(seconds=wait_s)
        at = end
        assert await store.attempt(Counted.ACCOUNT, b"ada", at, ACCOUNT_WAITS_S) is None


async def test_waits_end_in_the_longest_one_and_never_in_a_lock(store: AccountStore) -> None:
    at = NOW
    for _ in ACCOUNT_WAITS_S:
        await store.attempt(Counted.ACCOUNT, b"ada", at, ACCOUNT_WAITS_S)
        at += timedelta(seconds=WAIT_S_MAX)
    assert await store.attempt(Counted.ACCOUNT, b"ada", at, ACCOUNT_WAITS_S) is None
    assert await store.attempt(Counted.ACCOUNT, b"ada", at, ACCOUNT_WAITS_S) == at + timedelta(seconds=WAIT_S_MAX)


async def test_names_and_addresses_are_counted_by_themselves(store: AccountStore) -> None:
    await failed(store, FREE_PER_ACCOUNT_COUNT + 1)
    assert await store.attempt(Counted.ACCOUNT, b"bob", NOW, ACCOUNT_WAITS_S) is None
    assert await store.attempt(Counted.ADDRESS, b"ada", NOW, ADDRESS_WAITS_S) is None
    assert await store.attempt(Counted.ACCOUNT, b"ada", NOW, ACCOUNT_WAITS_S) is not None


async def test_a_right_password_is_forgiven_the_account_and_takes_one_back_from_the_address(
    store: AccountStore,
) -> None:
    await failed(store, FREE_PER_ACCOUNT_COUNT + 1)
    await failed(store, FREE_PER_ACCOUNT_COUNT + 1, Counted.ADDRESS)
    await store.forgive(b"ada", b"ada", NOW)
    await failed(store, FREE_PER_ACCOUNT_COUNT + 1)
    await failed(store, 1, Counted.ADDRESS)
    assert await store.attempt(Counted.ADDRESS, b"ada", NOW, ACCOUNT_WAITS_S) == NOW + SECOND


async def test_attempts_are_forgotten_after_an_hour_of_quiet_and_then_removed(store: AccountStore) -> None:
    await failed(store, FREE_PER_ACCOUNT_COUNT + 1)
    later = NOW + FORGOTTEN_AFTER + SECOND
    assert await store.prune(NOW + FORGOTTEN_AFTER) == 0
    for _ in range(FREE_PER_ACCOUNT_COUNT + 1):
        assert await store.attempt(Counted.ACCOUNT, b"ada", later, ACCOUNT_WAITS_S) is None
    assert await store.prune(later + FORGOTTEN_AFTER + SECOND) == 1
