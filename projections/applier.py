"""Applies batches of records: rows, positions and dead letters, as one.

Guarantee: exactly once (see `writer`), and no record stops those after it: one that cannot be understood, or whose
row PostgreSQL refuses, is told as a dead letter, and everything else of its batch is applied. A record that violates a
unique constraint is besides logged as an error and counted: the log has said the same twice. Whoever waits for a
command is told after the commit, never before; so are the metrics.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from horolog.log.port import Place, Record
from horolog.ports import Clock
from projections.connections import is_refusal, violated
from projections.copies import Copies, NoCopies, changed_days
from projections.figures import Teller
from projections.fold import Folded, Refusal, fold
from projections.rows import Changes
from projections.writer import Writer

_logger = logging.getLogger(__name__)

OnViolation = Callable[[str], None]
"""Hears of each record that violates a unique constraint, and of which kind: `instant` or `key`."""


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
    """What the metrics report. `failures` are defects, and so are `violations`, which are counted as `refused`, too.

    `skipped` counts how often a place had to go on after what the log no longer kept, `pruned` the rows removed
    because they were too old.
    """

    records: int = 0
    batches: int = 0
    refused: int = 0
    violations: int = 0
    skipped: int = 0
    pruned: int = 0
    failures: int = 0


@dataclass(slots=True)
class Applier:
    """Applies what one reader reads. `positions` holds the next offset to apply of each of its places.

    Without a `teller` the metrics hear of nothing.
    """

    writer: Writer
    letters: Letters
    clock: Clock
    partition_count: int
    positions: dict[Place, int]
    notify: Notify = field(default_factory=Silence)
    counters: ProjectorCounters = field(default_factory=ProjectorCounters)
    teller: Teller | None = None
    copies: Copies = field(default_factory=NoCopies)
    on_violation: OnViolation = lambda _: None

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
            await self._apply_parts(records, error)

    async def _apply_parts(self, records: Sequence[Record], error: Exception) -> None:
        """The record that PostgreSQL refuses is found by halving its batch; it alone is put aside."""
        if len(records) == 1:
            await self._commit(records, Folded(Changes(), [Refusal(records[0], f"the read models refuse it: {error}")]))
            self._tell_violation(records[0], error)
            return
        middle = len(records) // 2
        await self.apply(records[:middle])
        await self.apply(records[middle:])

    def _tell_violation(self, record: Record, error: Exception) -> None:
        kind = violated(error)
        if kind is None:
            return
        self.counters.violations += 1
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        _logger.error("a unique constraint (%s) is violated: %s", kind, error, extra=where)
        self.on_violation(kind)

    async def _commit(self, records: Sequence[Record], folded: Folded) -> None:
        after = _positions_after(records)
        moves = {place: (self.positions[place], position) for place, position in after.items()}
        await self.writer.prepare(folded.changes.executions, self.clock.now())
        asked = await self.teller.look_up(folded.events, self.writer) if self.teller is not None else {}
        async with self.writer.batch(moves):
            await self.writer.write(folded.changes)
            await self.letters.tell(folded.refusals, self.positions)
        self.positions.update(after)
        self.counters.batches += 1
        self.counters.records += len(records)
        self.counters.refused += len(folded.refusals)
        if self.teller is not None:
            self.teller.tell(folded.events, folded.dispatches, asked)
            written_s = min(records[0].timestamp_ms, records[-1].timestamp_ms) / 1000
            self.teller.figures.facts_applied(self.clock.now().timestamp() - written_s)
        if days := changed_days(folded.changes.executions, self.clock.now()):
            await self.copies.forget(days)
        if folded.changes.applied:
            await self.notify.applied(folded.changes.applied)


def _positions_after(records: Sequence[Record]) -> Mapping[Place, int]:
    return {Place(record.topic, record.partition): record.offset + 1 for record in records}
