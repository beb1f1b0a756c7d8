"""One run: the processes of a plan over one log, harmed, healed, and left alone for a while."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from random import Random
from typing import Any

from horolog.log.embedded import EmbeddedLog
from horolog.log.embedded.memory import MemoryEngine
from horolog.log.embedded.tail import Tails
from horolog.log.owner import OwnerSettings
from horolog.log.port import Log, Place, Record
from projections.projector import ProjectorSettings
from schemas.jobs import JobType
from schemas.tenants import TenantSettings
from services.dispatcher.dispatcher import Dispatcher, DispatcherRole
from services.executor.guard import RequestGuard
from services.executor.settings import WorkerSettings
from services.executor.worker import Worker
from services.ticker.ticker import Ticker
from tests.sim.client import Client
from tests.sim.database import Database, SimProjector
from tests.sim.group import Group
from tests.sim.loop import Endless, SimLoop
from tests.sim.nemesis import ROLES, Nemesis
from tests.sim.network import Network, SimLog
from tests.sim.plan import Plan
from tests.sim.process import Process, TrueClock
from tests.sim.runner import Runs, SimRunner
from tests.sim.trace import Trace, listening

RESTART_S = (0.1, 6.0)
RESTART_LOOK_S = 0.1
DRAIN_S = 2.0
OPEN = TenantSettings(allowed_modules=("simulated",))
"""What every tenant may run."""
GROUPS = ("ticker", "dispatcher", "projections")


class Pieces:
    """What the processes are made of; a mutant replaces one of them."""

    def log(self, network: Network, process: Process) -> Log:
        """A process's way to the log."""
        return SimLog(network, process)

    def ticker(self, log: Log, process: Process) -> Ticker:
        """A ticker."""
        return Ticker(log, process.clock, OwnerSettings(process.name))

    def dispatcher(self, log: Log, process: Process) -> Dispatcher:
        """A dispatcher."""
        return Dispatcher(log, process.clock, OwnerSettings(process.name), DispatcherRole(defaults=OPEN))

    def worker(self, log: Log, process: Process, runner: SimRunner, capacity: int) -> Worker:
        """A worker."""
        settings = WorkerSettings(process.name, capacity=capacity, prefetch=capacity, drain_grace_s=DRAIN_S)
        return Worker(log, process.clock, dict.fromkeys(JobType, runner), settings, guard=RequestGuard())

    def projector(self, log: Log, process: Process) -> SimProjector:
        """A projector, not connected yet."""
        return SimProjector(log, process.clock, ProjectorSettings(process.name, ""))

    def database(self, network: Network) -> Database:
        """The database of the read models."""
        return Database(network)


@dataclass(slots=True)
class Slot:
    """The place of one process; when it is gone, the next incarnation takes the place."""

    kind: str
    index: int
    incarnation: int = 0
    process: Process | None = None
    down_until: float = 0.0


