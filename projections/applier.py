"""Applies batches of records: rows, positions and dead letters, as one.

Guarantee: exactly once (see `writer`), and no record stops those after it: one that cannot be understood, or whose
row PostgreSQL refuses, is told as a dead letter, and everything else of its batch is applied. Whoever waits for a
command is told after the commit, never before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from horolog.log.port import Place, Record
from horolog.ports import Clock
from projections.connections import is_refusal
from projections.fold import Folded, Refusal, fold
from projections.rows import Changes
from projections.writer import Writer


class Notify(Protocol):
    """Tells whoever waits that commands have taken effect in the read models."""

    async def applied(self, command_ids: Sequence[str]) -> None:
        """Tell it. Never raises: nothing depends on being heard."""


class Letters(Protocol):
    """Tells of refused records; see `projections.letters.DeadLetters`."""

    async def tell(self, refusals: Sequence[Refusal], positions: Mapping[Place, int]) -> None:
        """Tell what has not been told; `positions` are those at which the records' batch begins."""


class Silence:
    """Tells nobody; waiters poll."""

    async def applied(self, command_ids: Sequence[str]) -> None:
        """Nothing happens."""


@dataclass(slots=True)
class ProjectorCounters:
    """What the metrics report. `failures` are defects.

    `skipped` counts how often a place had to go on after what the log no longer kept, `pruned` the rows removed
    because they were too old.
    """

    records: int = 0
    batches: int = 0
    refused: int = 0
    skipped: int = 0
    pruned: int = 0
    failures: int = 0


@dataclass(slots=True)
class Applier:
    """Applies what one reader reads. `positions` holds the next offset to apply of each of its places."""

    writer: Writer
    letters: Letters
    clock: Clock
    partition_count: int
    positions: dict[Place, int]
    notify: Notify = field(default_factory=Silence)
    counters: ProjectorCounters = field(default_factory=ProjectorCounters)

    async def apply(self, records: Sequence[Record]) -> None:
        """Apply the records, which follow the positions.

        Raises:
            PositionsMoved: someone else has applied some of them; nothing of theirs was written.
            LogError: a dead letter could not be told; what was not applied can be applied again.
            one of `projections.connections.UNAVAILABLE`: likewise.
        """
        folded = fold(records, self.partition_count)
        try:
            await self._commit(records, folded)
        except Exception as error:
            if not is_refusal(error):
                raise
            await self._apply_parts(records, f"the read models refuse it: {error}")

    async def _apply_parts(self, records: Sequence[Record], reason: str) -> None:
        """The record that PostgreSQL refuses is found by halving its batch; it alone is put aside."""
        if len(records) == 1:
            await self._commit(records, Folded(Changes(), [Refusal(records[0], reason)]))
            return
        middle = len(records) // 2
        await self.apply(records[:middle])
        await self.apply(records[middle:])

    async def _commit(self, records: Sequence[Record], folded: Folded) -> None:
        after = _positions_after(records)
        moves = {place: (self.positions[place], position) for place, position in after.items()}
        await self.writer.prepare(folded.changes.executions, self.clock.now())
        async with self.writer.batch(moves):
            await self.writer.write(folded.changes)
            await self.letters.tell(folded.refusals, self.positions)
        self.positions.update(after)
        self.counters.batches += 1
        self.counters.records += len(records)
        self.counters.refused += len(folded.refusals)
        if folded.changes.applied:
            await self.notify.applied(folded.changes.applied)


def _positions_after(records: Sequence[Record]) -> Mapping[Place, int]:
    return {Place(record.topic, record.partition): record.offset + 1 for record in records}
