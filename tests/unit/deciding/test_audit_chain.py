"""The chain's laws: whatever is done to a list of entries is found, and the same entries have the same hashes."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from horolog.domain.audit import (
    CALLS,
    JOBS,
    Entry,
    Fault,
    Link,
    first_broken,
    first_difference,
    following,
    genesis,
    linked,
)

TENANT = "11111111-2222-4333-8444-555555555555"
START = genesis(TENANT, CALLS)
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIELDS = ("actor", "action", "object_id", "outcome", "address", "command_id", "reason", "before_hash", "after_hash")


def entry(number: int) -> Entry:
    return Entry(TENANT, CALLS, AT + timedelta(seconds=number), "user:1", "POST /", str(number), "OK", f"{number:064x}")


def chain(count: int) -> list[Link]:
    return list(linked(START, map(entry, range(count))))


def edited_entry(one: Entry, name: str, value: str) -> Entry:
    return Entry(**{**asdict(one), name: value})


def relinked(links: list[Link]) -> list[Link]:
    """What somebody makes of the links who computes all the hashes anew."""
    return list(linked(START, [link.entry for link in links]))


@given(st.integers(1, 8), st.data())
def test_any_edit_breaks_the_chain_and_a_new_chain_has_another_head(count: int, data: st.DataObject) -> None:
    links = chain(count)
    place, name = data.draw(st.integers(0, count - 1)), data.draw(st.sampled_from(FIELDS))
    edited = [*links]
    edited[place] = replace(links[place], entry=edited_entry(links[place].entry, name, data.draw(st.text())))
    assume(edited != links)
    assert first_broken(START, links) is None
    assert first_broken(START, edited) == place
    assert relinked(edited)[-1].head != links[-1].head
    assert first_difference(links, edited) == (place + 1, Fault.EDITED)


@given(st.integers(2, 8), st.data())
def test_any_deletion_is_found_also_when_the_rest_is_numbered_anew(count: int, data: st.DataObject) -> None:
    links, place = chain(count), data.draw(st.integers(0, count - 2))
    left = links[:place] + links[place + 1 :]
    assert first_broken(START, left) == place
    assert relinked(left)[-1].head != links[-1].head
    assert first_difference(links, left) == (place + 1, Fault.DELETED)
    assert first_difference(links, relinked(left)) == (place + 1, Fault.DELETED)


@given(st.integers(2, 8), st.data())
def test_any_swap_is_found_also_when_it_is_numbered_anew(count: int, data: st.DataObject) -> None:
    links = chain(count)
    one, other = sorted(data.draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=2, unique=True)))
    moved = [*links]
    moved[one], moved[other] = links[other], links[one]
    assert first_broken(START, moved) == one
    assert relinked(moved)[-1].head != links[-1].head
    assert first_difference(links, relinked(moved)) == (one + 1, Fault.REORDERED)


@given(st.integers(1, 8), st.data())
def test_a_cut_end_is_a_good_chain_and_found_by_the_head_only(count: int, data: st.DataObject) -> None:
    links, left = chain(count), data.draw(st.integers(0, count - 1))
    assert first_broken(START, links[:left]) is None
    assert links[:left][-1:] != links[-1:]
    assert first_difference(links, links[:left]) == (left + 1, Fault.TRUNCATED)


def test_an_entry_too_many_is_found() -> None:
    links = chain(4)
    more = relinked([links[0], replace(links[0], entry=entry(99)), *links[1:]])
    assert first_difference(links, more) == (2, Fault.ADDED)


def test_chains_of_other_tenants_and_topics_begin_otherwise() -> None:
    starts = {genesis(TENANT, CALLS).record_hash, genesis(TENANT, JOBS).record_hash, genesis("x", CALLS).record_hash}
    assert len(starts) == 3


@pytest.mark.parametrize("hours", [-11, 0, 5])
def test_the_same_instant_has_the_same_hash_in_any_zone(hours: int) -> None:
    elsewhere = replace(entry(1), at=entry(1).at.astimezone(timezone(timedelta(hours=hours))))
    assert following(START, elsewhere).record_hash == following(START, entry(1)).record_hash


def test_the_hash_is_the_one_that_was_always_computed() -> None:
    assert chain(2)[-1].record_hash == "5617858f5d1fc5241b97394155b92dd423e0adad937876c805af0ec533952292"
