"""The ledger's proof on PostgreSQL: job histories and ledger rows are read as streams, and held against each other.

Guarantee: everything is seen as of one moment (one snapshot); nothing is written, and no projector is held up. The
computing is done beside the event loop, in parts, so that whoever else uses the loop goes on.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic import ValidationError

from horolog.verify import (
    Calendar,
    JobHistory,
    LedgerRow,
    Report,
    ScheduleVersion,
    Verification,
    Window,
    ZoneDataUse,
)
from projections.statements import statement
from projections.verification_waiting import catch_up_s, queue_s
from schemas.events.owners import ZoneDataUse as ToldUse
from schemas.jobs import Job, JobType
from schemas.topics import partition_of

Connection = asyncpg.Connection | PoolConnectionProxy
JOB_PAGE_COUNT = 100
TENANT_JOB_PAGE_COUNT = 2000
"""Of one tenant: its rows are found by the tenant, once for each page, and not by the page's range of jobs."""
ROW_PART_COUNT = 5000
_FIRST, _LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"


@dataclass(frozen=True, slots=True)
class LedgerQuestion:
    """What is to be proved: a window, of all tenants or one, of all jobs or one; `work_max` as in `Tally`."""

    window: Window
    tenant_id: str | None = None
    job_id: str | None = None
    work_max: int | None = None


async def verify_ledger(connection: Connection, question: LedgerQuestion) -> Report:
    """The report on that part of the ledger.

    Raises:
        TooMuchWork: there is more to look at than the question allows.
        one of `projections.connections.UNAVAILABLE`, TimeoutError: the database does not answer.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await verify_as_seen(connection, question)


async def verify_as_seen(connection: Connection, question: LedgerQuestion) -> Report:
    """The report on what the connection's transaction sees, which must see one moment only.

    Raises:
        as `verify_ledger`.
    """
    verification = Verification(question.window, Calendar(), work_max=question.work_max)
    page_count = JOB_PAGE_COUNT if question.tenant_id is None else TENANT_JOB_PAGE_COUNT
    reached = _FIRST
    uses = await _zone_data(connection)
    while True:
        versions = await connection.fetch(
            statement("ledger_jobs"), reached, question.tenant_id, question.job_id, page_count
        )
        found = await asyncio.to_thread(_histories, versions)
        jobs = [replace(job, zone_data=uses[partition_of(job.tenant_id, len(uses))]) for job in found]
        is_last = len(jobs) < page_count
        until = _LAST if is_last else jobs[-1].job_id
        verification.expect(jobs)
        await _take_rows(connection, question, verification, (reached, until))
        if is_last:
            return verification.report()
        reached = until


def version_of(job: Job) -> ScheduleVersion:
    """The job's version, as the proof looks at it."""
    definition = job.definition
    return ScheduleVersion(
        effective_s=job.effective_from.timestamp(),
        expression=definition.cron_expression,
        zone=definition.timezone,
        status=job.status.value,
        is_deleted=job.deleted,
        is_limited=definition.max_executions is not None,
        is_restricted=definition.job_type is not JobType.HTTP,
        timeout_s=definition.timeout_s(),
        overlap=definition.overlap.policy.value,
        queue_s=queue_s(job),
        catch_up_s=catch_up_s(job),
        decided_s=job.updated_at.timestamp(),
        start_s=None if definition.start_date is None else definition.start_date.timestamp(),
        end_s=None if definition.end_date is None else definition.end_date.timestamp(),
    )


async def _zone_data(connection: Connection) -> Sequence[Sequence[ZoneDataUse]]:
    """For each partition the releases that its ticker has computed by; at least one partition."""
    rows = await connection.fetch(statement("ledger_zone_data"))
    return [_uses(row["zone_data"]) for row in rows] or [()]


def _uses(told: str | None) -> Sequence[ZoneDataUse]:
    uses = [ToldUse.model_validate(use) for use in json.loads(told or "[]")]
    return [ZoneDataUse(use.version, use.after.timestamp()) for use in uses]


async def _take_rows(
    connection: Connection, question: LedgerQuestion, verification: Verification, span: tuple[str, str]
) -> None:
    window = question.window
    begin, end = (datetime.fromtimestamp(moment, UTC) for moment in (window.begin_s, window.end_s))
    name = "ledger_rows" if question.tenant_id is None else "ledger_rows_of_tenant"
    tenant = () if question.tenant_id is None else (question.tenant_id,)
    cursor = await connection.cursor(statement(name), *span, begin, end, question.job_id, *tenant)
    while rows := await cursor.fetch(ROW_PART_COUNT):
        await asyncio.to_thread(verification.take, map(LedgerRow._make, rows))
    await asyncio.to_thread(verification.settle)


def _histories(versions: Iterable[asyncpg.Record]) -> Sequence[JobHistory]:
    """The jobs of a page; the versions come in order."""
    return [
        _history(job_id, tenant_id, [version["job"] for version in found])
        for (job_id, tenant_id), found in groupby(versions, key=lambda row: (row["job_id"], row["tenant_id"]))
    ]


def _history(job_id: str, tenant_id: str, versions: Sequence[str]) -> JobHistory:
    try:
        jobs = [Job.model_validate_json(version) for version in versions]
    except ValidationError as error:
        return JobHistory(job_id, tenant_id, (), f"its history cannot be read: {error.errors()[0]['msg']}")
    return JobHistory(job_id, tenant_id, tuple(version_of(job) for job in jobs))
