"""The worker's signs of life, and the lease that they renew.

Guarantee: the lease is counted from before the beat that renewed it was sent, so it is over here no later than the
dispatcher may hold it to be over.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from horolog.limits import BEAT_INTERVAL_S, LEASE_S
from horolog.log.port import Log, LogUnavailable, Outgoing
from horolog.ports import Clock
from horolog.runtime.resources import resident_bytes
from schemas.codec import headers_of
from schemas.events.workers import HeldAttempt, WorkerBeat, WorkerState
from schemas.topics import WORKERS
from services.executor.alarm import Alarm, CreateTask
from services.executor.hand import Hand
from services.executor.settings import WorkerSettings

_NEVER = float("-inf")

Untold = Callable[[], Iterable[HeldAttempt]]
"""The attempts that are over, but whose reports the log has not accepted yet: they are this worker's until then."""


@dataclass(slots=True)
class Vitals:
    """What a beat says besides the held attempts."""

    started_at: datetime
    state: WorkerState = WorkerState.READY
    finished_count: int = 0


class Heart:
    """Beats once an interval, and at once when nudged."""

    def __init__(
        self, log: Log, clock: Clock, settings: WorkerSettings, vitals: Vitals, hand: Hand, untold: Untold
    ) -> None:
        self._log = log
        self._clock = clock
        self._settings = settings
        self._vitals = vitals
        self._hand = hand
        self._untold = untold
        self._nudged = asyncio.Event()
        self._lease_end = _NEVER

    @property
    def lease_end(self) -> float:
        """Until when (monotonic seconds) the worker may believe that its attempts are its own."""
        return self._lease_end

    def give_up_lease(self) -> None:
        """Nothing may begin any more; for good, unless another beat is sent."""
        self._lease_end = _NEVER

    def nudge(self) -> None:
        """Beat soon: something changed that others should know."""
        self._nudged.set()

    async def beat(self, partition: int) -> None:
        """Send one beat, and renew the lease.

        Raises:
            LogUnavailable: the log did not take it.
        """
        begun = self._clock.monotonic()
        beat = self._beat_of(partition)
        headers = headers_of(beat, f"horolog/executor/{beat.worker_id}", beat.at)
        await self._log.append([Outgoing(WORKERS.name, partition, beat.worker_id.encode(), beat.to_json(), headers)])
        self._lease_end = begun + LEASE_S

    async def run(self, partition: int, create_task: CreateTask) -> None:
        """Beat until cancelled."""
        alarm = Alarm(self._clock, create_task, self._nudged.set)
        try:
            while True:
                alarm.set_for(self._clock.monotonic() + BEAT_INTERVAL_S)
                await self._nudged.wait()
                self._nudged.clear()
                try:
                    await self.beat(partition)
                except LogUnavailable:
                    # Said once when the lease is over; until then the next beat makes up for it.
                    continue
        finally:
            alarm.cancel()

    async def lease_over(self) -> None:
        """Wait until the lease is over."""
        while (rest := self._lease_end - self._clock.monotonic()) > 0:
            await self._clock.sleep(rest)

    def _beat_of(self, partition: int) -> WorkerBeat:
        settings, vitals = self._settings, self._vitals
        return WorkerBeat(
            worker_id=settings.worker_id,
            inbox=partition,
            state=vitals.state,
            capacity=settings.capacity,
            prefetch=settings.prefetch,
            held=(*(held.name for held in self._hand), *self._untold()),
            running_count=len(self._hand.running),
            finished_count=vitals.finished_count,
            started_at=vitals.started_at,
            at=self._clock.now(),
            host=settings.host,
            pid=os.getpid(),
            isolation=settings.isolation,
            control_groups=() if settings.is_upgrading else settings.control_groups,
            memory_mb=resident_bytes() >> 20,
            functions=None if settings.hosted is None else settings.hosted.names,
        )
