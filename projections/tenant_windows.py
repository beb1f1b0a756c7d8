"""The figures of tenants by the minute, in PostgreSQL.

Guarantee: as in `queries`: one tenant's rows only, within a bounded time, and a database that does not answer is
reported as `ReadModelUnavailable`. Implements `services.api.window_reader.WindowReader`, which it need not know.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from projections.statements import statement
from projections.views import WindowView
from projections.walls import Walls


class PostgresWindows:
    """Asks through a pool of `projections.connections.open_pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._walls = Walls(pool)

    async def windows(self, tenant_id: str, start: datetime, end: datetime, limit: int) -> Sequence[WindowView]:
        rows = await self._walls.of_tenant(tenant_id, statement("tenant_windows"), tenant_id, start, end, limit)
        return [WindowView(**row) for row in rows]
