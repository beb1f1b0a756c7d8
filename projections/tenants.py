"""Tenants in PostgreSQL: their settings and state, and what they have used.

Guarantee: as in `queries`: within a bounded time, and a database that does not answer is reported as
`ReadModelUnavailable`. Implements `services.api.tenant_reader.TenantReader`, which it need not know.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from projections.connections import QUERY_TIMEOUT_S, UNAVAILABLE
from projections.statements import statement
from projections.views import Cursor, ReadModelUnavailable, TenantView, UsageView


class PostgresTenants:
    """Asks through a pool of `projections.connections.open_pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def tenant(self, tenant_id: str) -> TenantView | None:
        rows = await self._fetch("tenant", tenant_id)
        return TenantView(**rows[0]) if rows else None

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        cursor = (None, None) if after is None else (after.at, after.id)
        return [TenantView(**row) for row in await self._fetch("tenants", *cursor, limit)]

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        return [UsageView(**row) for row in await self._fetch("tenant_usage", tenant_id, start, end)]

    async def _fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        try:
            async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
                return list(await connection.fetch(statement(name), *arguments, timeout=QUERY_TIMEOUT_S))
        except (*UNAVAILABLE, TimeoutError) as error:
            raise ReadModelUnavailable(f"the database does not answer: {type(error).__name__}") from error
