"""What a caller whose grant holds for certain tags only can read: the read models and the past, without other jobs.

Guarantee: handlers of such a caller are given these in place of the whole ones (`context`), so that no route has to
think of it: a job without any of the tags, and whatever belongs to it, is told like one that does not exist. A job's
present tags decide, also about its past; those of a deleted job are the ones that it had at last. What adds up several
jobs and cannot be narrowed is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NoReturn

from horolog.domain.history import JobVersion
from horolog.domain.history_fires import ScheduleSpan
from horolog.domain.tag_scopes import reaches
from horolog.verify import Report, Window
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
    ReadModel,
    ScheduleView,
    StatisticsView,
    WorkerView,
)
from services.api.errors import ApiError
from services.api.history import HistoryReader

NOBODYS = "00000000-0000-0000-0000-000000000000"
"""No job has this id."""


class NarrowReadModel:
    """Implements `ReadModel` within tags."""

    def __init__(self, whole: ReadModel, tags: Sequence[str]) -> None:
        self._whole = whole
        self._tags = tuple(tags)

    async def job(self, tenant_id: str, job_id: str) -> JobView | None:
        job = await self._whole.job(tenant_id, job_id)
        return job if job is not None and reaches(self._tags, tags_of(job)) else None

    async def jobs(self, tenant_id: str, where: JobFilter, after: Cursor | None, limit: int) -> Sequence[JobView]:
        return await self._whole.jobs(tenant_id, replace(where, within=self._tags), after, limit)

    async def execution(self, tenant_id: str, execution_id: str) -> ExecutionView | None:
        execution = await self._whole.execution(tenant_id, execution_id)
        return execution if execution is not None and await self.knows(tenant_id, execution.job_id) else None

    async def executions(
        self, tenant_id: str, where: ExecutionFilter, after: Cursor | None, limit: int
    ) -> Sequence[ExecutionView]:
        return await self._whole.executions(tenant_id, replace(where, within=self._tags), after, limit)

    async def running_executions(self, tenant_id: str, job_id: str, limit: int) -> Sequence[str]:
        return await self._whole.running_executions(tenant_id, await self._or_nobodys(tenant_id, job_id), limit)

    async def jobs_within(self, tenant_id: str, job_ids: Sequence[str], tags: Sequence[str]) -> Sequence[str]:
        known = await self._whole.jobs_within(tenant_id, job_ids, self._tags)
        return await self._whole.jobs_within(tenant_id, known, tags)

    async def statistics(
        self,
        tenant_id: str,
        job_id: str | None,
        start: datetime,
        end: datetime,
        within: Sequence[str] | None = None,
    ) -> StatisticsView:
        return await self._whole.statistics(tenant_id, job_id, start, end, self._tags)

    async def daily_counts(self, tenant_id: str, day: date, within: Sequence[str] | None = None) -> Mapping[str, int]:
        return await self._whole.daily_counts(tenant_id, day, self._tags)

    async def outcomes_of(self, tenant_id: str, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        # A rejection does not say which job it was about, so it is told to whoever asked for it alone.
        found = await self._whole.outcomes_of(tenant_id, command_ids)
        return [outcome for outcome in found if await self._is_told(outcome)]

    async def verify_ledger(self, tenant_id: str, job_id: str | None, window: Window, work_max: int) -> Report:
        if job_id is None:
            raise ApiError("FORBIDDEN", "This token holds for jobs with certain tags: name one job with `jobId`.")
        return await self._whole.verify_ledger(tenant_id, await self._or_nobodys(tenant_id, job_id), window, work_max)

    async def ping(self) -> None:
        await self._whole.ping()

    async def knows(self, tenant_id: str, job_id: str) -> bool:
        """Whether the job, deleted or not, is within the tags."""
        return bool(await self._whole.jobs_within(tenant_id, [job_id], self._tags))

    # -- what is of a whole tenant, or of the platform -----------------------------------------------------------

    async def job_counts(self, tenant_id: str | None) -> Mapping[str, int]:
        _refuse()

    async def queue(self, tenant_id: str | None) -> QueueView:
        _refuse()

    async def audit_sink(self) -> AuditSinkView:
        _refuse()

    async def workers(self, seen_after: datetime) -> Sequence[WorkerView]:
        _refuse()

    async def owners(self) -> Sequence[OwnerView]:
        _refuse()

    async def positions(self) -> Mapping[tuple[str, int], int]:
        _refuse()

    async def active_schedules(self, after_id: str, limit: int) -> Sequence[ScheduleView]:
        _refuse()

    async def unaccounted_fires(self, fires: Sequence[OwedFire], changed_before: datetime) -> Sequence[str]:
        _refuse()

    async def outcomes(self, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        _refuse()

    async def _is_told(self, outcome: OutcomeView) -> bool:
        if outcome.job_id is not None:
            return await self.knows(outcome.tenant_id, outcome.job_id)
        if outcome.execution_id is not None:
            return await self.execution(outcome.tenant_id, outcome.execution_id) is not None
        return False

    async def _or_nobodys(self, tenant_id: str, job_id: str) -> str:
        return job_id if await self.knows(tenant_id, job_id) else NOBODYS


class NarrowHistory:
    """Implements `HistoryReader` within tags."""

    def __init__(self, whole: HistoryReader, present: NarrowReadModel) -> None:
        self._whole = whole
        self._present = present

    async def versions(self, tenant_id: str, job_id: str, below: int | None, limit: int) -> Sequence[JobVersion]:
        is_known = await self._present.knows(tenant_id, job_id)
        return await self._whole.versions(tenant_id, job_id, below, limit) if is_known else ()

    async def job(self, tenant_id: str, job_id: str, at: datetime) -> JobView | None:
        is_known = await self._present.knows(tenant_id, job_id)
        return await self._whole.job(tenant_id, job_id, at) if is_known else None

    async def schedules(
        self, tenant_id: str, job_id: str, start: datetime, end: datetime, limit: int
    ) -> Sequence[ScheduleSpan]:
        is_known = await self._present.knows(tenant_id, job_id)
        return await self._whole.schedules(tenant_id, job_id, start, end, limit) if is_known else ()


def tags_of(job: JobView) -> list[str]:
    """The tags of a job's row."""
    tags = job.definition.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _refuse() -> NoReturn:
    raise ApiError("FORBIDDEN")
