"""Callers: they create jobs, then change, trigger and cancel at random, and repeat what may not have arrived."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from horolog.log.embedded import EmbeddedLog
from horolog.log.port import Log, LogUnavailable, Outgoing, Place
from schemas.codec import headers_of
from schemas.commands import (
    BarActor,
    CancelExecution,
    Command,
    CreateJob,
    DeleteJob,
    PauseJob,
    ResumeJob,
    ResumeTenant,
    StopJob,
    SuspendTenant,
    TenantCommand,
    TriggerJob,
    UnbarActor,
    UpdateJob,
)
from schemas.topics import COMMANDS, EXECUTIONS, partition_of
from tests.sim.plan import JobPlan, Plan, uuid_of
from tests.sim.process import Process
from tests.sim.trace import Trace

ACTOR = "user:simulated"
OPERATOR = "platform:simulated"
TENANT_GAP_S = 8.0
CLOSED_S = (0.0, 6.0)
REPEAT_SHARE = 0.1
LATELY_COUNT = 25

_C = TypeVar("_C", bound=Command)
_ACTIONS = ("update", "pause", "resume", "trigger", "cancel", "stop", "delete")
_WEIGHTS = (4, 4, 7, 5, 5, 1, 0.15)


@dataclass(slots=True)
class Sent:
    """One command; `acknowledged` once the log took it."""

    command: Command
    acknowledged: bool = False


@dataclass(slots=True)
class Client:
    """Sends commands from one simulated process, which is spared all faults but those of the network."""

    log: Log
    core: EmbeddedLog
    process: Process
    plan: Plan
    random: Random
    trace: Trace
    sent: dict[str, Sent] = field(default_factory=dict)
    _sending: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self) -> None:
        """Ask for things until the harm is over, then see to it that all of it has been sent."""
        minding = asyncio.ensure_future(self._mind_tenants(Random(f"tenants {self.plan.seed}")))
        for job in self.plan.jobs:
            await self._pause(self.random.uniform(0, 1.0))
            self._send(self._command(CreateJob, job, definition=job.definition(job.schedules[0])))
        while self._now() < self.plan.harm_s:
            await self._pause(self.random.expovariate(1 / self.plan.command_gap_s))
            await self._act(self.random.choice(self.plan.jobs))
        await minding
        await asyncio.gather(*self._sending)

    def _now(self) -> float:
        return self.process.clock.monotonic()

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _act(self, job: JobPlan) -> None:
        (action,) = self.random.choices(_ACTIONS, _WEIGHTS)
        expected = self.random.randint(1, 6) if self.random.random() < 0.1 else None
        match action:
            case "update":
                definition = job.definition(self.random.choice(job.schedules))
                self._send(self._command(UpdateJob, job, definition=definition, expected_version=expected))
            case "pause":
                self._send(self._command(PauseJob, job, expected_version=expected))
                if self.random.random() < 0.6:
                    # Some resume at once, so that both may fall between a fire and its instant.
                    await self._pause(self.random.uniform(0, 2.0))
                    self._send(self._command(ResumeJob, job, catch_up=self.random.random() < 0.4))
            case "resume":
                self._send(self._command(ResumeJob, job, catch_up=self.random.random() < 0.4))
            case "trigger":
                self._send(self._command(TriggerJob, job))
            case "cancel":
                await self._cancel_lately(job)
            case "stop":
                self._send(self._command(StopJob, job))
            case _:
                self._send(self._command(DeleteJob, job))

    async def _mind_tenants(self, random: Random) -> None:
        """Suspend tenants and bar the owner of their jobs, mostly for a while; some stay closed to the end."""
        while self.plan.minds_tenants and self._now() < self.plan.harm_s:
            await self._pause(random.expovariate(1 / TENANT_GAP_S))
            tenant = random.choice(self.plan.jobs).tenant_id
            close, reopen = random.choice(((SuspendTenant, ResumeTenant), (BarActor, UnbarActor)))
            self._send(self._tenant_command(close, tenant, random))
            if random.random() < 0.9:
                await self._pause(random.uniform(*CLOSED_S))
                self._send(self._tenant_command(reopen, tenant, random))

    def _tenant_command(self, kind: type[TenantCommand], tenant_id: str, random: Random) -> TenantCommand:
        fields: dict[str, Any] = {"barred_actor": ACTOR} if kind in (BarActor, UnbarActor) else {}
        now = self.process.clock.now()
        return kind(tenant_id=tenant_id, command_id=uuid_of(random), actor=OPERATOR, issued_at=now, **fields)

    async def _cancel_lately(self, job: JobPlan) -> None:
        place = Place(EXECUTIONS.name, partition_of(job.tenant_id, self.plan.partition_count))
        end = (await self.core.ends([place]))[place]
        found = [
            r.key.decode() async for batch in self.core.scan(place, max(0, end - LATELY_COUNT), end) for r in batch
        ]
        if found:
            self._send(self._command(CancelExecution, job, execution_id=self.random.choice(found)))

    def _command(self, kind: type[_C], job: JobPlan, **fields: Any) -> _C:
        command_id = uuid_of(self.random)
        if kind is not CancelExecution:
            fields["job_id"] = job.job_id
        now = self.process.clock.now()
        return kind(tenant_id=job.tenant_id, command_id=command_id, actor=ACTOR, issued_at=now, **fields)

    def _send(self, command: Command) -> None:
        self.trace.counts["commands"] += 1
        self.trace.tell(f"asks {type(command).__name__} {command.subject()[:8]} as {command.command_id}")
        sent = self.sent[command.command_id] = Sent(command)
        self._sending.append(asyncio.ensure_future(self._deliver(sent, self.random.random() < REPEAT_SHARE)))

    async def _deliver(self, sent: Sent, repeats: bool) -> None:
        await self._append(sent)
        if repeats:
            await self._pause(self.random.uniform(0, 5.0))
            await self._append(sent)

    async def _append(self, sent: Sent) -> None:
        command = sent.command
        partition = partition_of(command.tenant_id, self.plan.partition_count)
        headers = headers_of(command, "horolog/api", self.process.clock.now())
        record = Outgoing(COMMANDS.name, partition, command.tenant_id.encode(), command.to_json(), headers)
        while True:
            try:
                await self.log.append([record])
            except LogUnavailable:
                if self.random.random() < 0.2:
                    return
            else:
                sent.acknowledged = True
                return
