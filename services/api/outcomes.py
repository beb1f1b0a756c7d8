"""Waiting for the outcomes of commands: many requests, one question to the read models at a time.

Guarantee: a wait ends when the outcome and the rows it speaks of can be read, or at its deadline; it never blocks
another, and nothing polls while nobody waits. Wake-ups make it faster and may all be lost: polling alone suffices.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from projections.views import OutcomeView, ReadModel, ReadModelUnavailable
from services.api.errors import ApiError
from services.api.ports import Wake

WAITING_COUNT_MAX = 10_000
_LOG = logging.getLogger("horolog.api")

Answered = asyncio.Future[OutcomeView]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two questions: without wake-ups, with them, and while the database is gone."""

    polling_s: float = 0.015
    awake_s: float = 0.05
    outage_s: float = 0.2


class OutcomeWaiter:
    """One per process. `listen` runs for the process's life, where there is a `Wake`."""

    def __init__(self, read_model: ReadModel, wake: Wake | None, pace: Pace = Pace()) -> None:
        self._read_model = read_model
        self._wake = wake
        self._pace = pace
        self._waiting: dict[str, set[Answered]] = {}
        self._nudged = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None

    @property
    def waiting_count(self) -> int:
        """How many commands somebody waits for."""
        return len(self._waiting)

    async def wait(self, command_id: str, timeout_s: float) -> OutcomeView | None:
        """The outcome once it is visible; None when it is not within `timeout_s` seconds.

        Raises:
            ApiError: OVERLOADED, when too many wait already.
        """
        if len(self._waiting) >= WAITING_COUNT_MAX:
            raise ApiError("OVERLOADED", details={"commandId": command_id})
        answered: Answered = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command_id, set()).add(answered)
        self._ensure_polling()
        try:
            async with asyncio.timeout(timeout_s):
                return await answered
        except TimeoutError:
            return None
        finally:
            self._forget(command_id, answered)

    async def listen(self) -> None:
        """Turn wake-ups into questions, until cancelled."""
        while self._wake is not None:
            command_ids = await self._wake.heard()
            if not self._waiting.keys().isdisjoint(command_ids):
                self._nudged.set()

    async def close(self) -> None:
        """Stop asking; whoever still waits runs into the deadline."""
        if self._polling is not None:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling

    def _ensure_polling(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll(), name="outcome polling")
            self._polling.add_done_callback(self._polled)

    async def _poll(self) -> None:
        pause_s = self._pace.polling_s
        while self._waiting:
            await self._pause(pause_s)
            try:
                outcomes = await self._read_model.outcomes(tuple(self._waiting))
            except ReadModelUnavailable:
                pause_s = self._pace.outage_s
                continue
            pause_s = self._pace.awake_s if self._wake and self._wake.live else self._pace.polling_s
            self._answer(outcomes)

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._nudged.wait()
        self._nudged.clear()

    def _answer(self, outcomes: Sequence[OutcomeView]) -> None:
        for outcome in outcomes:
            # Taken out at once, so that the next question does not ask for it again.
            for answered in self._waiting.pop(outcome.command_id, set()) if outcome.visible else ():
                if not answered.done():
                    answered.set_result(outcome)

    def _forget(self, command_id: str, answered: Answered) -> None:
        waiting = self._waiting.get(command_id)
        if waiting is not None:
            waiting.discard(answered)
            if not waiting:
                del self._waiting[command_id]

    def _polled(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        # A fault in the question itself: whoever waits learns of it now instead of at the deadline.
        _LOG.error("asking for outcomes failed", exc_info=error)
        for answered in [one for many in self._waiting.values() for one in many]:
            if not answered.done():
                answered.set_exception(error)
