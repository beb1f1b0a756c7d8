"""The outbox in PostgreSQL: which deliveries are due, and how their attempts ended.

Guarantee: a delivery is handed out to one sender at a time, for `LEASE_S`; whoever dies with it, it is handed out again
after that, under the same id. What a sender says of an attempt counts only if nobody has begun another since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from horolog.domain.notifications.attempts import Attempted
from projections.statements import statement

LEASE_S = 60.0
KEPT = timedelta(days=30)
PRUNED_COUNT_MAX = 5000


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that was handed out. Without a `sealed_target` its rule is gone."""

    id: str
    tenant_id: str
    rule_id: str
    channel: str
    document: str
    attempt: int
    made_at: datetime
    sealed_target: str | None = field(repr=False)
    http_allowed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Busy:
    """What nothing is handed out of, and how many deliveries of one tenant and in all may be."""

    rule_ids: Sequence[str]
    tenant_ids: Sequence[str]
    of_tenant_max: int
    count_max: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended; with `again_at` there will be another one."""

    due: Due
    attempted: Attempted
    duration_ms: int
    at: datetime
    again_at: datetime | None

    @property
    def state(self) -> str:
        """What the delivery is now."""
        if self.attempted.failure is None:
            return "sent"
        return "dead" if self.again_at is None else "waiting"


class Outbox:
    """Asks through a pool whose search path is the schema `notifications`. `http_allowed` is of tenants nobody made."""

    def __init__(self, pool: asyncpg.Pool, http_allowed: Sequence[str] = ()) -> None:
        self._pool = pool
        self._http_allowed = list(http_allowed)

    async def take(self, now: datetime, busy: Busy) -> Sequence[Due]:
        """Deliveries to be sent now."""
        rows = await self._pool.fetch(
            statement("notifications/take_due"),
            now,
            now + timedelta(seconds=LEASE_S),
            busy.count_max,
            busy.of_tenant_max,
            list(busy.rule_ids),
            list(busy.tenant_ids),
            self._http_allowed,
        )
        return [Due(**row) for row in rows]

    async def record(self, ending: Ending) -> bool:
        """Keep how an attempt ended; False when that no longer matters."""
        row = await self._pool.fetchval(
            statement("notifications/record_attempt"),
            ending.due.id,
            ending.due.attempt,
            ending.state,
            ending.again_at,
            ending.duration_ms,
            ending.attempted.status_code,
            ending.attempted.failure,
            ending.at,
        )
        return row is not None

    async def figures(self, now: datetime) -> tuple[int, float]:
        """How many deliveries wait, and for how many seconds the oldest has been due."""
        row = await self._pool.fetchrow(statement("notifications/outbox_figures"), now)
        return (0, 0.0) if row is None else (row["waiting"], row["behind_s"])

    async def prune(self, now: datetime) -> int:
        """Remove a bounded number of deliveries that ended long ago; how many."""
        count: int = await self._pool.fetchval(
            statement("notifications/prune_deliveries"), now - KEPT, PRUNED_COUNT_MAX
        )
        return count
