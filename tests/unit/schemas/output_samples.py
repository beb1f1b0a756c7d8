"""What a run prints while it goes on, with every field filled."""

from schemas.base import Message
from schemas.events.output import OutputAppended, OutputStream
from tests.unit.schemas.samples import AT, EXECUTION, JOB, TENANT, WORKER


def output_samples() -> tuple[Message, ...]:
    """One message of each type of the topic."""
    piece = OutputAppended(
        tenant_id=TENANT,
        execution_id=EXECUTION,
        job_id=JOB,
        attempt=2,
        worker_id=WORKER,
        at=AT,
        stream=OutputStream.STDERR,
        offset=12,
        text="Grüße\n",
        truncated=True,
    )
    return (piece,)
