"""Tenants in PostgreSQL: their settings and state, and what they have used.

Guarantee: as in `queries`: within a bounded time, one tenant's rows only but for the list of tenants (`walls`), and a
database that does not answer is reported as `ReadModelUnavailable`. Implements
`services.api.tenant_reader.TenantReader`, which it need not know.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from projections.statements import statement
from projections.views import Cursor, TenantView, UsageView
from projections.walls import Walls


class PostgresTenants:
    """Asks through a pool of `projections.connections.open_pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._walls = Walls(pool)

    async def tenant(self, tenant_id: str) -> TenantView | None:
        rows = await self._walls.of_tenant(tenant_id, statement("tenant"), tenant_id)
        return TenantView(**rows[0]) if rows else None

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        cursor = (None, None) if after is None else (after.at, after.id)
        return [TenantView(**row) for row in await self._walls.across_tenants("tenants", *cursor, limit)]

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        rows = await self._walls.of_tenant(tenant_id, statement("tenant_usage"), tenant_id, start, end)
        return [UsageView(**row) for row in rows]
