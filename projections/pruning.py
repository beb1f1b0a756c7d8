"""Removing rows that nobody will ask for any more: outcomes of commands and figures long past, workers long silent.

Guarantee: bounded work at a time (`PRUNED_ROW_COUNT_MAX` rows of each table), between batches and never within one;
projectors that prune at the same time do not wait for each other. Nothing is decided by these rows.
"""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from horolog.limits import (
    OUTCOME_ROW_KEPT_S,
    PRUNE_INTERVAL_S,
    PRUNE_PAUSE_S,
    PRUNED_ROW_COUNT_MAX,
    WINDOW_ROW_KEPT_S,
    WORKER_ROW_KEPT_S,
)
from horolog.ports import Clock
from projections.statements import statement

_KEPT_S = {
    "prune_outcomes": OUTCOME_ROW_KEPT_S,
    "prune_workers": WORKER_ROW_KEPT_S,
    "prune_windows": WINDOW_ROW_KEPT_S,
}


@dataclass(slots=True)
class Pruner:
    """Prunes once an interval, and in small steps while there is more."""

    clock: Clock
    due_at: float = float("-inf")

    async def look(self, connection: asyncpg.Connection) -> int:
        """Remove what is too old, if it is time; returns how many rows were removed.

        Raises:
            one of `projections.connections.UNAVAILABLE`: whoever comes next removes what is left.
        """
        if self.clock.monotonic() < self.due_at:
            return 0
        now = self.clock.now()
        counts = [
            await connection.fetchval(statement(name), now - timedelta(seconds=kept_s), PRUNED_ROW_COUNT_MAX)
            for name, kept_s in _KEPT_S.items()
        ]
        pause_s = PRUNE_PAUSE_S if max(counts) >= PRUNED_ROW_COUNT_MAX else PRUNE_INTERVAL_S
        self.due_at = self.clock.monotonic() + pause_s
        return sum(counts)
