"""The read models in PostgreSQL, as the API asks for them.

Guarantee: every tenant's question is answered from that tenant's rows only, within a bounded time: the statements
ask for them, and `walls` lets through no others. A database that does not answer is reported as
`ReadModelUnavailable`, never as an empty answer.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg

from horolog.verify import Report, Window
from projections.statements import statement
from projections.verification import LedgerQuestion, verify_as_seen
from projections.views import (
    AuditSinkView,
    Cursor,
    ExecutionFilter,
    ExecutionView,
    JobFilter,
    JobView,
    OutcomeView,
    OwedFire,
    OwnerView,
    QueueView,
    ScheduleView,
    StatisticsView,
    WorkerView,
)
from projections.walls import Walls

_UUID_TEXT_LENGTH = 36

_JOB_COLUMNS = """
id::text, tenant_id::text, name, status, version, schedule_version, definition, execution_count, created_by,
created_at, updated_at, last_execution_at, effective_from
"""
_EXECUTION_COLUMNS = """
execution_id, tenant_id::text, job_id::text, trigger_type, triggered_by, status, reason, blocked_by::text, progress,
scheduled_at, started_at, completed_at, duration_ms, result, metadata, error_type, error_code, error_message,
error_stack, attempt, retry_count, retry_at, worker_id, memory_peak_mb, cpu_time_ms, missed_until, missed_count,
late_count, created_at
"""


class PostgresReadModel:
    """Implements `ReadModel`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._walls = Walls(pool)

    async def job(self, tenant_id: str, job_id: str) -> JobView | None:
        sql = f"select {_JOB_COLUMNS} from scheduled_jobs where id = $1 and tenant_id = $2 and deleted_at is null"  # noqa: S608 - constants only
        rows = await self._walls.of_tenant(tenant_id, sql, job_id, tenant_id)
        return JobView(**rows[0]) if rows else None

    async def jobs(self, tenant_id: str, where: JobFilter, after: Cursor | None, limit: int) -> Sequence[JobView]:
        conditions = Conditions("tenant_id = {}", tenant_id)
        conditions.add("status = {}", where.status)
        conditions.add("job_type = {}", where.job_type)
        conditions.add("tags @> {}", None if where.tag is None else [where.tag])
        conditions.add("tags ?| {}::text[]", where.within)
        conditions.add("name ilike {}", None if where.text is None else f"%{_escaped(where.text)}%")
        if after is not None:
            conditions.add_pair("(created_at, id) < ({}, {}::uuid)", after.at, after.id)
        sql = f"""select {_JOB_COLUMNS} from scheduled_jobs
        where deleted_at is null and {conditions.text} order by created_at desc, id desc limit {int(limit)}"""  # noqa: S608 - constants and placeholders only
        return [JobView(**row) for row in await self._walls.of_tenant(tenant_id, sql, *conditions.arguments)]

    async def job_counts(self, tenant_id: str | None) -> Mapping[str, int]:
        rows = await self._of_tenant_or_all(tenant_id, "count_jobs")
        return {row["status"]: row["count"] for row in rows}

    async def execution(self, tenant_id: str, execution_id: str) -> ExecutionView | None:
        sql = f"select {_EXECUTION_COLUMNS} from job_executions where id = $1 and tenant_id = $2"  # noqa: S608 - constants only
        rows = await self._walls.of_tenant(tenant_id, sql, execution_id, tenant_id)
        return ExecutionView(**rows[0]) if rows else None

    async def executions(
        self, tenant_id: str, where: ExecutionFilter, after: Cursor | None, limit: int
    ) -> Sequence[ExecutionView]:
        conditions = Conditions("tenant_id = {}", tenant_id)
        conditions.add("status = {}", where.status)
        conditions.add("job_id = {}::uuid", where.job_id)
        conditions.add("trigger_type = {}", where.trigger_type)
        conditions.add("scheduled_at >= {}", where.scheduled_from)
        conditions.add("scheduled_at < {}", where.scheduled_to)
        conditions.add(
            "exists (select from scheduled_jobs as job where job.id = job_id and job.tags @> {})",
            None if where.tag is None else [where.tag],
        )
        conditions.add(
            "exists (select from scheduled_jobs as job where job.id = job_id and job.tags ?| {}::text[])", where.within
        )
        if after is not None:
            conditions.add_pair("(scheduled_at, id) < ({}, {}::uuid)", after.at, after.id)
        sql = f"""select {_EXECUTION_COLUMNS} from job_executions
        where {conditions.text} order by scheduled_at desc, id desc limit {int(limit)}"""  # noqa: S608 - constants and placeholders only
        return [ExecutionView(**row) for row in await self._walls.of_tenant(tenant_id, sql, *conditions.arguments)]

    async def running_executions(self, tenant_id: str, job_id: str, limit: int) -> Sequence[str]:
        sql = statement("running_executions")
        rows = await self._walls.of_tenant(tenant_id, sql, tenant_id, job_id, limit)
        return [row["execution_id"] for row in rows]

    async def jobs_within(self, tenant_id: str, job_ids: Sequence[str], tags: Sequence[str]) -> Sequence[str]:
        asked = tenant_id, _uuids(job_ids), tags
        return [row["id"] for row in await self._walls.of_tenant(tenant_id, statement("jobs_within"), *asked)]

    async def statistics(
        self,
        tenant_id: str,
        job_id: str | None,
        start: datetime,
        end: datetime,
        within: Sequence[str] | None = None,
    ) -> StatisticsView:
        asked = tenant_id, job_id, start, end, within
        (row,) = await self._walls.of_tenant(tenant_id, statement("statistics"), *asked)
        return StatisticsView(**row)

    async def daily_counts(self, tenant_id: str, day: date, within: Sequence[str] | None = None) -> Mapping[str, int]:
        start = datetime.combine(day, time(), UTC)
        view = await self.statistics(tenant_id, None, start, start + timedelta(days=1), within)
        return view.by_status

    async def queue(self, tenant_id: str | None) -> QueueView:
        (row,) = await self._of_tenant_or_all(tenant_id, "queue")
        return QueueView(**row)

    async def audit_sink(self) -> AuditSinkView:
        (row,) = await self._walls.across_tenants("audit_sink_health")
        return AuditSinkView(**row)

    async def workers(self, seen_after: datetime) -> Sequence[WorkerView]:
        return [WorkerView(**row) for row in await self._walls.across_tenants("workers", seen_after)]

    async def owners(self) -> Sequence[OwnerView]:
        return [OwnerView(**row) for row in await self._walls.across_tenants("owners")]

    async def positions(self) -> Mapping[tuple[str, int], int]:
        rows = await self._walls.across_tenants("all_positions")
        return {(row["topic"], row["partition"]): row["next"] for row in rows}

    async def active_schedules(self, after_id: str, limit: int) -> Sequence[ScheduleView]:
        return [ScheduleView(**row) for row in await self._walls.across_tenants("active_schedules", after_id, limit)]

    async def unaccounted_fires(self, fires: Sequence[OwedFire], changed_before: datetime) -> Sequence[str]:
        named = [fire.fire_id for fire in fires], [fire.at for fire in fires], [fire.job_id for fire in fires]
        rows = await self._walls.across_tenants("unaccounted_fires", *named, changed_before)
        return [row["id"] for row in rows]

    async def outcomes(self, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        return [OutcomeView(**row) for row in await self._walls.across_tenants("outcomes", _uuids(command_ids))]

    async def outcomes_of(self, tenant_id: str, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        rows = await self._walls.of_tenant(tenant_id, statement("outcomes"), _uuids(command_ids))
        return [OutcomeView(**row) for row in rows]

    async def verify_ledger(self, tenant_id: str, job_id: str | None, window: Window, work_max: int) -> Report:
        async with self._walls.snapshot_of_tenant(tenant_id) as connection:
            return await verify_as_seen(connection, LedgerQuestion(window, tenant_id, job_id, work_max))

    async def ping(self) -> None:
        await self._walls.across_tenants("ping")

    async def _of_tenant_or_all(self, tenant_id: str | None, name: str) -> list[asyncpg.Record]:
        if tenant_id is None:
            return await self._walls.across_tenants(name, None)
        return await self._walls.of_tenant(tenant_id, statement(name), tenant_id)


class Conditions:
    """Conditions joined by `and`, with their arguments as numbered placeholders."""

    def __init__(self, text: str, argument: Any) -> None:
        self._parts: list[str] = []
        self.arguments: list[Any] = []
        self.add(text, argument)

    @property
    def text(self) -> str:
        """The conditions as SQL."""
        return " and ".join(self._parts)

    def add(self, text: str, argument: Any | None) -> None:
        """Add a condition with one argument; none when the argument is None."""
        if argument is not None:
            self.arguments.append(argument)
            self._parts.append(text.format(f"${len(self.arguments)}"))

    def add_pair(self, text: str, first: Any, second: Any) -> None:
        """Add a condition with two arguments."""
        self.arguments += [first, second]
        count = len(self.arguments)
        self._parts.append(text.format(f"${count - 1}", f"${count}"))


def _uuids(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if len(text) == _UUID_TEXT_LENGTH]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
