"""The life of one worker.

It lives in sessions: find the end of the inbox, beat, then read and beat until the lease is over (then kill
everything, and begin the next session) or until it is told to stop (then drain, and say so).
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol

from horolog.domain.tracing import code_of_ours
from horolog.limits import CANCEL_GRACE_S, LEASE_S
from horolog.log.port import Log, LogUnavailable
from horolog.ports import Clock, Tracing
from schemas.events.workers import AttemptRevoked, WorkerState
from schemas.jobs import ErrorType, JobType
from services.executor.alarm import Alarm
from services.executor.attempt import Ending, Held, failure_of
from services.executor.beats import Heart, Vitals
from services.executor.guard import Guard
from services.executor.hand import Hand
from services.executor.handover import HandOver
from services.executor.inbox import Inbox
from services.executor.live_output import LiveOutput
from services.executor.outcome import Outcome, failed
from services.executor.reports import Reporter
from services.executor.runner import Runner, Tap
from services.executor.settings import WorkerSettings
from services.executor.tracing import attempt_span, in_logs, trace_of

RETRY_S = 0.25
_WALL_CLOCK_CHECK_S = 1.0
"""The wall clock may step: it is looked at this often while it alone makes an attempt wait for its instant."""
_DRAIN_CHECK_S = 0.5

_logger = logging.getLogger(__name__)


class Signal(Protocol):
    """Something that can be waited for, such as an `asyncio.Event`."""

    async def wait(self) -> object:
        """Wait until it is set."""


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


class Worker:
    """Runs the attempts that are addressed to it. `run` may be called once. With `tracing` each becomes a span."""

    def __init__(
        self,
        log: Log,
        clock: Clock,
        runners: Mapping[JobType, Runner],
        settings: WorkerSettings,
        *,
        guard: Guard,
        tracing: Tracing | None = None,
    ) -> None:
        self._clock = clock
        self._tracing = tracing
        self._runners = runners
        self._settings = settings
        self._guard = guard
        self._vitals = Vitals(started_at=clock.now())
        self._hand = Hand(settings.capacity, runners)
        self._tasks: asyncio.TaskGroup | None = None
        self._reporter = Reporter(log, clock, settings.worker_id, self._create_task)
        self._live_output = LiveOutput(log, clock, settings.worker_id, self._create_task)
        self._inbox = Inbox(log, clock, settings.worker_id, self._reporter.refused, settings.seals)
        self._heart = Heart(log, clock, settings, self._vitals, self._hand, self._reporter.untold)
        self._start_alarm = Alarm(clock, self._create_task, self._start_due)
        self._deadline_alarm = Alarm(clock, self._create_task, self._end_overdue)
        self._drain_alarm = Alarm(clock, self._create_task, self._end_drain)
        self._empty = asyncio.Event()
        self._is_starting = False

    @property
    def held_count(self) -> int:
        """How many attempts wait or run."""
        return len(self._hand)

    @property
    def running_count(self) -> int:
        """How many attempts run."""
        return len(self._hand.running)

    @property
    def finished_count(self) -> int:
        """How many attempts have ended since the worker began."""
        return self._vitals.finished_count

    @property
    def refused_count(self) -> int:
        """How many records in the inbox could not be understood."""
        return self._inbox.refused_count

    def is_ready(self) -> bool:
        """Whether it takes attempts: its beats reach the log, and it does not drain."""
        return self._vitals.state is WorkerState.READY and self._clock.monotonic() < self._heart.lease_end

    @property
    def state(self) -> WorkerState:
        """As the last beat said, or the next will."""
        return self._vitals.state

    async def run(self, stop: Signal) -> None:
        """Work until `stop` is set; then drain, report what is left, and return. Cancelling kills what runs."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                writing = self._tasks.create_task(self._reporter.run())
                telling = self._tasks.create_task(self._live_output.run())
                living = self._tasks.create_task(self._live())
                await stop.wait()
                await self._drain()
                living.cancel()
                await self._say_last_word()
                writing.cancel()
                telling.cancel()
                for alarm in (self._start_alarm, self._deadline_alarm, self._drain_alarm):
                    alarm.cancel()
        finally:
            # Only a worker that was cancelled still holds something here; ending that must not start what waits.
            self._heart.give_up_lease()
            self._end_all(Ending.WORKER_STOPPED, grace_s=0.0)
            await asyncio.gather(*(runner.close() for runner in self._runners.values()))
            await self._inbox.close()

    def attempt_prints(self, held: Held, taps: Sequence[Tap]) -> None:
        self._live_output.begun(held, taps)

    def attempt_progressed(self, held: Held, percent: int) -> None:
        if held.ending is None:
            self._reporter.progressed(held, percent)

    def attempt_ended(self, held: Held, outcome: Outcome) -> None:
        self._hand.let_go(held)
        self._vitals.finished_count += 1
        self._tell_end(held, outcome)
        self._live_output.ended(held, outcome)
        self._reporter.ended(held, outcome)
        if not self._hand:
            self._empty.set()
        self._start_due()

    def _tell_end(self, held: Held, outcome: Outcome) -> None:
        if _logger.isEnabledFor(logging.DEBUG):
            failure = failure_of(held, outcome)
            how = "done" if failure is None else code_of_ours(failure.code)
            _logger.debug("an attempt is over: %s", how, extra=in_logs(held.task, held.trace))
        if self._tracing is not None and held.trace is not None and held.trace.is_sampled:
            now = self._clock.now()
            self._tracing.tell(attempt_span(held, held.trace, outcome, self._settings.worker_id, now))

    def _create_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None, "the worker is not running"
        return self._tasks.create_task(coroutine)

    async def _live(self) -> None:
        while True:
            try:
                await self._inbox.open()
                await self._heart.beat(self._inbox.partition)
            except LogUnavailable as error:
                _logger.warning("the log cannot be reached; the worker waits: %s", error)
                await self._clock.sleep(RETRY_S)
                continue
            await self._hold_session()

    async def _hold_session(self) -> None:
        reading = self._create_task(self._read())
        beating = self._create_task(self._heart.run(self._inbox.partition, self._create_task))
        try:
            await self._heart.lease_over()
        finally:
            reading.cancel()
            beating.cancel()
        _logger.error("no beat reached the log for %s s: %d attempts are given up", LEASE_S, len(self._hand))
        self._end_all(Ending.LEASE_LOST, grace_s=0.0)
        await asyncio.wait((reading, beating))

    async def _read(self) -> None:
        held_count_max = 2 * (self._settings.capacity + self._settings.prefetch)
        async with contextlib.aclosing(self._inbox.messages()) as batches:
            async for messages in batches:
                self._receive(messages)
                self._inbox.accept_tasks(len(self._hand) < held_count_max)

    def _receive(self, messages: Sequence[HandOver | AttemptRevoked]) -> None:
        # The wall clock first: a pause in between makes what waits late, and nothing early.
        received_at, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        for message in messages:
            if isinstance(message, HandOver):
                self._take_in(message, monotonic + message.wait_s(received_at))
            else:
                self._revoke(message)
        if messages:
            self._start_due()

    def _take_in(self, hand_over: HandOver, earliest: float) -> None:
        task = hand_over.task
        if self._hand.is_known(task.execution_id, task.attempt):
            return
        held = Held(task, self, earliest)
        if self._tracing is not None:
            held.trace = trace_of(hand_over, self._tracing.ratio)
        older = self._hand.take_in(held)
        self._empty.clear()
        if older is not None:
            self._end(older, Ending.REVOKED, CANCEL_GRACE_S)
        if self._hand.was_revoked(task.execution_id, task.attempt):
            self._end(held, Ending.REVOKED, 0.0)

    def _revoke(self, revoked: AttemptRevoked) -> None:
        held = self._hand.find(revoked.execution_id)
        is_spared = revoked.only_waiting and held in self._hand.running
        if held is not None and held.attempt <= revoked.attempt and not is_spared:
            self._end(held, Ending.REVOKED, CANCEL_GRACE_S)
        if not self._hand.is_known(revoked.execution_id, revoked.attempt):
            self._hand.remember_revoked(revoked.execution_id, revoked.attempt)

    def _start_due(self) -> None:
        """Start whatever may start. Nothing may once the lease is over, even before that was noticed."""
        monotonic = self._clock.monotonic()
        if self._is_starting or monotonic >= self._heart.lease_end:
            return
        self._is_starting = True
        try:
            now = self._clock.now()
            while (held := self._hand.next_to_run(now.timestamp(), monotonic)) is not None:
                held.started_at = now
                self._start(held)
        finally:
            self._is_starting = False
        self._start_alarm.set_for(self._hand.next_earliest())
        wait_s = self._hand.next_due() - now.timestamp()
        if wait_s != float("inf"):
            self._start_alarm.set_for(monotonic + min(wait_s, _WALL_CLOCK_CHECK_S))

    def _start(self, held: Held) -> None:
        refusal = self._guard.refusal(held.task)
        if refusal is not None:
            held.started_at = None
            held.ended(Outcome(failure=refusal))
            return
        monotonic = self._clock.monotonic()
        held.deadline = monotonic + held.timeout_s()
        self._deadline_alarm.set_for(held.deadline)
        self._reporter.started(held, monotonic)
        if _logger.isEnabledFor(logging.DEBUG):
            _logger.debug("an attempt begins", extra=in_logs(held.task, held.trace))
        try:
            held.stop = self._runners[held.task.job_type].start(held.task, held)
        except OSError as error:
            held.ended(failed(ErrorType.SYSTEM_ERROR, "START_FAILED", f"the attempt could not be started: {error}"))

    def _end_overdue(self) -> None:
        # Asked only at an instant that was the deadline of some attempt, so that looking at all of them is rare.
        now = self._clock.monotonic()
        for held in [held for held in self._hand.running if held.deadline <= now and held.ending is None]:
            self._end(held, Ending.TIMED_OUT, CANCEL_GRACE_S)
        left = [held.deadline for held in self._hand.running if held.ending is None]
        if left:
            self._deadline_alarm.set_for(min(left))

    def _end_drain(self) -> None:
        self._end_all(Ending.WORKER_STOPPED, CANCEL_GRACE_S)
        # Again soon: a dispatcher that has not yet heard of the drain may still send tasks.
        self._drain_alarm.set_for(self._clock.monotonic() + _DRAIN_CHECK_S)

    def _end_all(self, ending: Ending, grace_s: float) -> None:
        for held in list(self._hand):
            self._end(held, ending, grace_s)

    def _end(self, held: Held, ending: Ending, grace_s: float) -> None:
        if held.is_over:
            return
        if held.ending is None:
            held.ending = ending
        if held not in self._hand.running:
            held.ended(Outcome())
        elif held.stop is not None:
            held.stop(grace_s)

    async def _drain(self) -> None:
        self._vitals.state = WorkerState.DRAINING
        self._heart.nudge()
        self._drain_alarm.set_for(self._clock.monotonic() + self._settings.drain_grace_s)
        while self._hand:
            self._empty.clear()
            await self._empty.wait()

    async def _say_last_word(self) -> None:
        """Get the last reports accepted and say goodbye; an unreachable log is waited for no longer than a lease."""
        self._vitals.state = WorkerState.STOPPED
        waiting = self._create_task(self._reporter.settled())
        giving_up = Alarm(self._clock, self._create_task, lambda: _cancel(waiting))
        giving_up.set_for(self._clock.monotonic() + LEASE_S)
        await asyncio.wait((waiting,))
        giving_up.cancel()
        if waiting.cancelled():
            _logger.error("reports were not accepted by the log before the worker ended")
            return
        try:
            await self._heart.beat(self._inbox.partition)
        except LogUnavailable as error:
            _logger.warning("the worker's last beat was not accepted: %s", error)
