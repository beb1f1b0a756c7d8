"""Batches of a chain's entries, as they are sent.

Guarantee: a batch is a function of the position and the entries after it, byte for byte and with its id, so that what
is sent again is the same. Entries that do not follow from what was sent before make no batch: what was done to the
trail is not passed on as if it were whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from horolog.domain.audit import Head, Link, canonical, digest, first_broken, genesis, hashed_form

TYPE = "io.horolog.audit.batch.v1"
Chain = tuple[str, str]
"""A tenant's id, and the chain's name."""


class ChainBroken(Exception):
    """The entries in the database do not follow from what the service has taken."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a chain was taken. `pending_seq` is the last entry of a batch under way, `round` how often it was set
    back."""

    chain: Chain
    head: Head
    pending_seq: int | None = None
    round: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request carries: the entries after the position up to `last`, as `body`."""

    position: Position
    id: str
    last: Head
    body: bytes

    @property
    def entry_count(self) -> int:
        """How many entries it holds."""
        return self.last.seq - self.position.head.seq


def beginning(chain: Chain) -> Position:
    """The position of a chain of which nothing was sent yet."""
    return Position(chain, genesis(*chain))


def next_batch(position: Position, links: Sequence[Link], bytes_max: int) -> Batch | None:
    """The batch after the position; None when there is nothing to send.

    `links` are the chain's from the last one that was taken on, that one included, as many as may go into the batch.
    One that is under way is the same again, whatever its size; a new one keeps to `bytes_max`, but for a single entry.

    Raises:
        ChainBroken: the links do not follow from the position, or are fewer than were under way.
    """
    fresh = _after(position, links)
    if position.pending_seq is not None and (not fresh or fresh[-1].seq != position.pending_seq):
        raise ChainBroken(f"entry {position.pending_seq} was under way, and is not there")
    if not fresh:
        return None
    documents = [document_of(link) for link in fresh]
    if position.pending_seq is None:
        documents = documents[: _fitting(documents, bytes_max)]
    last = fresh[len(documents) - 1].head
    return _batch(position, last, documents)


def document_of(link: Link) -> dict[str, object]:
    """An entry as the service is told it: what its hash is taken of, and the hash."""
    return {**hashed_form(link.entry, link.seq, link.previous_hash), "record_hash": link.record_hash}


def _after(position: Position, links: Sequence[Link]) -> Sequence[Link]:
    """The links after the position.

    Raises:
        ChainBroken: they do not follow from it.
    """
    fresh = links
    if position.head.seq > 0:
        if not links or links[0].head != position.head:
            raise ChainBroken(f"entry {position.head.seq} is not the one that was sent")
        fresh = links[1:]
    broken = first_broken(position.head, fresh)
    if broken is not None:
        raise ChainBroken(f"entry {position.head.seq + 1 + broken} does not follow from the one before it")
    return fresh


def _fitting(documents: Sequence[dict[str, object]], bytes_max: int) -> int:
    """How many of the first documents fit; one in any case."""
    size = 0
    for count, document in enumerate(documents):
        size += len(canonical(document)) + 1
        if size > bytes_max and count > 0:
            return count
    return len(documents)


def _batch(position: Position, last: Head, documents: Sequence[dict[str, object]]) -> Batch:
    tenant_id, chain = position.chain
    first_seq = position.head.seq + 1
    # The last hash stands for every entry before it.
    place = ["horolog-audit-batch-v1", tenant_id, chain, position.round, first_seq, last.seq, last.record_hash]
    id_ = digest(canonical(place))
    told = {
        "type": TYPE,
        "batch_id": id_,
        "tenant_id": tenant_id,
        "chain": chain,
        "round": position.round,
        "first_seq": first_seq,
        "last_seq": last.seq,
        "entries": documents,
    }
    return Batch(position, id_, last, canonical(told))
