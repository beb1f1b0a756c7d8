"""A log whose owner answers at once: what is appended is decoded, decided and applied to the read models.

It decides as little as the API's tests need, and can be told to be silent, unreachable, or to reject.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from horolog.domain.identity import triggered_execution_id
from horolog.domain.tag_scopes import reaches
from horolog.log.port import LogUnavailable, Membership, Outgoing, Place, Reader, Record, Writer
from projections.views import ExecutionView, JobView, OutcomeView
from schemas.codec import decode
from schemas.commands import (
    CancelExecution,
    Command,
    CreateJob,
    DeleteJob,
    JobCommand,
    PauseJob,
    ResumeJob,
    StopJob,
    TenantCommand,
    TriggerJob,
    UpdateJob,
)
from schemas.events.audit import AuditRecorded
from schemas.topics import AUDIT, COMMANDS, partition_of
from services.api.narrowing import tags_of
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.past import MemoryHistory
from tests.unit.api.tenants import MemoryTenants

NEW_STATUS = {PauseJob: "paused", ResumeJob: "active", StopJob: "inactive"}


@dataclass
class AnsweringLog:
    """Implements `Log`, as far as the API uses it."""

    read_model: MemoryReadModel
    now: datetime
    silent: bool = False
    unreachable: bool = False
    reject_with: str | None = None
    effective_at: datetime | None = None
    end: int = 0
    calls: list[AuditRecorded] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    commands: list[Command] = field(default_factory=list)
    records: list[Outgoing] = field(default_factory=list)
    history: MemoryHistory = field(default_factory=MemoryHistory)
    tenants: MemoryTenants = field(default_factory=MemoryTenants)

    @property
    def partition_count(self) -> int:
        return 4

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.unreachable:
            raise LogUnavailable("no broker")
        for record in records:
            message = decode(record.topic, record.headers, record.value)
            assert record.partition == partition_of(message.tenant_id, self.partition_count)
            assert record.key == message.tenant_id.encode()
            if isinstance(message, AuditRecorded):
                assert record.topic == AUDIT.name
                self.calls.append(message)
                self.called.set()
                continue
            assert isinstance(message, Command)
            assert record.topic == COMMANDS.name
            self.records.append(record)
            self.commands.append(message)
            if not self.silent and message.command_id not in self.read_model.outcomes_by_id:
                self.apply(message)

    def apply(self, command: Command) -> None:
        """Decide on the command, and let the read models show it."""
        code = self.reject_with or self._objection(command)
        outcome = OutcomeView(
            command_id=command.command_id,
            tenant_id=command.tenant_id,
            accepted=code is None,
            request_hash=command.request_hash,
            effective_at=self.effective_at or self.now,
            job_id=None,
            job_version=None,
            execution_id=None,
            code=code,
            message=code and f"refused {command.subject()}",
            details=None,
            visible=True,
        )
        if code is None:
            outcome = self._applied(command, outcome)
        self.read_model.outcomes_by_id[command.command_id] = outcome

    def _objection(self, command: Command) -> str | None:
        if isinstance(command, CancelExecution):
            execution = self.read_model.executions_by_id.get(command.execution_id)
            known = execution is not None and execution.tenant_id == command.tenant_id
            known = known and execution is not None and self._reaches(command, execution.job_id)
            return None if known and execution and execution.status in ("pending", "running") else "EXECUTION_NOT_FOUND"
        return self.tenants.objection(command) if isinstance(command, TenantCommand) else self._jobs_objection(command)

    def _jobs_objection(self, command: Command) -> str | None:
        if isinstance(command, JobCommand):
            job = self.read_model.jobs_by_id.get(command.job_id)
            if job is None or job.tenant_id != command.tenant_id or not self._reaches(command, job.id):
                return "JOB_NOT_FOUND"
        if isinstance(command, CreateJob | UpdateJob) and not reaches(command.within_tags, command.definition.tags):
            return "TAG_REQUIRED"
        if not isinstance(command, JobCommand):
            return None
        version = self.read_model.jobs_by_id[command.job_id].version
        return "VERSION_CONFLICT" if command.expected_version not in (None, version) else None

    def _reaches(self, command: Command, job_id: str) -> bool:
        job = self.read_model.jobs_by_id.get(job_id)
        return command.within_tags is None or (job is not None and reaches(command.within_tags, tags_of(job)))

    def _applied(self, command: Command, outcome: OutcomeView) -> OutcomeView:
        jobs, executions = self.read_model.jobs_by_id, self.read_model.executions_by_id
        if isinstance(command, CreateJob):
            jobs[command.job_id] = job_view(command, self.now)
            self.history.note(jobs[command.job_id], command, self.now)
            return replace(outcome, job_id=command.job_id, job_version=1)
        if isinstance(command, CancelExecution):
            executions[command.execution_id] = replace(executions[command.execution_id], status="cancelled")
            return replace(outcome, execution_id=command.execution_id)
        if isinstance(command, TenantCommand):
            return replace(outcome, tenant_version=self.tenants.apply(command, self.now))
        assert isinstance(command, JobCommand)
        job = jobs[command.job_id]
        if isinstance(command, TriggerJob):
            execution_id = triggered_execution_id(command.command_id)
            executions[execution_id] = execution_view(execution_id, job, self.now, command.actor)
            return replace(outcome, job_id=job.id, execution_id=execution_id)
        jobs[job.id] = job = replace(job, version=job.version + 1, updated_at=self.now)
        if isinstance(command, UpdateJob):
            definition = command.definition.to_dict()
            jobs[job.id] = replace(job, definition=definition, name=command.definition.name)
        elif isinstance(command, DeleteJob):
            del jobs[job.id]
        else:
            jobs[job.id] = replace(job, status=NEW_STATUS[type(command)])
        self.history.note(jobs.get(job.id, job), command, self.now, deleted=isinstance(command, DeleteJob))
        return replace(outcome, job_id=job.id, job_version=job.version)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        if self.unreachable:
            raise LogUnavailable("no broker")
        return dict.fromkeys(places, self.end)

    async def create_topics(self) -> Sequence[str]:
        raise NotImplementedError

    def reader(self) -> Reader:
        raise NotImplementedError

    async def open_writer(self, role: str, partition: int) -> Writer:
        raise NotImplementedError

    async def join(self, role: str, member: str) -> Membership:
        raise NotImplementedError

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self.ends(places)

    def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        raise NotImplementedError

    async def latest(self, place: Place, key: bytes) -> Record | None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


def job_view(command: CreateJob, now: datetime) -> JobView:
    """The row of a job that was just created."""
    return JobView(
        id=command.job_id,
        tenant_id=command.tenant_id,
        name=command.definition.name,
        status="active",
        version=1,
        schedule_version=1,
        definition=command.definition.to_dict(),
        execution_count=0,
        created_by=command.actor,
        created_at=now,
        updated_at=now,
        last_execution_at=None,
        effective_from=now,
    )


def execution_view(execution_id: str, job: JobView, at: datetime, actor: str | None = None) -> ExecutionView:
    """The row of an execution that waits."""
    values: dict[str, Any] = {
        **dict.fromkeys(ExecutionView.__dataclass_fields__),
        "execution_id": execution_id,
        "tenant_id": job.tenant_id,
        "job_id": job.id,
        "trigger_type": "manual",
        "triggered_by": actor,
        "status": "pending",
        "progress": 0,
        "scheduled_at": at,
        "attempt": 0,
        "retry_count": 0,
        "late_count": 0,
        "created_at": at,
    }
    return ExecutionView(**values)
