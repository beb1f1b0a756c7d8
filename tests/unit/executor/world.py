"""A worker in a world where time passes only when it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import LogUnavailable, Outgoing, Place
from horolog.ports import Tracing
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.events.executions import TriggerType
from schemas.events.results import AttemptReport
from schemas.events.workers import AttemptRevoked, TaskAssigned, WorkerBeat
from schemas.jobs import CommandConfig, JobType
from schemas.topics import CONTROL, RESULTS, TASKS, WORKERS, partition_of
from services.executor.guard import RequestGuard
from services.executor.outcome import Outcome
from services.executor.runner import Stop, Warmth, Watcher
from services.executor.settings import WorkerSettings
from services.executor.worker import Worker

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = "11111111-1111-1111-1111-111111111111"
JOB = "22222222-2222-2222-2222-222222222222"
ME, OTHER = "worker-a", "worker-b"
TURN_COUNT = 60
STEP_S = 0.05


class ManualClock:
    """Stands still until it is advanced. Its wall time may be off by `offset_s`; its monotonic time is right."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._passed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self._passed_s + self.offset_s)

    def monotonic(self) -> float:
        return self._passed_s

    async def sleep(self, seconds: float) -> None:
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._passed_s + max(0.0, seconds), sleeper))
        self._wake()
        await sleeper

    def advance(self, seconds: float) -> None:
        self._passed_s = round(self._passed_s + seconds, 6)
        self._wake()

    def _wake(self) -> None:
        for when, sleeper in self._sleepers:
            if when <= self._passed_s + 1e-9 and not sleeper.done():
                sleeper.set_result(None)
        self._sleepers = [(when, sleeper) for when, sleeper in self._sleepers if not sleeper.done()]


class BreakableLog(EmbeddedLog):
    """A log that can be out of reach for writers, altogether or as regards one topic."""

    is_down = False
    refused_topic: str | None = None

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.is_down or any(record.topic == self.refused_topic for record in records):
            raise LogUnavailable("out of reach")
        await super().append(records)


@dataclass
class TameRunner:
    """Starts nothing; a run ends when the test says so, or when it is stopped, unless it is `stubborn`."""

    capacity: int = 100
    warmth: Warmth | None = None
    stubborn: bool = False
    started: list[str] = field(default_factory=list)
    stopped: list[tuple[str, float]] = field(default_factory=list)
    watchers: dict[str, Watcher] = field(default_factory=dict)

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        self.started.append(task.execution_id)
        self.watchers[task.execution_id] = watcher

        def stop(grace_s: float) -> None:
            self.stopped.append((task.execution_id, grace_s))
            if not self.stubborn or grace_s == 0:
                watcher.ended(Outcome())

        return stop

    def finish(self, n: int, outcome: Outcome | None = None) -> None:
        self.watchers[execution(n)].ended(outcome or Outcome(result="done"))

    async def close(self) -> None:
        return None


@dataclass
class World:
    """One worker and what surrounds it. The dispatcher's clock may be off by `dispatcher_offset_s`."""

    clock: ManualClock
    log: BreakableLog
    runner: TameRunner
    worker: Worker
    stop: asyncio.Event
    running: asyncio.Task[None] | None = None
    dispatcher_offset_s: float = 0.0

    async def pass_time(self, seconds: float = 0.0) -> None:
        """Let so much time pass, and everything happen that is due."""
        await self._turn()
        while seconds > 1e-9:
            self.clock.advance(min(STEP_S, seconds))
            seconds -= STEP_S
            await self._turn()

    async def send(
        self, *messages: TaskAssigned | AttemptRevoked, transit_s: float = 0.0, traceparent: str | None = None
    ) -> None:
        """Write to the worker's inbox what was sent so long ago, in a trace if one is named, and let it read."""
        sent_at = NOON + timedelta(seconds=self.clock.monotonic() - transit_s + self.dispatcher_offset_s)
        await self.log.append([_outgoing(self.log, message, sent_at, traceparent) for message in messages])
        await self.pass_time()

    async def reports(self) -> list[AttemptReport]:
        """Every report so far."""
        found = await self._read(Place(RESULTS.name, partition_of(TENANT, self.log.partition_count)))
        return [message for message in found if isinstance(message, AttemptReport)]

    async def beats(self) -> list[WorkerBeat]:
        """Every beat so far."""
        found = await self._read(Place(WORKERS.name, partition_of(ME, self.log.partition_count)))
        return [message for message in found if isinstance(message, WorkerBeat)]

    async def _read(self, place: Place) -> list[Message]:
        end = (await self.log.ends([place]))[place]
        return [decode(r.topic, r.headers, r.value) async for batch in self.log.scan(place, 0, end) for r in batch]

    async def _turn(self) -> None:
        for _ in range(TURN_COUNT):
            await asyncio.sleep(0)


def new_world(*, stubborn: bool = False, tracing: Tracing | None = None, **settings: Any) -> World:
    """A world whose worker does not run yet."""
    clock = ManualClock()
    log = BreakableLog.open(None, clock, partition_count=1)
    runner = TameRunner(stubborn=stubborn)
    runners = {JobType.COMMAND: runner}
    own = WorkerSettings(worker_id=ME, **settings)
    worker = Worker(log, clock, runners, own, guard=RequestGuard(), tracing=tracing)
    return World(clock, log, runner, worker, asyncio.Event())


@contextlib.asynccontextmanager
async def alive(world: World) -> AsyncIterator[World]:
    """The world with its worker running; whatever is left of it is cancelled at the end."""
    world.running = asyncio.create_task(world.worker.run(world.stop))
    await world.pass_time()
    try:
        yield world
    finally:
        world.running.cancel()
        await asyncio.wait([world.running])
        await world.log.close()


def execution(n: int) -> str:
    """The id of the n-th execution."""
    return f"{n:08x}-0000-4000-8000-000000000000"


def task(n: int, *, in_s: float = 0.0, attempt: int = 1, **changes: Any) -> TaskAssigned:
    """A command task of the n-th execution, due in so many seconds from noon."""
    due = NOON + timedelta(seconds=in_s)
    fields: dict[str, Any] = {
        "tenant_id": TENANT,
        "execution_id": execution(n),
        "job_id": JOB,
        "attempt": attempt,
        "worker_id": ME,
        "scheduled_for": due,
        "not_before": due,
        "trigger_type": TriggerType.SCHEDULED,
        "timeout_ms": 60_000,
        "job_name": "a job",
        "job_type": JobType.COMMAND,
        "config": CommandConfig(command="true"),
    }
    return TaskAssigned(**{**fields, **changes})


def revoked(n: int, *, attempt: int = 1, only_waiting: bool = False) -> AttemptRevoked:
    """The revocation of an attempt of the n-th execution."""
    return AttemptRevoked(
        tenant_id=TENANT, execution_id=execution(n), attempt=attempt, worker_id=ME, only_waiting=only_waiting, at=NOON
    )


def _outgoing(
    log: EmbeddedLog, message: TaskAssigned | AttemptRevoked, sent_at: datetime, traceparent: str | None
) -> Outgoing:
    topic = TASKS if isinstance(message, TaskAssigned) else CONTROL
    partition = partition_of(message.worker_id, log.partition_count)
    headers = headers_of(message, "horolog/dispatcher", sent_at, traceparent)
    return Outgoing(topic.name, partition, message.worker_id.encode(), message.to_json(), headers)
