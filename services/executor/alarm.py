"""One alarm for any number of waiters: rings once, at the earliest instant asked for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from horolog.ports import Clock

CreateTask = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Alarm:
    """Calls `ring` at or after the earliest instant set since it last rang; instants are monotonic seconds."""

    def __init__(self, clock: Clock, create_task: CreateTask, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._create_task = create_task
        self._ring = ring
        self._when = float("inf")
        self._waiting: asyncio.Task[None] | None = None

    def set_for(self, when: float) -> None:
        """Ring at `when`, unless it is to ring earlier anyway."""
        if when >= self._when:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._when = when
        self._waiting = self._create_task(self._wait(when))

    def cancel(self) -> None:
        """Do not ring; idempotent."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting, self._when = None, float("inf")

    async def _wait(self, when: float) -> None:
        await self._clock.sleep(when - self._clock.monotonic())
        self._waiting, self._when = None, float("inf")
        self._ring()
