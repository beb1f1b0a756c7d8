"""What the metrics are told of the ledger's facts: how late, how long, and how each execution ended.

Guarantee: a fact is told once, after the batch that holds it was committed, and never when it was not. A rebuild has
nobody to tell. The start of attempt 1 is one fact, whether it has an event of its own or is known from the end only:
for executions that were admitted before this began to look, the read models say which of the two it was.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import orjson

from horolog.limits import METRICS_OPEN_EXECUTION_COUNT_MAX
from horolog.log.port import Record
from projections.writer import KnownStart
from schemas.base import UUID_PATTERN
from schemas.events.executions import (
    AttemptStarted,
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    ExecutionStatus,
    RetryScheduled,
)

UNKNOWN = "unknown"
_UUID = re.compile(UUID_PATTERN)
_STATUS: Mapping[type[ExecutionEvent], ExecutionStatus] = {
    ExecutionCompleted: ExecutionStatus.COMPLETED,
    ExecutionFailed: ExecutionStatus.FAILED,
    ExecutionCancelled: ExecutionStatus.CANCELLED,
}


class Figures(Protocol):
    """Who is told; `horolog.runtime.metrics.Metrics` is one. Lateness is negative where something came early."""

    def attempt_dispatched(self, tenant_id: str, lateness_s: float) -> None:
        """Attempt 1 was handed to a worker."""

    def attempt_started(self, tenant_id: str, lateness_s: float) -> None:
        """Attempt 1 started."""

    def executions_over(self, tenant_id: str, job_type: str, status: str, count: int = 1) -> None:
        """So many executions came to this end."""

    def execution_ran(self, tenant_id: str, job_type: str, duration_s: float) -> None:
        """The last attempt of an execution ran so long."""

    def execution_finished(self, tenant_id: str, lateness_s: float) -> None:
        """The last attempt of an execution has ended."""

    def facts_applied(self, age_s: float) -> None:
        """A batch of facts is in the read models; the oldest of them was written so long ago."""


class Source(Protocol):
    """Where it is asked what is not remembered; see `projections.writer.Writer`."""

    async def known_starts(self, events: Sequence[ExecutionEvent]) -> Mapping[str, KnownStart]:
        """By execution, what the read models know before the batch."""
        ...


@dataclass(slots=True)
class Teller:
    """Tells the figures of the batches of one applier, in their order."""

    figures: Figures
    open_count_max: int = METRICS_OPEN_EXECUTION_COUNT_MAX
    _open: dict[str, KnownStart] = field(default_factory=dict)

    async def look_up(self, events: Sequence[ExecutionEvent], source: Source) -> Mapping[str, KnownStart]:
        """What has to be asked before the batch is written, since the batch changes it.

        Raises:
            one of `projections.connections.UNAVAILABLE`.
        """
        admitted = {event.execution_id for event in events if isinstance(event, ExecutionAdmitted)}
        strange = [event for event in events if _is_over(event) and not self._knows(event.execution_id, admitted)]
        return await source.known_starts(strange) if strange else {}

    def tell(
        self, events: Iterable[ExecutionEvent], dispatches: Iterable[Record], asked: Mapping[str, KnownStart]
    ) -> None:
        """Tell of a batch that was committed; `asked` is what was looked up for it."""
        self._remember(asked)
        for event in events:
            self._tell(event)
        for record in dispatches:
            self._tell_dispatch(record)

    def _knows(self, execution_id: str, admitted: Container[str]) -> bool:
        known = self._open.get(execution_id)
        return execution_id in admitted or (known is not None and known.job_type is not None)

    def _remember(self, starts: Mapping[str, KnownStart]) -> None:
        self._open.update(starts)
        while len(self._open) > self.open_count_max:
            del self._open[next(iter(self._open))]

    def _tell(self, event: ExecutionEvent) -> None:
        match event:
            case ExecutionAdmitted():
                self._remember({event.execution_id: KnownStart(False, event.job_type.value)})
            case AttemptStarted():
                self._tell_start(event, event.attempt, event.started_at)
            case RetryScheduled():
                self._tell_start(event, event.attempt, event.started_at)
            case ExecutionEnded():
                self._tell_start(event, event.attempt, event.started_at)
                self._tell_end(event)
            case ExecutionSkipped():
                self._forget(event)
                self.figures.executions_over(event.tenant_id, event.job_type.value, ExecutionStatus.SKIPPED.value)
            case ExecutionMissed():
                job_type, status = event.job_type.value, ExecutionStatus.MISSED.value
                self.figures.executions_over(event.tenant_id, job_type, status, event.missed_count)

    def _tell_start(self, event: ExecutionEvent, attempt: int, started_at: datetime | None) -> None:
        known = self._open.get(event.execution_id)
        if attempt != 1 or started_at is None or (known is not None and known.started):
            return
        self._remember({event.execution_id: KnownStart(True, None if known is None else known.job_type)})
        self.figures.attempt_started(event.tenant_id, (started_at - event.scheduled_for).total_seconds())

    def _tell_end(self, event: ExecutionEnded) -> None:
        known = self._forget(event)
        job_type = UNKNOWN if known is None or known.job_type is None else known.job_type
        self.figures.executions_over(event.tenant_id, job_type, _STATUS[type(event)].value)
        if event.started_at is not None:
            seconds = (event.completed_at - event.started_at).total_seconds()
            self.figures.execution_ran(event.tenant_id, job_type, seconds)
            lateness = event.completed_at - event.scheduled_for
            self.figures.execution_finished(event.tenant_id, lateness.total_seconds())

    def _forget(self, event: ExecutionEvent) -> KnownStart | None:
        return self._open.pop(event.execution_id, None)

    def _tell_dispatch(self, record: Record) -> None:
        """Read without its schema: it is a third of all records, and changes no row whatever it says."""
        try:
            told = orjson.loads(record.value or b"")
            if told["attempt"] != 1:
                return
            lateness = datetime.fromisoformat(told["at"]) - datetime.fromisoformat(told["scheduledFor"])
            tenant_id = told["tenantId"]
            if not _UUID.fullmatch(tenant_id):
                return
        except (ValueError, TypeError, KeyError, OverflowError):
            return
        self.figures.attempt_dispatched(tenant_id, lateness.total_seconds())


def _is_over(event: ExecutionEvent) -> bool:
    return isinstance(event, ExecutionEnded | RetryScheduled)
