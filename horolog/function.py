"""What a function job may know of its attempt, how it reports how far it is, and how it learns that it is to end.

A function that has a parameter named `context` is given a `FunctionContext`:

    def nightly(region: str, context: FunctionContext) -> dict[str, int]:
        context.progress(50)
        return {"rows": 7}
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

LOGGER = "horolog.function"


class Cancellation:
    """Whether an attempt is to end: it was cancelled, ran into its timeout, or its worker stops.

    Guarantee: a function that has once asked is given some seconds to end by itself before its process is killed; one
    that never asks is killed at once. `on_asked` is called when it asks for the first time.
    """

    def __init__(self, on_asked: Callable[[], None] = lambda: None) -> None:
        self._on_asked = on_asked
        self._is_asked = False
        self._is_set = False
        self._waiting: list[Callable[[], None]] = []

    def set(self) -> None:
        """The attempt is to end."""
        self._is_set = True
        for wake in self._waiting:
            wake()

    def is_set(self) -> bool:
        """Whether it is."""
        self._ask()
        return self._is_set

    async def wait(self) -> None:
        """Wait until it is."""
        import asyncio  # noqa: PLC0415 - most functions do not need it, and it takes 30 ms

        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        self._waiting.append(wake)
        try:
            self._ask()
            if not self._is_set:
                await woken.wait()
        finally:
            self._waiting.remove(wake)

    def _ask(self) -> None:
        if not self._is_asked:
            self._is_asked = True
            self._on_asked()


@dataclass(frozen=True, slots=True)
class FunctionContext:
    """The identity of one attempt. `scheduled_for` is the nominal instant, in UTC.

    `execution_id` is the same for every attempt of an execution, so it identifies a side effect that must happen
    once; `fencing_token` rises with every attempt, so a store that remembers it can refuse an older attempt.
    `traceparent` is the header by which what the function calls belongs to the same trace, if there is one.
    """

    execution_id: str
    attempt: int
    job_id: str
    tenant_id: str
    scheduled_for: datetime
    fencing_token: int
    report_progress: Callable[[int], None] = field(repr=False, compare=False)
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False, compare=False)
    traceparent: str | None = None

    @property
    def idempotency_key(self) -> str:
        """What names a side effect that is to happen once for this execution, whatever attempts it takes."""
        return self.execution_id

    @property
    def is_cancelled(self) -> bool:
        """Whether the function is to end soon; who asks is given some seconds for that."""
        return self.cancellation.is_set()

    async def cancelled(self) -> None:
        """Wait until the function is to end soon."""
        await self.cancellation.wait()

    @property
    def logger(self) -> "logging.Logger":
        """Writes to standard error, which is kept with the execution."""
        import logging  # noqa: PLC0415 - as above

        logger = logging.getLogger(LOGGER)
        if not logger.handlers:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
        return logger

    def progress(self, percent: float) -> None:
        """Tell how far the function is, from 0 to 100; cheap, and may be called as often as one likes."""
        self.report_progress(max(0, min(100, int(percent))))
