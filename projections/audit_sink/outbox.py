"""The rows to send and the positions of the chains, through one connection.

Guarantee: every change names the state that it follows, and happens in that state only: whoever has moved a chain in
between, the chain goes on from where it then is. Several tasks may ask at a time; they take turns.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from horolog.domain.audit import Head, genesis
from projections.audit_rows import link_of
from projections.audit_sink.batching import Batch, Chain, Position, beginning, next_batch
from projections.audit_sink.turns import Waiting
from projections.connections import AUDIT_SINK_LOCK
from projections.statements import statement


class SetBackRefused(Exception):
    """The chain cannot go on from there; the message says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """A chain, how far it goes, how far it was taken, and what keeps it from going on, if something does."""

    waiting: Waiting
    trouble: str | None
    trouble_since: datetime | None


class Outbox:
    """What the sender knows and writes down."""

    def __init__(self, connection: asyncpg.Connection, bytes_max: int) -> None:
        self._connection = connection
        self._bytes_max = bytes_max
        # A connection runs one statement at a time.
        self._turn = asyncio.Lock()

    async def may_send(self) -> bool:
        """Whether this connection is the one that sends, from now on until it ends."""
        async with self._turn:
            return bool(await self._connection.fetchval("select pg_try_advisory_lock($1)", AUDIT_SINK_LOCK))

    async def waiting(self) -> Sequence[Waiting]:
        """The chains that were not taken as far as they go, that which waits longest first."""
        async with self._turn:
            return [state.waiting for state in await chain_states(self._connection, everything=False)]

    async def begin(self, chain: Chain, count_max: int) -> Batch | None:
        """The chain's next batch, or again the one that was under way; None when there is nothing to send.

        Raises:
            ChainBroken: the rows are not what follows from the position.
        """
        async with self._turn:
            position = await self._position(chain)
            last_seq = position.pending_seq or position.head.seq + count_max
            rows = await self._connection.fetch(statement("audit_links"), *chain, position.head.seq, last_seq)
            # Hashing a thousand entries would hold up the projector, which shares the loop.
            batch = await asyncio.to_thread(next_batch, position, [link_of(row) for row in rows], self._bytes_max)
            if batch is None or position.pending_seq is not None:
                return batch
            place = (*chain, position.head.seq, position.head.record_hash, batch.last.seq, position.round)
            is_begun = await self._connection.fetchval(statement("audit_sink_begin"), *place)
            return batch if is_begun else None

    async def advance(self, batch: Batch) -> bool:
        """The batch was taken; False when the chain was moved meanwhile, so that it goes on elsewhere."""
        position, last = batch.position, batch.last
        place = (*position.chain, position.head.seq, last.seq, last.record_hash, position.round)
        async with self._turn:
            return bool(await self._connection.fetchval(statement("audit_sink_advance"), *place))

    async def note(self, chain: Chain, code: str, now: datetime) -> None:
        """Write down why the chain does not go on."""
        start = genesis(*chain).record_hash
        async with self._turn:
            await self._connection.execute(statement("audit_sink_trouble"), *chain, start, code, now)

    async def _position(self, chain: Chain) -> Position:
        row = await self._connection.fetchrow(statement("audit_sink_position"), *chain)
        if row is None:
            return beginning(chain)
        return Position(chain, Head(row["seq"], row["record_hash"]), row["pending_seq"], row["round"])


async def chain_states(connection: asyncpg.Connection, *, everything: bool = True) -> Sequence[ChainState]:
    """Every chain there is, or only those that were not taken as far as they go."""
    rows = await connection.fetch(statement("audit_sink_chains"), everything)
    return [
        ChainState(
            Waiting((row["tenant_id"], row["chain"]), row["round"], row["seq"], row["end_seq"], row["since"]),
            row["trouble"],
            row["trouble_since"],
        )
        for row in rows
    ]


async def set_back(connection: asyncpg.Connection, chain: Chain, first_seq: int) -> None:
    """Let the chain go on with this entry, whatever was sent of it before.

    Raises:
        SetBackRefused: entries would be passed over, or there is no such entry.
    """
    head = await _head_before(connection, chain, first_seq)
    if not await connection.fetchval(statement("audit_sink_set_back"), *chain, head.seq, head.record_hash):
        raise SetBackRefused(f"the chain was not taken up to entry {head.seq}: those before it would never be sent")


async def _head_before(connection: asyncpg.Connection, chain: Chain, seq: int) -> Head:
    if seq == 1:
        return genesis(*chain)
    rows = await connection.fetch(statement("audit_links"), *chain, seq - 1, seq - 1)
    if not rows:
        raise SetBackRefused(f"the chain has no entry {seq - 1}")
    return link_of(rows[0]).head
