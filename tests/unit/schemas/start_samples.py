"""Ends of attempts that tell the start as well; records without that are older, and stay readable beside them."""

from datetime import timedelta
from typing import Any

from schemas.base import Message
from schemas.events import executions
from schemas.jobs import ErrorType
from tests.unit.schemas.samples import AT, EXECUTION, FIRE, JOB, TENANT, WORKER


def start_samples() -> tuple[Message, ...]:
    """The messages, at most one of each type."""
    failure = executions.Failure(type=ErrorType.NETWORK_ERROR, code="REFUSED", message="no")
    ended: dict[str, Any] = {
        "tenant_id": TENANT,
        "execution_id": EXECUTION,
        "job_id": JOB,
        "scheduled_for": FIRE,
        "seq": 3,
        "at": AT,
        "attempt": 1,
        "worker_id": WORKER,
        "started_at": AT,
        "tells_start": True,
        "completed_at": AT,
    }
    return (
        executions.ExecutionCompleted(**ended),
        executions.ExecutionFailed(**ended, failure=failure),
        executions.ExecutionCancelled(**ended, reason=executions.Reason.REQUESTED),
        executions.RetryScheduled(**ended, failure=failure, retry_at=AT + timedelta(seconds=1)),
    )
