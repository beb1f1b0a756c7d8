"""An event loop in virtual time, in which every callback belongs to a simulated process.

Guarantee: nothing but the seed decides what runs next. Callbacks of one process run in the order in which they were
asked for; processes take turns in a random order. A callback of a process that is stalled or dead is put by, so such
a process does not take another step, at whatever `await` it stands, and none of its clean-up runs either.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import TYPE_CHECKING, TypeVarTuple

if TYPE_CHECKING:
    from tests.sim.process import Process

_Ts = TypeVarTuple("_Ts")

STEP_S = 1e-6
"""How long one round of callbacks takes: whoever spins lets time pass, too."""
ROUND_COUNT_MAX = 2_000_000

PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)
"""The simulated process that the running code belongs to; None is the world around them."""


class Endless(Exception):
    """The run comes to no end: somebody spins, or everybody waits for nothing."""


class SimLoop(asyncio.BaseEventLoop):
    """Runs callbacks in rounds; when nothing is ready, time jumps to the next timer."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._elapsed_s = 0.0
        self._next: list[tuple[Process | None, asyncio.Handle]] = []
        self._timers: list[tuple[float, int, Process | None, asyncio.TimerHandle]] = []
        self._sequence = itertools.count()
        self.round_count = 0
        self.step_count = 0

    def time(self) -> float:
        return self._elapsed_s

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._next.append((context.get(PROCESS), handle))
        return handle

    call_soon_threadsafe = call_soon

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._sequence), context.get(PROCESS), timer))
        return timer

    def call_later(
        self,
        delay: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._elapsed_s + delay, callback, *args, context=context)

    def put_back(self, process: "Process", handles: list[asyncio.Handle]) -> None:
        """Callbacks of a process that goes on; they come before what it is asked for from now on."""
        self._next.extend((process, handle) for handle in handles)

    def _run_once(self) -> None:
        self.round_count += 1
        if self.round_count > ROUND_COUNT_MAX:
            raise Endless(f"{ROUND_COUNT_MAX} rounds were not enough: somebody spins at {self._elapsed_s:.3f} s")
        self._elapsed_s += STEP_S
        self._collect_timers()
        ready, self._next = self._next, []
        for process, handle in self._shuffled(ready):
            if handle.cancelled():
                continue
            if process is not None and not process.is_running:
                process.backlog.append(handle)
                continue
            self.step_count += 1
            handle._run()

    def _collect_timers(self) -> None:
        timers = self._timers
        while timers and timers[0][3].cancelled():
            heapq.heappop(timers)
        if not self._next:
            if not timers:
                raise Endless("everybody waits, and there is no timer: nothing will ever happen")
            self._elapsed_s = max(self._elapsed_s, timers[0][0])
        while timers and timers[0][0] <= self._elapsed_s:
            _, _, process, timer = heapq.heappop(timers)
            self._next.append((process, timer))

    def _shuffled(
        self, ready: list[tuple["Process | None", asyncio.Handle]]
    ) -> list[tuple["Process | None", asyncio.Handle]]:
        if len(ready) < 2:
            return ready
        queues: dict[Process | None, list[tuple[Process | None, asyncio.Handle]]] = {}
        for entry in ready:
            queues.setdefault(entry[0], []).append(entry)
        order = list(queues)
        if len(order) < 2:
            return ready
        self._random.shuffle(order)
        return [entry for process in order for entry in queues[process]]
