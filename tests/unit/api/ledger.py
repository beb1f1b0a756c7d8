"""Read models in memory, behind the port that the API asks: what the fake dispatcher applied, and what tests add."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from horolog.domain.tag_scopes import reaches
from horolog.verify import Calendar, JobHistory, Report, Verification, Window
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
    ReadModelUnavailable,
    ScheduleView,
    StatisticsView,
    WorkerView,
)
from services.api.narrowing import tags_of


@dataclass
class MemoryReadModel:
    """Implements `ReadModel`. While `gone` every call fails; while `broken` every call has a fault."""

    jobs_by_id: dict[str, JobView] = field(default_factory=dict)
    executions_by_id: dict[str, ExecutionView] = field(default_factory=dict)
    outcomes_by_id: dict[str, OutcomeView] = field(default_factory=dict)
    owner_rows: list[OwnerView] = field(default_factory=list)
    worker_rows: list[WorkerView] = field(default_factory=list)
    histories: list[JobHistory] = field(default_factory=list)
    schedules: list[ScheduleView] = field(default_factory=list)
    accounted: set[str] = field(default_factory=set)
    positions_by_place: dict[tuple[str, int], int] = field(default_factory=dict)
    sink: AuditSinkView = field(default_factory=lambda: AuditSinkView(0, 0))
    gone: bool = False
    broken: bool = False
    questions: list[tuple[str, ...]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def _answer(self) -> None:
        if self.gone:
            raise ReadModelUnavailable
        if self.broken:
            raise RuntimeError("secret of the read model")

    async def job(self, tenant_id: str, job_id: str) -> JobView | None:
        self._answer()
        job = self.jobs_by_id.get(job_id)
        return job if job and job.tenant_id == tenant_id else None

    async def jobs(self, tenant_id: str, where: JobFilter, after: Cursor | None, limit: int) -> Sequence[JobView]:
        self._answer()
        rows = [job for job in self.jobs_by_id.values() if job.tenant_id == tenant_id and _job_passes(job, where)]
        rows.sort(key=lambda job: (job.created_at, job.id), reverse=True)
        return [job for job in rows if after is None or (job.created_at, job.id) < (after.at, after.id)][:limit]

    async def job_counts(self, tenant_id: str | None) -> Mapping[str, int]:
        self._answer()
        return _counts([job.status for job in self.jobs_by_id.values() if tenant_id in (None, job.tenant_id)])

    async def execution(self, tenant_id: str, execution_id: str) -> ExecutionView | None:
        self._answer()
        execution = self.executions_by_id.get(execution_id)
        return execution if execution and execution.tenant_id == tenant_id else None

    async def executions(
        self, tenant_id: str, where: ExecutionFilter, after: Cursor | None, limit: int
    ) -> Sequence[ExecutionView]:
        self._answer()
        rows = [row for row in self._of(tenant_id, where.within) if _execution_passes(row, where)]
        rows.sort(key=lambda row: (row.scheduled_at, row.execution_id), reverse=True)
        return [r for r in rows if after is None or (r.scheduled_at, r.execution_id) < (after.at, after.id)][:limit]

    async def running_executions(self, tenant_id: str, job_id: str, limit: int) -> Sequence[str]:
        self._answer()
        going_on = ("pending", "running")
        found = [r.execution_id for r in self._of(tenant_id) if r.job_id == job_id and r.status in going_on]
        return found[:limit]

    async def jobs_within(self, tenant_id: str, job_ids: Sequence[str], tags: Sequence[str]) -> Sequence[str]:
        self._answer()
        found = [job for id_ in job_ids if (job := self.jobs_by_id.get(id_)) and job.tenant_id == tenant_id]
        return [job.id for job in found if reaches(tags, tags_of(job))]

    async def statistics(
        self,
        tenant_id: str,
        job_id: str | None,
        start: datetime,
        end: datetime,
        within: Sequence[str] | None = None,
    ) -> StatisticsView:
        self._answer()
        rows = [r for r in self._of(tenant_id, within) if job_id in (None, r.job_id) and start <= r.scheduled_at < end]
        return StatisticsView(len(rows), _counts([row.status for row in rows]), 12.5, 12.0, 20.0, 0, 0, {})

    async def daily_counts(self, tenant_id: str, day: date, within: Sequence[str] | None = None) -> Mapping[str, int]:
        self._answer()
        return _counts([row.status for row in self._of(tenant_id, within) if row.scheduled_at.date() == day])

    async def queue(self, tenant_id: str | None) -> QueueView:
        self._answer()
        rows = list(self.executions_by_id.values()) if tenant_id is None else self._of(tenant_id)
        pending = [row.scheduled_at for row in rows if row.status == "pending"]
        running = sum(1 for row in rows if row.status == "running")
        return QueueView(len(pending), running, 0, min(pending, default=None))

    async def audit_sink(self) -> AuditSinkView:
        self._answer()
        return self.sink

    async def workers(self, seen_after: datetime) -> Sequence[WorkerView]:
        self._answer()
        return [worker for worker in self.worker_rows if worker.last_beat_at > seen_after]

    async def owners(self) -> Sequence[OwnerView]:
        self._answer()
        return self.owner_rows

    async def positions(self) -> Mapping[tuple[str, int], int]:
        self._answer()
        return dict(self.positions_by_place)

    async def active_schedules(self, after_id: str, limit: int) -> Sequence[ScheduleView]:
        self._answer()
        return sorted((s for s in self.schedules if s.job_id > after_id), key=lambda s: s.job_id)[:limit]

    async def unaccounted_fires(self, fires: Sequence[OwedFire], changed_before: datetime) -> Sequence[str]:
        self._answer()
        return [fire.fire_id for fire in fires if fire.fire_id not in self.accounted]

    async def outcomes(self, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        self.questions.append(tuple(command_ids))
        self.asked.set()
        self._answer()
        return [self.outcomes_by_id[id_] for id_ in command_ids if id_ in self.outcomes_by_id]

    async def outcomes_of(self, tenant_id: str, command_ids: Sequence[str]) -> Sequence[OutcomeView]:
        return [outcome for outcome in await self.outcomes(command_ids) if outcome.tenant_id == tenant_id]

    async def verify_ledger(self, tenant_id: str, job_id: str | None, window: Window, work_max: int) -> Report:
        self._answer()
        verification = Verification(window, Calendar(), work_max=work_max)
        verification.expect(
            [job for job in self.histories if job.tenant_id == tenant_id and job_id in (None, job.job_id)]
        )
        verification.settle()
        return verification.report()

    async def ping(self) -> None:
        self._answer()

    def _of(self, tenant_id: str, within: Sequence[str] | None = None) -> list[ExecutionView]:
        rows = [row for row in self.executions_by_id.values() if row.tenant_id == tenant_id]
        if within is None:
            return rows
        jobs = self.jobs_by_id
        return [row for row in rows if row.job_id in jobs and reaches(within, tags_of(jobs[row.job_id]))]


def _counts(words: Sequence[str]) -> dict[str, int]:
    return {word: words.count(word) for word in set(words)}


def _job_passes(job: JobView, where: JobFilter) -> bool:
    tags = tags_of(job)
    return (
        reaches(where.within, tags)
        and where.status in (None, job.status)
        and where.job_type in (None, job.definition["jobType"])
        and (where.tag is None or where.tag in tags)
        and (where.text or "").lower() in job.name.lower()
    )


def _execution_passes(row: ExecutionView, where: ExecutionFilter) -> bool:
    return (
        where.status in (None, row.status)
        and where.job_id in (None, row.job_id)
        and where.trigger_type in (None, row.trigger_type)
        and (where.scheduled_from is None or row.scheduled_at >= where.scheduled_from)
        and (where.scheduled_to is None or row.scheduled_at < where.scheduled_to)
    )
