"""Messages that tell of registered functions; records without them are older, and stay readable beside them."""

from schemas.base import Message
from schemas.events import workers
from schemas.events.executions import TriggerType
from schemas.jobs import FunctionConfig, JobType
from tests.unit.schemas.samples import AT, EXECUTION, FIRE, JOB, TENANT, WORKER


def function_samples() -> tuple[Message, ...]:
    """The messages, at most one of each type."""
    return (
        workers.WorkerBeat(
            worker_id=WORKER,
            inbox=3,
            state=workers.WorkerState.READY,
            capacity=5,
            prefetch=5,
            started_at=AT,
            at=AT,
            isolation="namespaces",
            functions=("billing.close_month", "billing.open_month"),
        ),
        workers.TaskAssigned(
            tenant_id=TENANT,
            execution_id=EXECUTION,
            job_id=JOB,
            attempt=1,
            worker_id=WORKER,
            scheduled_for=FIRE,
            not_before=FIRE,
            trigger_type=TriggerType.SCHEDULED,
            timeout_ms=5000,
            job_name="month end",
            job_type=JobType.FUNCTION,
            config=FunctionConfig(
                module_path="billing", function_name="close_month", parameters={"region": "eu"}, registered=True
            ),
        ),
    )
