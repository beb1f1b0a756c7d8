"""Who harms: kills, stalls, cuts off, misleads and poisons, as the plan allows; and heals in the end."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from horolog.log.port import Outgoing
from schemas.codec import Headers
from schemas.topics import COMMANDS, CONTROL, FIRES, JOB_TABLE, JOBS, RESULTS, TASKS, WORKERS
from tests.sim.network import Network
from tests.sim.plan import Plan
from tests.sim.process import Process, State

ROLES = ("ticker", "dispatcher", "executor", "projector")
OWNERS = ("ticker", "dispatcher")
READERS = {
    COMMANDS.name: "horolog/dispatcher",
    FIRES.name: "horolog/dispatcher",
    RESULTS.name: "horolog/dispatcher",
    JOB_TABLE.name: "horolog/ticker",
    JOBS.name: "horolog/projections",
    WORKERS.name: "horolog/projections",
    TASKS.name: "",
    CONTROL.name: "",
}
"""Who has to tell of a poisoned record on each topic; of an inbox, every worker that reads it."""
_CORE_FAULTS = (
    "kill",
    "stall",
    "long_stall",
    "hand_over",
    "rebalance",
    "zombie",
    "cut_off",
    "deaf_worker",
    "clock_step",
    "poison",
)


class Victims(Protocol):
    """The processes that there are."""

    def alive(self, *kinds: str) -> list[Process]:
        """Those of the kinds that are there, stalled ones included."""
        ...

    def kill(self, process: Process) -> None:
        """Kill the process; another takes its place after a while."""

    def hold_down(self, kind: str, seconds: float) -> None:
        """Kill all processes of a kind, and let none come back so soon."""

    def revive_all(self) -> None:
        """See to it that every process is there again."""


@dataclass(slots=True)
class Nemesis:
    """Harms the processes of one world. `poisoned` are the records that no reader can understand."""

    plan: Plan
    network: Network
    random: Random
    victims: Victims
    poisoned: list[bytes] = field(default_factory=list)

    async def run(self) -> None:
        """Do harm until the plan says that it is enough."""
        faults = [fault for fault in _CORE_FAULTS if self.plan.has(fault)]
        if self.plan.has("outage"):
            at_s = self.random.uniform(3.0, 15.0)
            self._later(at_s, self._begin_outage)
        while faults:
            await asyncio.sleep(self.random.expovariate(1 / self.plan.fault_gap_s))
            fault = self.random.choice(faults)
            act: Callable[[], None] = getattr(self, f"_{fault}")
            act()

    def heal(self) -> None:
        """Undo everything, and let nothing fail any more."""
        self.network.trace.tell("heals")
        self.network.faults = frozenset()
        self.network.cut_off.clear()
        self.network.deaf.clear()
        for process in self.victims.alive(*ROLES):
            process.clock.offset_s = 0.0
            if process.state is State.STALLED:
                process.resume()
        self.victims.revive_all()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.network.loop.call_later(seconds, act, context=Context())

    def _pick(self, *kinds: str) -> Process | None:
        running = [process for process in self.victims.alive(*kinds) if process.state is State.RUNNING]
        return self.random.choice(running) if running else None

    def _begin_outage(self) -> None:
        kind = self.random.choice(ROLES)
        self.network.trace.count("outage", kind)
        self.victims.hold_down(kind, self.random.uniform(62.0, 75.0))

    def _kill(self) -> None:
        process = self._pick(*ROLES)
        if process is not None:
            self.network.trace.count("kill", process.name)
            self.victims.kill(process)

    def _stall(self) -> None:
        self._stall_for("stall", self._pick(*ROLES), self.random.uniform(0.3, 5.0))

    def _long_stall(self) -> None:
        self._stall_for("long stall", self._pick(*ROLES), self.random.uniform(7.0, 18.0))

    def _stall_for(self, name: str, process: Process | None, seconds: float) -> None:
        if process is None:
            return
        self.network.trace.count(name, process.name)
        process.stall()
        self._later(seconds, lambda: self._resume(process))

    def _resume(self, process: Process) -> None:
        if process.state is State.STALLED:
            self.network.trace.tell("goes on", process.name)
            process.resume()

    def _hand_over(self) -> None:
        process = self._pick(*ROLES)
        if process is not None:
            self.network.trace.count("hand-over", process.name)
            process.end_gently()

    def _rebalance(self) -> None:
        role = self.random.choice(list(self.network.groups))
        self.network.trace.count("rebalance", role)
        self.network.groups[role].share_out_anew()

    def _zombie(self) -> None:
        """Stall an owner, give its partitions to others meanwhile, and let it go on while it knows nothing of that."""
        process = self._pick(*OWNERS)
        if process is None:
            return
        self._stall_for("zombie", process, self.random.uniform(0.2, 4.0))
        self.network.groups[process.kind].leave_out(process)

    def _cut_off(self) -> None:
        process = self._pick(*ROLES)
        if process is None:
            return
        self.network.trace.count("cut off", process.name)
        self.network.cut_off.add(process)
        self._later(self.random.uniform(0.5, 16.0), lambda: self.network.cut_off.discard(process))

    def _deaf_worker(self) -> None:
        """A worker that goes on beating, and hears nothing of what it is handed."""
        process = self._pick("executor")
        if process is None:
            return
        self.network.trace.count("deaf worker", process.name)
        self.network.deaf.add(process)
        self._later(self.random.uniform(3.0, 25.0), lambda: self.network.deaf.discard(process))

    def _clock_step(self) -> None:
        process = self._pick("ticker", "dispatcher", "executor")
        if process is None:
            return
        step_s = self.random.choice([-20.0, -3.0, -0.5, 0.5, 3.0, 20.0]) * self.random.random()
        process.clock.offset_s = round(step_s, 3)
        self.network.trace.count("clock step", process.name)
        self.network.trace.tell(f"is off by {step_s:.3f} s", process.name)

    def _poison(self) -> None:
        topic = self.random.choice(list(READERS))
        partition = self.random.randrange(self.plan.partition_count)
        mark = b"poison %d" % len(self.poisoned)
        type_ = self.random.choice([b"io.horolog.job.create.v1", b"io.horolog.unheard.of.v1", b"\xff"])
        headers: Headers = (("ce_type", type_),) if self.random.random() < 0.8 else ()
        self.poisoned.append(mark)
        self.network.trace.count("poison", topic)
        self.network.spawn([Outgoing(topic, partition, b"poison", mark, headers)])
