"""Writes one batch: its rows and the positions after it, in one PostgreSQL transaction.

Guarantee: exactly once. Every position moves from the value at which the batch began, or nothing is written; a
batch delivered again, by this process or by another that believes to own the partition, is recognised by that.
No two transactions write for the same partition at the same time, whatever their topics.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from horolog.log.port import Place
from projections.audit_rows import append_links
from projections.connections import PARTITION_LOCK
from projections.partitions import Month, create_partitions, has_partition, month_of
from projections.rows import (
    BegunRow,
    Changes,
    ExecutionRow,
    JobRow,
    JobVersionRow,
    OutcomeRow,
    OwnerRow,
    TenantChangeRow,
    TenantRow,
    WindowRow,
    WorkerRow,
    columns,
)
from projections.statements import statement
from schemas.events.executions import ExecutionEvent

Moves = Mapping[Place, tuple[int, int]]
"""For each place of a batch: the position that it began at, and the one after it."""

_STATEMENTS: Sequence[tuple[str, type, str]] = (
    # Jobs first: one that appears counts the executions that were applied before it.
    ("upsert_jobs", JobRow, "jobs"),
    ("insert_job_versions", JobVersionRow, "versions"),
    ("add_job_activity", BegunRow, "begun"),
    ("upsert_executions", ExecutionRow, "executions"),
    ("insert_outcomes", OutcomeRow, "outcomes"),
    ("upsert_workers", WorkerRow, "workers"),
    ("upsert_owners", OwnerRow, "owners"),
    ("upsert_tenants", TenantRow, "tenants"),
    ("insert_tenant_changes", TenantChangeRow, "tenant_changes"),
    ("upsert_windows", WindowRow, "windows"),
)


@dataclass(frozen=True, slots=True)
class KnownStart:
    """What is known of an execution: whether its first attempt has started, and its job's type, if that is."""

    started: bool
    job_type: str | None


class PositionsMoved(Exception):
    """Someone else has applied records of these places; nothing was written. Read the positions anew."""


class Writer:
    """Applies batches through one connection, one at a time. Writers of a copy have a `lock` of their own."""

    def __init__(self, connection: asyncpg.Connection, lock: int = PARTITION_LOCK) -> None:
        self._connection = connection
        self._lock = lock
        self._months: set[Month] = set()

    async def positions(self, starts: Mapping[Place, int]) -> dict[Place, int]:
        """The next offset to apply of each place; a place never seen before begins where `starts` says."""
        topics, partitions = _split(starts)
        await self._connection.execute(statement("claim_positions"), topics, partitions, list(starts.values()))
        rows = await self._connection.fetch(statement("read_positions"), topics, partitions)
        return {Place(row["topic"], row["partition"]): row["next"] for row in rows}

    async def skip(self, positions: Mapping[Place, int]) -> None:
        """Go on at these positions, where the present ones are before them."""
        topics, partitions = _split(positions)
        await self._connection.execute(statement("skip_positions"), topics, partitions, list(positions.values()))

    @asynccontextmanager
    async def batch(self, moves: Moves) -> AsyncIterator[None]:
        """The transaction of one batch; whatever is written inside commits together with the positions.

        Raises:
            PositionsMoved: some place is not where the batch began.
        """
        ordered = sorted(moves)
        topics, partitions = _split(ordered)
        sources = [moves[place][0] for place in ordered]
        targets = [moves[place][1] for place in ordered]
        async with self._connection.transaction():
            await self._connection.execute(statement("lock_partitions"), self._lock, sorted(set(partitions)))
            moved = await self._connection.fetchval(
                statement("advance_positions"), topics, partitions, sources, targets
            )
            if moved != len(moves):
                raise PositionsMoved(f"{len(moves) - moved} of {len(moves)} places were moved by someone else")
            yield

    async def write(self, changes: Changes) -> None:
        """The rows of a batch; to be called inside `batch`."""
        for name, row, attribute in _STATEMENTS:
            rows = getattr(changes, attribute)
            if rows:
                await self._connection.execute(statement(name), *columns(row, rows))
        if changes.audit:
            await append_links(self._connection, changes.audit)

    async def known_starts(self, events: Sequence[ExecutionEvent]) -> Mapping[str, KnownStart]:
        """By execution, what the rows say now; to be called outside `batch`."""
        wanted = {event.execution_id: (event.scheduled_for, event.job_id) for event in events}
        instants, jobs = [at for at, _ in wanted.values()], [job for _, job in wanted.values()]
        rows = await self._connection.fetch(statement("known_starts"), list(wanted), instants, jobs)
        return {row["id"]: KnownStart(row["started"], row["job_type"]) for row in rows}

    async def prepare(self, rows: Sequence[ExecutionRow], now: datetime) -> None:
        """Make sure that the rows' months have partitions, where they are to; to be called outside `batch`."""
        months = {month_of(row.scheduled_at) for row in rows} - self._months
        missing = {month for month in months if has_partition(month, now)}
        if missing:
            await create_partitions(self._connection, missing)
            self._months |= missing


def _split(places: Sequence[Place] | Mapping[Place, int]) -> tuple[list[str], list[int]]:
    return [place.topic for place in places], [place.partition for place in places]
