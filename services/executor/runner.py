"""The port between a worker and what runs attempts.

Callbacks rather than coroutines: at thousands of attempts a second, a task with its futures for each of them would
cost more than the attempt itself.
"""

from collections.abc import Callable
from typing import Protocol

from schemas.events.workers import TaskAssigned
from services.executor.outcome import Outcome

Stop = Callable[[float], None]
"""Ends a run for good. It may take so many seconds to end by itself; with 0 it is killed. May be called again."""


class Watcher(Protocol):
    """Who wants to know how a run goes."""

    @property
    def traceparent(self) -> str | None:
        """What the run tells others of the trace that it belongs to, if it belongs to any: W3C's header."""
        ...

    def progressed(self, percent: int) -> None:
        """It is this far."""

    def ended(self, outcome: Outcome) -> None:
        """It is over, and nothing of it is left; called exactly once, stopped or not."""


class Runner(Protocol):
    """Runs attempts of one job type. Deadlines are the worker's concern: it calls `Stop`."""

    @property
    def capacity(self) -> int:
        """How many may run at a time."""
        ...

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        """Begin at once."""
        ...

    async def close(self) -> None:
        """Kill whatever still runs and release everything; idempotent."""