@dataclass(slots=True)
class World:
    """Everything of one run; to be judged once `play` has returned."""

    plan: Plan
    pieces: Pieces = field(default_factory=Pieces)
    loop: SimLoop = field(init=False)
    trace: Trace = field(init=False)
    tails: Tails = field(init=False)
    network: Network = field(init=False)
    database: Database = field(init=False)
    runs: Runs = field(init=False)
    client: Client = field(init=False)
    nemesis: Nemesis = field(init=False)
    processes: list[Process] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    owners: dict[tuple[str, int], Process] = field(default_factory=dict)
    _random: Random = field(init=False)
    _over: bool = False

    def __post_init__(self) -> None:
        plan = self.plan
        self.loop = SimLoop(Random(f"loop {plan.seed}"))
        self.trace = Trace(self.loop)
        self._random = Random(f"world {plan.seed}")
        clock = TrueClock(self.loop, plan.start)
        self.tails = Tails(None)
        core = EmbeddedLog(MemoryEngine(self.tails, clock), self.tails, plan.partition_count)
        random = Random(f"network {plan.seed}")
        groups = {role: Group(role, plan.partition_count, self.loop, random, self.trace) for role in GROUPS}
        self.network = Network(
            core, self.loop, random, self.trace, plan.faults, plan.rate, groups=groups, on_crash=self.kill
        )
        self.database = self.pieces.database(self.network)
        self.runs = Runs(self.loop, self.trace, plan.seed, {job.job_id: job for job in plan.jobs})
        self.nemesis = Nemesis(plan, self.network, Random(f"nemesis {plan.seed}"), self)

    def play(self) -> None:
        """Run the whole plan."""
        with listening(self.trace):
            asyncio.set_event_loop(self.loop)
            try:
                self._play_to_the_end()
                self.loop.run_until_complete(self._bury())
            finally:
                asyncio.set_event_loop(None)
                self.loop.close()

    def _play_to_the_end(self) -> None:
        try:
            self.loop.run_until_complete(self._play())
        except Endless as error:
            self._over = True
            self.trace.defects.append(str(error))
            self.loop.round_count = 0

    async def _play(self) -> None:
        await self.network.core.create_topics()
        self.slots = [Slot(kind, index) for kind in ROLES for index in range(self.plan.counts[kind])]
        for slot in self.slots:
            self._launch(slot)
        self._launch_client()
        watching = [asyncio.create_task(group.watch()) for group in self.network.groups.values()]
        harming = asyncio.create_task(self.nemesis.run())
        restarting = asyncio.create_task(self._restart_ended())
        await asyncio.sleep(self.plan.harm_s)
        harming.cancel()
        self.nemesis.heal()
        await asyncio.sleep(self.plan.end_s - self.loop.time())
        self._over = True
        self.owners = {
            (role, partition): process
            for role, group in self.network.groups.items()
            for partition, process in group.owners().items()
        }
        for task in (*watching, restarting):
            task.cancel()
        await asyncio.gather(harming, restarting, *watching, return_exceptions=True)
        self._note_defects(harming, restarting, *watching)

    async def _bury(self) -> None:
        """End what is left; nothing of it counts any more."""
        defects, lines = list(self.trace.defects), list(self.trace.lines)
        self.network.faults = frozenset()
        self.network.cut_off = set(self.processes)
        for process in self.processes:
            process.bury()
        this = asyncio.current_task()
        while left := [task for task in asyncio.all_tasks() if task is not this]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=1.0)
        self.trace.defects, self.trace.lines = defects, lines

    # -- processes ---------------------------------------------------------------------------------------------

    def alive(self, *kinds: str) -> list[Process]:
        return [s.process for s in self.slots if s.process is not None and s.process.is_alive and s.kind in kinds]

    def kill(self, process: Process) -> None:
        if self._over:
            return
        process.kill()
        self.trace.counts["deaths"] += 1
        self.runs.process_died(process)
        self.database.process_died(process)

    def hold_down(self, kind: str, seconds: float) -> None:
        for slot in self.slots:
            if slot.kind == kind:
                slot.down_until = self.loop.time() + seconds
        for process in self.alive(kind):
            self.kill(process)

    def revive_all(self) -> None:
        for slot in self.slots:
            slot.down_until = 0.0

    async def _restart_ended(self) -> None:
        """Put another process where one is gone, after a while."""
        while True:
            await asyncio.sleep(RESTART_LOOK_S)
            now = self.loop.time()
            for slot in self.slots:
                process = slot.process
                if process is None or process.is_alive or now < slot.down_until:
                    continue
                self._note_end(process)
                if self.network.faults:
                    slot.down_until = now + self._random.uniform(*RESTART_S)
                slot.process = None
                self.network.later(max(0.0, slot.down_until - now), self._relaunch(slot))

    def _relaunch(self, slot: Slot) -> Callable[[], None]:
        return lambda: None if self._over else self._launch(slot)

    def _note_end(self, process: Process) -> None:
        task = process.task
        if task is not None and task.done() and not task.cancelled() and task.exception() is not None:
            self.trace.defects.append(f"{process.name} died of {task.exception()!r}")
        self.runs.process_died(process)
        self.database.process_died(process)

    def _note_defects(self, *tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def _launch(self, slot: Slot) -> None:
        slot.incarnation += 1
        process = Process(f"{slot.kind}-{slot.index}.{slot.incarnation}", slot.kind, self.loop, self.plan.start)
        slot.process = process
        self.processes.append(process)
        log = self.pieces.log(self.network, process)
        self.trace.tell("begins", process.name)
        # The constructor, too, runs inside the process: what it makes belongs to it.
        process.run(self._main(slot.kind, log, process))

    async def _main(self, kind: str, log: Log, process: Process) -> None:
        main: Coroutine[Any, Any, None]
        match kind:
            case "ticker":
                main = self.pieces.ticker(log, process).run(process.stop)
            case "dispatcher":
                main = self.pieces.dispatcher(log, process).run(process.stop)
            case "executor":
                runner = SimRunner(self.runs, process)
                main = self.pieces.worker(log, process, runner, self.plan.capacity).run(process.stop)
            case _:
                projector = self.pieces.projector(log, process)
                projector.database, projector.process = self.database, process
                main = projector.run(process.stop)
        await main

    def _launch_client(self) -> None:
        process = Process("client", "client", self.loop, self.plan.start)
        self.processes.append(process)
        random = Random(f"client {self.plan.seed}")
        log = SimLog(self.network, process)
        self.client = Client(log, self.network.core, process, self.plan, random, self.trace)
        process.run(self.client.run())

    # -- what is left ------------------------------------------------------------------------------------------

    def records(self) -> dict[Place, list[Record]]:
        """The whole log."""
        return {place: list(tail.records) for place, tail in sorted(self.tails.known().items())}

    def fingerprint(self) -> str:
        """The same for equal histories: all records, byte for byte, and all runs."""
        digest = hashlib.sha256()
        for place, records in self.records().items():
            for record in records:
                digest.update(repr((place, record.offset, record.timestamp_ms, record.key)).encode())
                digest.update(repr((record.headers, record.value)).encode())
        for run in self.runs.all:
            digest.update(repr((run.execution_id, run.attempt, run.process.name, run.started, run.ended)).encode())
        return digest.hexdigest()


def played(plan: Plan, pieces: Pieces | None = None) -> World:
    """The world of a plan, after its end."""
    world = World(plan, pieces or Pieces())
    Context().run(world.play)
    return world
