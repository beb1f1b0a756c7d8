"""Batches of the audit trail: the same position gives the same batch, and a receiver can verify the chain by it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from horolog.domain.audit import CALLS, Entry, Head, Link, genesis, linked
from projections.audit_sink.batching import Batch, ChainBroken, Position, beginning, next_batch
from tests.unit.projections.facts import TENANT, at

CHAIN = (TENANT, CALLS)
MEGABYTE = 1024 * 1024


def links(count: int) -> Sequence[Link]:
    """A chain."""
    told = {"actor": "user:ä", "action": "GET /x", "object_id": "", "outcome": "OK", "value_hash": "0" * 64}
    return list(linked(genesis(*CHAIN), (Entry(*CHAIN, at=at(number), **told) for number in range(count))))


def batch_of(position: Position, chain: Sequence[Link], bytes_max: int = MEGABYTE) -> Batch:
    batch = next_batch(position, [link for link in chain if link.seq >= position.head.seq], bytes_max)
    assert batch is not None
    return batch


def told(batch: Batch) -> dict[str, Any]:
    document = json.loads(batch.body)
    assert isinstance(document, dict)
    return document


def after(batch: Batch, **fields: Any) -> Position:
    """The position when the batch was taken."""
    return replace(batch.position, head=batch.last, pending_seq=None, **fields)


def test_a_batch_holds_the_entries_in_order_and_names_its_place() -> None:
    batch = batch_of(beginning(CHAIN), links(3))
    document = told(batch)
    assert [entry["seq"] for entry in document.pop("entries")] == [1, 2, 3]
    assert document == {
        "type": "io.horolog.audit.batch.v1",
        "batch_id": batch.id,
        "tenant_id": TENANT,
        "chain": CALLS,
        "round": 0,
        "first_seq": 1,
        "last_seq": 3,
    }
    assert batch.entry_count == 3


def test_a_receiver_computes_every_hash_from_what_it_is_told() -> None:
    previous = genesis(*CHAIN).record_hash
    for entry in told(batch_of(beginning(CHAIN), links(3)))["entries"]:
        assert entry["previous_hash"] == previous
        previous = entry.pop("record_hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == previous


def test_the_same_position_gives_the_same_bytes_and_id() -> None:
    first, again = (batch_of(beginning(CHAIN), links(3)) for _ in range(2))
    assert (first.id, first.body) == (again.id, again.body)


def test_what_was_under_way_is_the_same_batch_though_the_chain_has_grown_and_the_bounds_are_others() -> None:
    chain = links(9)
    first = batch_of(beginning(CHAIN), chain[:3])
    pending = replace(beginning(CHAIN), pending_seq=3)
    again = batch_of(pending, chain[:3], bytes_max=1)
    assert (again.id, again.body) == (first.id, first.body)
    with pytest.raises(ChainBroken, match="entry 3 was under way"):
        batch_of(pending, chain[:2])


def test_batches_follow_each_other_without_gap_and_are_told_apart() -> None:
    chain = links(5)
    first = batch_of(beginning(CHAIN), chain[:2])
    second = batch_of(after(first), chain)
    assert [entry["seq"] for entry in told(second)["entries"]] == [3, 4, 5]
    assert told(second)["entries"][0]["previous_hash"] == first.last.record_hash
    assert next_batch(after(second), chain[4:], MEGABYTE) is None
    assert len({first.id, second.id, batch_of(after(first), chain[:4]).id}) == 3


def test_a_chain_that_was_set_back_sends_batches_of_another_id() -> None:
    again = replace(beginning(CHAIN), round=1)
    assert batch_of(again, links(3)).id != batch_of(beginning(CHAIN), links(3)).id


def test_a_batch_keeps_to_its_size_but_for_a_single_entry() -> None:
    chain = links(5)
    whole = len(batch_of(beginning(CHAIN), chain).body)
    small = batch_of(beginning(CHAIN), chain, bytes_max=whole // 2)
    assert 0 < small.entry_count < 5
    assert batch_of(beginning(CHAIN), chain, bytes_max=1).entry_count == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda chain: [chain[0], *chain[2:]],
        lambda chain: [chain[0], replace(chain[1], entry=replace(chain[1].entry, actor="user:b")), *chain[2:]],
        lambda chain: [chain[0], chain[2], chain[1]],
    ],
    ids=["left out", "edited", "moved"],
)
def test_what_was_done_to_the_rows_is_not_sent(spoil: Any) -> None:
    with pytest.raises(ChainBroken, match="entry 2"):
        next_batch(beginning(CHAIN), spoil(links(4)), MEGABYTE)


def test_a_trail_that_is_another_or_shorter_than_what_was_sent_is_found() -> None:
    chain = links(4)
    sent = Position(CHAIN, Head(2, "f" * 64))
    with pytest.raises(ChainBroken, match="entry 2 is not the one that was sent"):
        next_batch(sent, chain[1:], MEGABYTE)
    with pytest.raises(ChainBroken, match="entry 4"):
        next_batch(Position(CHAIN, chain[3].head), [], MEGABYTE)
