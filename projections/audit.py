"""The audit trail in PostgreSQL.

Guarantee: as in `queries`: one tenant's rows only, within a bounded time, and a database that does not answer is
reported as `ReadModelUnavailable`. Implements `services.api.audit_reader.AuditReader`, which it need not know.
"""

from collections.abc import Sequence

import asyncpg

from horolog.domain.audit import Link
from projections.audit_rows import link_of
from projections.statements import statement
from projections.views import AuditFilter, Cursor
from projections.walls import Walls


class PostgresAudit:
    """Asks through a pool of `projections.connections.open_pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._walls = Walls(pool)

    async def entries(self, tenant_id: str, where: AuditFilter, after: Cursor | None, limit: int) -> Sequence[Link]:
        chain, _, seq = after.id.partition(":") if after else ("", "", "0")
        rows = await self._walls.of_tenant(
            tenant_id,
            statement("audit_entries"),
            *(tenant_id, where.start, where.end, where.actor, where.action, where.object_id, where.chain),
            *(after.at if after else None, chain, int(seq), limit),
        )
        return [link_of(row) for row in rows]
