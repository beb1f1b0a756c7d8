"""One execution that is still going on, and how the ledger's events change it.

`evolve` is the only way from one state to the next; live decisions and the rebuilding of state from the log go
through the same function, so they cannot disagree.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TypedDict

from pydantic import JsonValue

from schemas.events.executions import (
    AttemptDispatched,
    AttemptProgressed,
    AttemptStarted,
    CancellationRequested,
    ExecutionAdmitted,
    ExecutionBlocked,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionMissed,
    ExecutionSkipped,
    Reason,
    RetryScheduled,
    TriggerType,
)
from schemas.jobs import JobType


class EventIdentity(TypedDict):
    """The fields that every event of an execution repeats."""

    tenant_id: str
    execution_id: str
    job_id: str
    scheduled_for: datetime
    seq: int
    at: datetime


class Stage(Enum):
    """Where an execution stands; `PLANNED` and `DELAYED` wait for an instant, `READY` for a worker.

    `WAITING` and `READY` before the first attempt are not told by the ledger: they follow from it (see `overlap`).
    """

    PLANNED = "planned"
    WAITING = "waiting"
    """Its instant has come, or is close; it waits for a slot of its job."""
    READY = "ready"
    DELAYED = "delayed"
    HELD = "held"
    """In a worker's hands, not known to run."""
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution without an end. `attempt` is the latest one dispatched, 0 before the first."""

    execution_id: str
    tenant_id: str
    job_id: str
    job_type: JobType
    scheduled_for: datetime
    trigger_type: TriggerType
    priority: int
    parameters: dict[str, JsonValue] | None
    seq: int
    stage: Stage
    due_at: datetime
    """When it may go on: the nominal instant, the turn of one that catches up, or the retry's."""
    attempt: int = 0
    worker_id: str | None = None
    handed_at: datetime | None = None
    started_at: datetime | None = None
    cancel_reason: Reason | None = None
    cancelled_by: str | None = None
    catch_up: bool = False
    blocked_by: str | None = None
    """What was in its way when it began to wait for a slot."""
    superseded_by: str | None = None
    log_mark: int = 0
    """An offset in the ledger that none of its events precedes."""

    def next_event(self, now: datetime) -> "EventIdentity":
        """The identity of the event that follows."""
        return EventIdentity(
            tenant_id=self.tenant_id,
            execution_id=self.execution_id,
            job_id=self.job_id,
            scheduled_for=self.scheduled_for,
            seq=self.seq + 1,
            at=now,
        )

    @property
    def in_flight(self) -> bool:
        """Whether a worker has it."""
        return self.stage is Stage.HELD or self.stage is Stage.RUNNING


def begun(event: ExecutionAdmitted, log_mark: int) -> Execution:
    """The execution that was just admitted."""
    return Execution(
        execution_id=event.execution_id,
        tenant_id=event.tenant_id,
        job_id=event.job_id,
        job_type=event.job_type,
        scheduled_for=event.scheduled_for,
        trigger_type=event.trigger_type,
        priority=event.priority,
        parameters=event.parameters,
        seq=event.seq,
        stage=Stage.PLANNED,
        due_at=event.not_before or event.scheduled_for,
        catch_up=event.catch_up,
        log_mark=log_mark,
    )


def unbegun(event: ExecutionSkipped, log_mark: int) -> Execution:
    """What a fire that was skipped at once would have been, had it been admitted."""
    return Execution(
        execution_id=event.execution_id,
        tenant_id=event.tenant_id,
        job_id=event.job_id,
        job_type=event.job_type,
        scheduled_for=event.scheduled_for,
        trigger_type=event.trigger_type,
        priority=0,
        parameters=None,
        seq=event.seq,
        stage=Stage.PLANNED,
        due_at=event.scheduled_for,
        log_mark=log_mark,
    )


def evolve(execution: Execution | None, event: ExecutionEvent, log_mark: int) -> Execution | None:
    """The execution after the event; None once it has ended (or when its beginning is unknown)."""
    if isinstance(event, ExecutionAdmitted):
        return begun(event, log_mark)
    if execution is None or isinstance(event, ExecutionEnded | ExecutionSkipped | ExecutionMissed):
        return None
    if isinstance(event, AttemptDispatched):
        return replace(
            execution,
            seq=event.seq,
            stage=Stage.HELD,
            attempt=event.attempt,
            worker_id=event.worker_id,
            handed_at=event.at,
            started_at=None,
        )
    if isinstance(event, AttemptStarted):
        return replace(execution, seq=event.seq, stage=Stage.RUNNING, started_at=event.started_at)
    if isinstance(event, RetryScheduled):
        return replace(
            execution,
            seq=event.seq,
            stage=Stage.DELAYED,
            due_at=event.retry_at,
            worker_id=None,
            started_at=None,
        )
    if isinstance(event, CancellationRequested):
        return replace(
            execution,
            seq=event.seq,
            cancel_reason=event.reason,
            cancelled_by=event.requested_by,
            superseded_by=event.blocked_by,
            handed_at=event.at,
        )
    if isinstance(event, ExecutionBlocked):
        return replace(execution, seq=event.seq, blocked_by=event.blocked_by)
    if isinstance(event, AttemptProgressed) or event.seq:
        return replace(execution, seq=event.seq)
    return execution
