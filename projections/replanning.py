"""Computes `scheduled_jobs.next_execution_at` anew when the time zone data is another release than last time.

Guarantee: afterwards every active job has the value that the fold of the log gives it by this release, as in a copy
that is built anew. It is done page by page between batches, so that no fact waits for it; the release is noted when
all pages are done, and what was interrupted begins again. A job that changes meanwhile keeps what its change gave it.
Rows are written under the locks of all partitions, as a batch does under its own: the two never wait crosswise.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

import asyncpg
from pydantic import ValidationError

from horolog.domain.cron import tzdata_version
from projections.connections import PARTITION_LOCK
from projections.fold_jobs import planned_next
from projections.statements import statement
from schemas.jobs import Job

_logger = logging.getLogger(__name__)

JOB_PAGE_COUNT = 1000
_FIRST = "00000000-0000-0000-0000-000000000000"
_RECORDED = "select version from planned_zone_data"
_RECORD = """
insert into planned_zone_data (version) values ($1) on conflict (only_row) do update set version = excluded.version
"""
_Planned = tuple[str, int, datetime | None]


class Replanner:
    """What is left to do of it, as seen by one projector. Any number of them may do the same."""

    def __init__(self, partition_count: int, page_count: int = JOB_PAGE_COUNT) -> None:
        self._version = tzdata_version()
        self._partitions = list(range(partition_count))
        self._page_count = page_count
        self._reached = _FIRST
        self._changed_count = 0
        self._is_done = False

    async def look(self, connection: asyncpg.Connection) -> int:
        """Do the next page, if there is one; returns how many jobs changed. To be called outside a transaction."""
        if self._is_done:
            return 0
        recorded = await connection.fetchval(_RECORDED)
        if recorded == self._version:
            self._is_done = True
            return 0
        rows = await connection.fetch(statement("jobs_to_plan"), self._reached, self._page_count)
        planned = await asyncio.to_thread(_changed, rows)
        if planned:
            await self._write(connection, planned)
        self._changed_count += len(planned)
        if len(rows) < self._page_count:
            await connection.execute(_RECORD, self._version)
            self._is_done = True
            told = (self._changed_count, self._version, recorded or "an unknown release")
            _logger.info("planned anew: %d jobs have another next instant by time zone data %s than by %s", *told)
        else:
            self._reached = rows[-1]["id"]
        return len(planned)

    async def _write(self, connection: asyncpg.Connection, planned: Sequence[_Planned]) -> None:
        ids, versions, instants = ([one[column] for one in planned] for column in range(3))
        async with connection.transaction():
            await connection.execute(statement("lock_partitions"), PARTITION_LOCK, self._partitions)
            await connection.execute(statement("plan_jobs"), ids, versions, instants)


def _changed(rows: Sequence[asyncpg.Record]) -> list[_Planned]:
    found: list[_Planned] = []
    for row in rows:
        try:
            job = Job.model_validate_json(row["job"])
        except ValidationError as error:
            _logger.warning("a job cannot be planned anew: %s", error.errors()[0]["msg"], extra={"job_id": row["id"]})
            continue
        instant = planned_next(job, row["at"])
        if instant != row["next_execution_at"]:
            found.append((row["id"], row["version"], instant))
    return found
