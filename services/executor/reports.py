"""What the worker tells the log of its attempts, in batches.

Guarantee: the report of an attempt's end is kept until the log accepted it. Reports of one attempt are written in
order. Appends begin at least `FLUSH_INTERVAL_S` apart: when idle a final report is written at once, under load
reports gather.
An attempt's start is told only once it has lasted that long: most end before, and their final report says it all.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Collection

from horolog.log.port import Log, LogUnavailable, Outgoing, Record
from horolog.log.refusals import dead_letter
from horolog.ports import Clock
from schemas.codec import headers_of
from schemas.events.results import AttemptReport, ProgressReported, StartReported
from schemas.events.workers import SYSTEM_TENANT, HeldAttempt
from schemas.topics import RECORD_BYTES_MAX, RESULTS, partition_of
from services.executor.alarm import Alarm, CreateTask
from services.executor.attempt import Held, final_report, unstorable
from services.executor.outcome import Outcome

FLUSH_INTERVAL_S = 0.01
PROGRESS_INTERVAL_S = 0.5
BATCH_RECORD_COUNT_MAX = 1000
RETRY_S = 0.25
_ROOM_BYTES = 20_000
"""What the dispatcher may add when it turns a report into a fact of the ledger."""

_logger = logging.getLogger(__name__)


class Reporter:
    """Collects reports and writes them. `run` must be running for anything to be written."""

    def __init__(self, log: Log, clock: Clock, worker_id: str, create_task: CreateTask) -> None:
        self._log = log
        self._clock = clock
        self._worker_id = worker_id
        self._source = f"horolog/executor/{worker_id}"
        self._starts: deque[tuple[float, Held]] = deque()
        self._progress: dict[Held, int] = {}
        self._progress_due: dict[Held, float] = {}
        self._ready: list[Outgoing] = []
        self._untold: dict[HeldAttempt, None] = {}
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._alarm = Alarm(clock, create_task, self._wanted.set)

    def started(self, held: Held, monotonic: float) -> None:
        """The attempt runs; told only if it still does a little later."""
        if not self._starts:
            self._alarm.set_for(monotonic + FLUSH_INTERVAL_S)
        self._starts.append((monotonic, held))

    def progressed(self, held: Held, percent: int) -> None:
        """The attempt is this far. Of several within `PROGRESS_INTERVAL_S` only the last is told."""
        self._progress[held] = percent
        self._alarm.set_for(self._progress_due.get(held, 0.0))

    def ended(self, held: Held, outcome: Outcome) -> None:
        """The attempt is over."""
        now = self._clock.now()
        report = final_report(held, outcome, self._worker_id, now)
        outgoing = self._outgoing(report)
        if outgoing.value is not None and len(outgoing.value) > RECORD_BYTES_MAX - _ROOM_BYTES:
            why = f"it would take {len(outgoing.value)} bytes"
            outgoing = self._outgoing(unstorable(held, why, outcome.usage, self._worker_id, now))
        self._progress.pop(held, None)
        self._progress_due.pop(held, None)
        self._ready.append(outgoing)
        self._untold[held.name] = None
        self._settled.clear()
        self._wanted.set()

    def untold(self) -> Collection[HeldAttempt]:
        """The attempts whose reports of their ends the log has not accepted yet."""
        return self._untold.keys()

    def refused(self, record: Record, why: str) -> None:
        """A record in the inbox makes no sense: it becomes a dead letter."""
        partition = partition_of(SYSTEM_TENANT, self._log.partition_count)
        self._ready.append(dead_letter(record, why, self._source, self._clock.now(), partition))
        self._settled.clear()
        self._wanted.set()

    async def settled(self) -> None:
        """Wait until the log has accepted every report of an end, and every dead letter."""
        await self._settled.wait()

    async def run(self) -> None:
        """Write reports until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            begun = self._clock.monotonic()
            told = list(self._untold)
            batch = self._take(begun)
            for first in range(0, len(batch), BATCH_RECORD_COUNT_MAX):
                await self._write(batch[first : first + BATCH_RECORD_COUNT_MAX])
            for name in told:
                del self._untold[name]
            if not self._ready:
                self._settled.set()
            rest = begun + FLUSH_INTERVAL_S - self._clock.monotonic()
            if rest > 0:
                await self._clock.sleep(rest)

    async def _write(self, batch: list[Outgoing]) -> None:
        while True:
            try:
                await self._log.append(batch)
            except LogUnavailable as error:
                _logger.warning("%d reports wait: the log does not accept them: %s", len(batch), error)
                await self._clock.sleep(RETRY_S)
            else:
                return

    def _take(self, monotonic: float) -> list[Outgoing]:
        batch = [*self._take_starts(monotonic), *self._take_progress(monotonic), *self._ready]
        self._ready = []
        return batch

    def _take_starts(self, monotonic: float) -> list[Outgoing]:
        batch: list[Outgoing] = []
        while self._starts and self._starts[0][0] + FLUSH_INTERVAL_S <= monotonic:
            held = self._starts.popleft()[1]
            if not held.is_over and not held.is_start_told:
                batch.append(self._start_of(held))
        if self._starts:
            self._alarm.set_for(self._starts[0][0] + FLUSH_INTERVAL_S)
        return batch

    def _take_progress(self, monotonic: float) -> list[Outgoing]:
        due = [held for held in self._progress if self._progress_due.get(held, 0.0) <= monotonic]
        batch: list[Outgoing] = []
        for held in due:
            percent = self._progress.pop(held)
            self._progress_due[held] = monotonic + PROGRESS_INTERVAL_S
            if not held.is_start_told:
                batch.append(self._start_of(held))
            report = ProgressReported(
                tenant_id=held.task.tenant_id,
                execution_id=held.execution_id,
                job_id=held.task.job_id,
                scheduled_for=held.task.scheduled_for,
                attempt=held.attempt,
                worker_id=self._worker_id,
                at=self._clock.now(),
                progress=percent,
            )
            batch.append(self._outgoing(report))
        if self._progress:
            self._alarm.set_for(min(self._progress_due[held] for held in self._progress))
        return batch

    def _start_of(self, held: Held) -> Outgoing:
        held.is_start_told = True
        now = self._clock.now()
        report = StartReported(
            tenant_id=held.task.tenant_id,
            execution_id=held.execution_id,
            job_id=held.task.job_id,
            scheduled_for=held.task.scheduled_for,
            attempt=held.attempt,
            worker_id=self._worker_id,
            at=now,
            started_at=held.started_at or now,
        )
        return self._outgoing(report)

    def _outgoing(self, report: AttemptReport) -> Outgoing:
        partition = partition_of(report.tenant_id, self._log.partition_count)
        headers = headers_of(report, self._source, report.at)
        return Outgoing(RESULTS.name, partition, report.tenant_id.encode(), report.to_json(), headers)
