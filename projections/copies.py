"""Copies of closed days' figures that are kept elsewhere, and what makes them stale.

Guarantee: whoever keeps such copies hears of each change of a closed day after it was written, and of nothing else.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from horolog.domain.closed_days import TenantDay, told_before
from projections.rows import ExecutionRow


class Copies(Protocol):
    """Copies of closed days' figures."""

    async def forget(self, days: Iterable[TenantDay]) -> None:
        """Have no copy of these days any more. Never raises, and soon gives up: what is left expires by itself."""

    async def look(self) -> None:
        """Forget what could not be forgotten before, or was copied in that very moment; to be called now and then."""


class NoCopies:
    """There are none."""

    async def forget(self, days: Iterable[TenantDay]) -> None:
        """Nothing happens."""

    async def look(self) -> None:
        """Nothing happens."""


def changed_days(rows: Iterable[ExecutionRow], now: datetime) -> frozenset[TenantDay]:
    """The closed days to which these rows belong."""
    limit = told_before(now)
    return frozenset(
        (row.tenant_id, row.scheduled_at.astimezone(UTC).date()) for row in rows if row.scheduled_at < limit
    )
