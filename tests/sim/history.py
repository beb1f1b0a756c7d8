"""What happened in a run, in a form that can be judged: every record decoded, with its true time.

Nothing here calls the product's decisions; only its message models and its codec are used.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from horolog.log.port import Place, Record
from schemas.base import Message
from schemas.codec import RecordError, decode, time_of
from schemas.commands import Command
from schemas.events.executions import ExecutionEvent
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobChanged, JobTabled
from schemas.events.owners import CommandAccepted, CommandRejected, OwnerCheckpointed, RecordRefused
from schemas.events.results import AttemptReport
from schemas.events.tenants import TenantChanged
from schemas.events.workers import TaskAssigned, WorkerBeat
from schemas.topics import (
    CHECKPOINTS,
    COMMANDS,
    DLQ,
    EXECUTIONS,
    FIRES,
    JOB_TABLE,
    JOBS,
    OUTCOMES,
    RESULTS,
    TASKS,
    TENANT_CHANGES,
    WORKERS,
    Topic,
)
from tests.sim.client import Sent
from tests.sim.network import Commit
from tests.sim.plan import Plan
from tests.sim.process import Process
from tests.sim.runner import Run
from tests.sim.tables import Tables
from tests.sim.world import World

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Fact(Generic[M]):
    """One record: its message, where it lies, and when it was written (virtual seconds, true time).

    `sent_s` is when its writer says that it was sent, by its own clock; a poisoned record says nothing.
    """

    message: M
    place: Place
    offset: int
    at_s: float
    sent_s: float | None


class History:
    """All of one run."""

    def __init__(self, world: World) -> None:
        self.plan: Plan = world.plan
        self.records = world.records()
        self.runs: Sequence[Run] = world.runs.all
        self.commits: Sequence[Commit] = world.network.commits
        self.beats = world.network.beats
        self.sent: dict[str, Sent] = world.client.sent
        self.tables: Tables = world.database.tables
        self.database_commits = world.database.commits
        self.poisoned = frozenset(world.nemesis.poisoned)
        self.processes: dict[str, Process] = {process.name: process for process in world.processes}
        self.owners = world.owners
        self.defects = list(world.trace.defects)
        self.start_s = self.plan.start.timestamp()
        self.end_s = world.loop.time()
        self.commands = self._facts(COMMANDS, Command)
        self.changes = self._facts(JOBS, JobChanged)
        self.tenant_changes = self._facts(TENANT_CHANGES, TenantChanged)
        self.tabled = self._facts(JOB_TABLE, JobTabled)
        self.events = self._facts(EXECUTIONS, ExecutionEvent)
        self.due = self._facts(FIRES, FireDue)
        self.missed = self._facts(FIRES, FireMissed)
        self.accepted = self._facts(OUTCOMES, CommandAccepted)
        self.rejected = self._facts(OUTCOMES, CommandRejected)
        self.tasks = self._facts(TASKS, TaskAssigned)
        self.reports = self._facts(RESULTS, AttemptReport)
        self.worker_beats = self._facts(WORKERS, WorkerBeat)
        self.checkpoints = self._facts(CHECKPOINTS, OwnerCheckpointed)
        self.letters = self._facts(DLQ, RecordRefused)
        self.events_of: dict[str, list[Fact[ExecutionEvent]]] = defaultdict(list)
        for fact in self.events:
            self.events_of[fact.message.execution_id].append(fact)
        self.runs_of: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            self.runs_of[run.execution_id].append(run)
        self.changes_of: dict[str, list[Fact[JobChanged]]] = defaultdict(list)
        for change in self.changes:
            self.changes_of[change.message.job_id].append(change)
        self.tenant_changes_of: dict[str, list[Fact[TenantChanged]]] = defaultdict(list)
        for fact_of_tenant in self.tenant_changes:
            self.tenant_changes_of[fact_of_tenant.message.tenant_id].append(fact_of_tenant)

    def answered_ids(self) -> list[str]:
        """The command of every answer."""
        return [f.message.command_id for f in self.accepted] + [f.message.command_id for f in self.rejected]

    def virtual_s(self, instant: datetime) -> float:
        """An instant in virtual seconds."""
        return instant.timestamp() - self.start_s

    def count(self) -> dict[str, int]:
        """How much there was of everything."""
        return {
            "records": sum(len(records) for records in self.records.values()),
            "executions": len(self.events_of),
            "events": len(self.events),
            "accepted": len(self.accepted),
            "rejected": len(self.rejected),
            "commits": len(self.commits),
            "beats": len(self.worker_beats),
        }

    def _facts(self, topic: Topic, kind: type[M]) -> list[Fact[M]]:
        found: list[Fact[M]] = []
        for place, records in self.records.items():
            if place.topic == topic.name:
                found += [fact for record in records if (fact := self._fact(place, record, kind)) is not None]
        return found

    def _fact(self, place: Place, record: Record, kind: type[M]) -> Fact[M] | None:
        try:
            message = decode(record.topic, record.headers, record.value)
        except RecordError:
            return None
        if not isinstance(message, kind):
            return None
        sent_at = time_of(record.headers)
        sent_s = None if sent_at is None else self.virtual_s(sent_at)
        return Fact(message, place, record.offset, record.timestamp_ms / 1000 - self.start_s, sent_s)
