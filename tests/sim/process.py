"""Simulated processes: their clocks, and how they are killed, stalled and resumed."""

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from tests.sim.loop import PROCESS, SimLoop


class State(Enum):
    """A stalled process (SIGSTOP) may go on; a dead one (SIGKILL) never does."""

    RUNNING = "running"
    STALLED = "stalled"
    DEAD = "dead"
    ENDED = "ended"


class TrueClock:
    """The time of the world, which no process knows."""

    def __init__(self, loop: SimLoop, start: datetime) -> None:
        self._loop = loop
        self.start = start

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class SkewedClock(TrueClock):
    """A process's own clock: its wall time is off by `offset_s`; its monotonic time is right."""

    def __init__(self, loop: SimLoop, start: datetime) -> None:
        super().__init__(loop, start)
        self._steps = [(0.0, 0.0)]

    @property
    def offset_s(self) -> float:
        return self._steps[-1][1]

    @offset_s.setter
    def offset_s(self, offset_s: float) -> None:
        self._steps.append((self._loop.time(), offset_s))

    def offsets_since(self, at_s: float) -> list[float]:
        """By how much it was off at that time, and at any time since."""
        before = [offset_s for since_s, offset_s in self._steps if since_s <= at_s]
        return before[-1:] + [offset_s for since_s, offset_s in self._steps if since_s > at_s]

    def latest_shown_s(self, from_s: float, until_s: float) -> float:
        """The latest time that it showed between two true ones, in seconds since the start."""
        ends = [since_s for since_s, _ in self._steps[1:]] + [until_s]
        spans = [(since_s, end_s, offset_s) for (since_s, offset_s), end_s in zip(self._steps, ends, strict=True)]
        return max(min(end, until_s) + off for since, end, off in spans if since <= until_s and end >= from_s)

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.offset_s)


class Process:
    """One incarnation of a service. `main` is its coroutine; `stop` asks it to end."""

    def __init__(self, name: str, kind: str, loop: SimLoop, start: datetime) -> None:
        self.name = name
        self.kind = kind
        self.clock = SkewedClock(loop, start)
        self.state = State.RUNNING
        self.backlog: list[asyncio.Handle] = []
        self.stop = asyncio.Event()
        self.stalls: list[tuple[float, float]] = []
        self.died_at: float | None = None
        self.task: asyncio.Task[None] | None = None
        self._loop = loop
        self._context = copy_context()
        self._context.run(PROCESS.set, self)
        self._stalled_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether its callbacks run."""
        return self.state is State.RUNNING or self.state is State.ENDED

    @property
    def is_alive(self) -> bool:
        """Whether it is there at all, stalled or not."""
        return self.state is State.RUNNING or self.state is State.STALLED

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Begin."""
        self.task = self._loop.create_task(main, context=self._context)
        self.task.add_done_callback(self._ended, context=self._context)

    def call_later(self, delay_s: float, callback: Any, *args: object) -> None:
        """Have something happen inside the process, when it runs."""
        self._loop.call_later(delay_s, callback, *args, context=self._context)

    def end_gently(self) -> None:
        """Ask it to end, as SIGTERM does."""
        self._loop.call_soon(self.stop.set, context=self._context)

    def kill(self) -> None:
        """Let it never take another step."""
        if self.state is State.STALLED:
            self._note_stall()
        self.state = State.DEAD
        self.died_at = self._loop.time()

    def stall(self) -> None:
        """Let it take no step until it is resumed."""
        self.state = State.STALLED
        self._stalled_at = self._loop.time()

    def resume(self) -> None:
        """Let it go on where it stood."""
        self._note_stall()
        self._awake(State.RUNNING)

    def bury(self) -> None:
        """Let what is left of it run, so that it can be cancelled; the world is over then."""
        if not self.is_running:
            self._awake(State.ENDED)

    def stalled_within(self, begin_s: float, end_s: float) -> bool:
        """Whether it was stalled at any time in between."""
        last = [(self._stalled_at, end_s)] if self.state is State.STALLED else []
        return any(begin < end_s and end > begin_s for begin, end in [*self.stalls, *last])

    def _note_stall(self) -> None:
        self.stalls.append((self._stalled_at, self._loop.time()))

    def _awake(self, state: State) -> None:
        self.state = state
        backlog, self.backlog = self.backlog, []
        self._loop.put_back(self, backlog)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self.died_at is None:
            self.state = State.ENDED
            self.died_at = self._loop.time()
