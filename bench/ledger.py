"""What PostgreSQL shows of a load: how much of it is over, and how late it started.

Lateness is from the nominal instant to the start that the worker reports, in milliseconds. An instant is lost when
no completed row tells of it, and doubled when it has a second row or an attempt beyond the first.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bench.jobs import Firing

POLL_S = 0.1

_COMPLETED = (
    "select count(*) from job_executions where status = 'completed' and scheduled_at >= $1 and scheduled_at < $2"
)
_FIGURES = """
select count(distinct (job_id, scheduled_at)) filter (where status = 'completed')::int as completed,
    (count(*) - count(distinct (job_id, scheduled_at)) + sum(greatest(attempt - 1, 0)))::int as doubled,
    percentile_disc(array[0.5, 0.95, 0.99, 1]) within group (
        order by extract(epoch from started_at - scheduled_at) * 1000
    ) filter (where started_at is not null) as late
from job_executions where scheduled_at >= $1 and scheduled_at < $2
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a load."""

    completed: int
    doubled: int
    late_ms: tuple[float, ...]


class Ledger:
    """The read models, seen over one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def completed(self, firing: Firing, expected: int, timeout_s: float, check: Callable[[], None]) -> None:
        """Return once so many executions show as completed, or when nothing more is to be hoped for."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while loop.time() < deadline:
            if await self._connection.fetchval(_COMPLETED, firing.begin, firing.end) >= expected:
                return
            check()
            await asyncio.sleep(POLL_S)

    async def figures(self, begin: datetime, end: datetime) -> Figures:
        """The load's figures as of now."""
        row = await self._connection.fetchrow(_FIGURES, begin, end)
        assert row is not None
        late = tuple(float(value) for value in row["late"] or (0, 0, 0, 0))
        return Figures(row["completed"], row["doubled"] or 0, late)
