"""The rows of the audit trail: entries become the next links of their chains, and rows are read as links.

Guarantee: links are written inside a batch, whose locks let nobody else write for the tenants' partition: a chain has
no gap and no fork, wherever one batch ends and the next begins.
"""

from collections.abc import Sequence

import asyncpg

from horolog.domain.audit import Entry, Head, Link, following, genesis
from projections.statements import statement

Chain = tuple[str, str]
"""A tenant's id, and the chain's name."""


async def append_links(connection: asyncpg.Connection, entries: Sequence[Entry]) -> None:
    """Write the entries, which are in the log's order within each chain."""
    heads = await _heads(connection, sorted({(entry.tenant_id, entry.chain) for entry in entries}))
    links = []
    for entry in entries:
        chain = (entry.tenant_id, entry.chain)
        link = following(heads[chain], entry)
        heads[chain] = link.head
        links.append(row_of(link))
    await connection.execute(statement("insert_audit_links"), *zip(*links, strict=True))


def link_of(row: asyncpg.Record) -> Link:
    """The link that a row of `audit_chain` holds; its ids are read as text."""
    told = dict(row)
    place = told.pop("seq"), told.pop("previous_hash"), told.pop("record_hash")
    return Link(Entry(**told), *place)


def row_of(link: Link) -> tuple[object, ...]:
    """The link's values in the order of the columns of `audit_chain`."""
    entry = link.entry
    return (
        *(entry.tenant_id, entry.chain, link.seq, entry.at, entry.actor, entry.action, entry.object_id),
        *(entry.outcome, entry.value_hash, entry.address, entry.command_id, entry.reason),
        *(entry.before_hash, entry.after_hash, link.previous_hash, link.record_hash),
    )


async def _heads(connection: asyncpg.Connection, chains: Sequence[Chain]) -> dict[Chain, Head]:
    tenants, names = zip(*chains, strict=True)
    rows = await connection.fetch(statement("audit_heads"), tenants, names)
    begun = {chain: genesis(*chain) for chain in chains}
    return begun | {(row["tenant_id"], row["chain"]): Head(row["seq"], row["record_hash"]) for row in rows}
