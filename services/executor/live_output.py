"""What runs print, told to the log while they go on.

Guarantee: what a run prints is in the log about a second later, as far as it is kept, and without the secrets that its
final output is without. It holds up neither the run nor its report, and nothing waits for it: what the log does not
take is lost, which the next piece's offset tells, and the report of the end has all of it.

A run that ends within `OUTPUT_INTERVAL_S` is told with its end alone, and one that prints nothing costs no record.
Nothing is queued: what was printed stays where it is kept for the report anyway, until it is taken for one append.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from horolog.limits import OUTPUT_BATCH_BYTES_MAX, OUTPUT_FLUSH_S, OUTPUT_INTERVAL_S, OUTPUT_REST_S
from horolog.log.port import Log, LogError, Outgoing
from horolog.ports import Clock
from schemas.codec import headers_of
from schemas.events.output import OutputAppended, OutputStream
from schemas.topics import OUTPUT, partition_of
from services.executor.alarm import Alarm, CreateTask
from services.executor.attempt import Held
from services.executor.outcome import Outcome
from services.executor.runner import Piece, Tap

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """A run that goes on, and up to which byte each of its streams was told; without taps it is over."""

    held: Held
    taps: Sequence[Tap]
    told: dict[OutputStream, int] = field(default_factory=dict)


class LiveOutput:
    """Tells what runs print. `run` must be running for anything to be written."""

    def __init__(self, log: Log, clock: Clock, worker_id: str, create_task: CreateTask) -> None:
        self._log = log
        self._clock = clock
        self._worker_id = worker_id
        self._source = f"horolog/executor/{worker_id}"
        self._runs: dict[Held, _Run] = {}
        self._line: deque[tuple[float, _Run]] = deque()
        self._ends: list[Outgoing] = []
        self._ends_bytes = 0
        self._wanted = asyncio.Event()
        self._alarm = Alarm(clock, create_task, self._wanted.set)

    def begun(self, held: Held, taps: Sequence[Tap]) -> None:
        """The run goes on, and what it prints comes from the taps."""
        run = self._runs[held] = _Run(held, taps)
        due = self._clock.monotonic() + OUTPUT_INTERVAL_S
        if not self._line:
            self._alarm.set_for(due)
        self._line.append((due, run))

    def ended(self, held: Held, outcome: Outcome) -> None:
        """The run is over. If it was told of, the rest is told as well: the report may be of another attempt's end."""
        run = self._runs.pop(held, None)
        if run is None:
            return
        run.taps = ()
        for stream, begin in [*run.told.items()]:
            rest = _final(outcome, stream).encode()[begin:].decode(errors="replace")
            if rest and self._ends_bytes < OUTPUT_BATCH_BYTES_MAX:
                self._ends.append(self._outgoing(run, stream, Piece(rest)))
                self._ends_bytes += len(rest)
                self._wanted.set()

    async def run(self) -> None:
        """Write until cancelled."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                rest_s = OUTPUT_FLUSH_S
                if batch := self._take():
                    rest_s = await self._write(batch)
                await self._clock.sleep(rest_s)
        finally:
            self._alarm.cancel()

    async def _write(self, batch: Sequence[Outgoing]) -> float:
        """Write once, whatever comes of it; how long to wait then."""
        try:
            await self._log.append(batch)
        except LogError as error:
            _logger.warning("%d pieces of what runs print are told with their ends only: %s", len(batch), error)
            return OUTPUT_REST_S
        return OUTPUT_FLUSH_S

    def _take(self) -> list[Outgoing]:
        now = self._clock.monotonic()
        batch, size = self._ends, self._ends_bytes
        self._ends, self._ends_bytes = [], 0
        while self._line and self._line[0][0] <= now and size < OUTPUT_BATCH_BYTES_MAX:
            _, run = self._line.popleft()
            if not run.taps:
                continue
            for tap in run.taps:
                if (piece := tap.take()) is not None:
                    batch.append(self._outgoing(run, tap.stream, piece))
                    size += len(piece.text)
            self._line.append((now + OUTPUT_INTERVAL_S, run))
        if self._line:
            self._alarm.set_for(self._line[0][0])
        return batch

    def _outgoing(self, run: _Run, stream: OutputStream, piece: Piece) -> Outgoing:
        task, offset = run.held.task, run.told.get(stream, 0)
        run.told[stream] = offset + len(piece.text.encode())
        appended = OutputAppended(
            tenant_id=task.tenant_id,
            execution_id=task.execution_id,
            job_id=task.job_id,
            attempt=task.attempt,
            worker_id=self._worker_id,
            at=self._clock.now(),
            stream=stream,
            offset=offset,
            text=piece.text,
            truncated=piece.is_cut,
        )
        partition = partition_of(task.tenant_id, self._log.partition_count)
        headers = headers_of(appended, self._source, appended.at)
        return Outgoing(OUTPUT.name, partition, task.tenant_id.encode(), appended.to_json(), headers)


def _final(outcome: Outcome, stream: OutputStream) -> str:
    """What is kept of the stream: a command has it in its result, a function beside it."""
    for told in (outcome.metadata, outcome.result):
        if isinstance(told, Mapping) and isinstance(text := told.get(stream.value), str):
            return text
    return ""
