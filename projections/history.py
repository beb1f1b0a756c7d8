"""The past of jobs in PostgreSQL: their versions, a job as it was, and which schedules were in force when.

Guarantee: as in `queries`: one tenant's rows only, within a bounded time, and a database that does not answer is
reported as `ReadModelUnavailable`. Implements `services.api.history.HistoryReader`, which it need not know.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from horolog.domain.history import JobVersion
from horolog.domain.history_fires import ScheduleSpan
from projections.statements import statement
from projections.views import JobView
from projections.walls import Walls
from schemas.jobs import Job


class PostgresHistory:
    """Asks through a pool of `projections.connections.open_pool`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._walls = Walls(pool)

    async def versions(self, tenant_id: str, job_id: str, below: int | None, limit: int) -> Sequence[JobVersion]:
        rows = await self._walls.of_tenant(tenant_id, statement("job_history"), job_id, tenant_id, below, limit)
        return [_version(row) for row in rows]

    async def job(self, tenant_id: str, job_id: str, at: datetime) -> JobView | None:
        rows = await self._walls.of_tenant(tenant_id, statement("job_as_of"), job_id, tenant_id, at)
        return JobView(**rows[0]) if rows else None

    async def schedules(
        self, tenant_id: str, job_id: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[ScheduleSpan]:
        asked = job_id, tenant_id, start, end, limit
        rows = await self._walls.of_tenant(tenant_id, statement("schedules_in_force"), *asked)
        return [ScheduleSpan(**row) for row in rows]


def _version(row: asyncpg.Record) -> JobVersion:
    return JobVersion(**{**row, "job": Job.model_validate(row["job"])})
