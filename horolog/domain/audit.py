"""The chains of the audit trail: each entry carries a hash over itself and over the hash of the entry before it.

Guarantee: an entry that is edited, left out, moved or added changes the hash of every entry after it, so that a head
that was kept elsewhere finds it. A chain alone does not tell that its end was cut off; a head that was kept does.
An entry names the hash of its record's bytes in the log: nothing of the record can change unseen.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

JOBS, TENANTS, CALLS = "jobs", "tenants", "calls"
CHAINS = (JOBS, TENANTS, CALLS)
"""One for each topic that tells of it: only the order within one topic is the same for everybody who reads it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. The hashes are SHA-256 in hexadecimal; `value_hash` is that of the record's bytes.

    `before_hash` and `after_hash` are of the canonical JSON of the job or tenant, where one was changed.
    """

    tenant_id: str
    chain: str
    at: datetime
    actor: str
    action: str
    object_id: str
    outcome: str
    value_hash: str
    address: str | None = None
    command_id: str | None = None
    reason: str | None = None
    before_hash: str | None = None
    after_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain has come to: how many entries it has, and the hash of the last."""

    seq: int
    record_hash: str


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place; the first has the `seq` 1."""

    entry: Entry
    seq: int
    previous_hash: str
    record_hash: str

    @property
    def head(self) -> Head:
        """The chain's head, when this is its last entry."""
        return Head(self.seq, self.record_hash)


def genesis(tenant_id: str, chain: str) -> Head:
    """The head of a chain without entries; it is another one for every tenant and chain."""
    return Head(0, digest(canonical(["horolog-audit-v1", tenant_id, chain])))


def following(head: Head, entry: Entry) -> Link:
    """The entry as the next one after the head."""
    seq = head.seq + 1
    return Link(entry, seq, head.record_hash, digest(canonical(hashed_form(entry, seq, head.record_hash))))


def hashed_form(entry: Entry, seq: int, previous_hash: str) -> dict[str, Any]:
    """What the hash of a link is taken of, as JSON data: whoever is told this can compute the chain."""
    return {**asdict(entry), "seq": seq, "previous_hash": previous_hash, "at": entry.at.astimezone(UTC).isoformat()}


def linked(head: Head, entries: Iterable[Entry]) -> Iterator[Link]:
    """The entries, one after the other, from the head on."""
    for entry in entries:
        link = following(head, entry)
        head = link.head
        yield link


def first_broken(start: Head, links: Sequence[Link]) -> int | None:
    """The place, counted from 0, of the first link that does not follow from the one before it; None for a chain."""
    head = start
    for place, link in enumerate(links):
        if following(head, link.entry) != link:
            return place
        head = link.head
    return None


class Fault(StrEnum):
    """What was done to a chain."""

    EDITED = "edited"
    DELETED = "deleted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    ADDED = "added"


def first_difference(wanted: Sequence[Link], found: Sequence[Link], *, is_end: bool = True) -> tuple[int, Fault] | None:
    """The place of the first link of the log that is not found as it is, and why; None when all are.

    Both are from the same place of the chain on, and `found` goes by its own numbers. `is_end` says that nothing is
    kept after `found`. What is known of either is what is given here: an entry moved further than that counts as
    edited.
    """
    by_seq = {link.seq: link for link in found}
    for link in wanted:
        other = by_seq.get(link.seq)
        if other is None:
            gone_on = not is_end or any(one.seq > link.seq for one in found)
            return link.seq, Fault.DELETED if gone_on else Fault.TRUNCATED
        if other != link:
            return link.seq, _fault(link, other, wanted, found)
    return None


def _fault(link: Link, other: Link, wanted: Sequence[Link], found: Sequence[Link]) -> Fault:
    told, kept = link.entry.value_hash, other.entry.value_hash
    if told == kept:
        return Fault.EDITED
    is_kept = any(one.entry.value_hash == told for one in found)
    is_told = any(one.entry.value_hash == kept for one in wanted)
    if is_kept and is_told:
        return Fault.REORDERED
    return Fault.ADDED if is_kept else Fault.DELETED if is_told else Fault.EDITED


def canonical(value: Any) -> bytes:
    """The value's JSON with sorted keys and nothing between the parts, so that the same value has the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(data).hexdigest()
