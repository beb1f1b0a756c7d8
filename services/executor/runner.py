"""The port between a worker and what runs attempts.

Callbacks rather than coroutines: at thousands of attempts a second, a task with its futures for each of them would
cost more than the attempt itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from schemas.events.output import OutputStream
from schemas.events.workers import TaskAssigned
from services.executor.outcome import Outcome

Stop = Callable[[float], None]
"""Ends a run for good. It may take so many seconds to end by itself; with 0 it is killed. May be called again."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What was printed, fit to be stored. `is_cut`: nothing is kept of what is printed after this."""

    text: str
    is_cut: bool = False


class Tap(Protocol):
    """One stream of a run, while it goes on; once it is over nothing comes from it any more."""

    @property
    def stream(self) -> OutputStream:
        """Which one."""
        ...

    def take(self) -> Piece | None:
        """What was printed since the last time, if anything was."""


class Watcher(Protocol):
    """Who wants to know how a run goes."""

    @property
    def traceparent(self) -> str | None:
        """What the run tells others of the trace that it belongs to, if it belongs to any: W3C's header."""
        ...

    def prints(self, *taps: Tap) -> None:
        """It has begun, and what it prints can be had from these; not called for what prints nothing."""

    def progressed(self, percent: int) -> None:
        """It is this far."""

    def ended(self, outcome: Outcome) -> None:
        """It is over, and nothing of it is left; called exactly once, stopped or not."""


class Warmth(Protocol):
    """What a runner keeps for tenants between their attempts, because making it anew is dear."""

    def has_room_for(self, tenant_id: str) -> bool:
        """Whether an attempt of the tenant can begin without anything being given up that is kept for another."""
        ...

    def idle_tenants(self) -> Iterable[str]:
        """The tenants for whom something waits, unused; each once."""
        ...


class Runner(Protocol):
    """Runs attempts of one job type. Deadlines are the worker's concern: it calls `Stop`."""

    @property
    def capacity(self) -> int:
        """How many may run at a time."""
        ...

    @property
    def warmth(self) -> Warmth | None:
        """What it keeps for tenants, if it keeps anything."""
        ...

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        """Begin at once."""
        ...

    async def close(self) -> None:
        """Kill whatever still runs and release everything; idempotent."""
