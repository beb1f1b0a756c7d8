"""A message of the audit trail, with every field filled."""

from schemas.base import Message
from schemas.events.audit import AuditRecorded
from tests.unit.schemas.samples import AT, COMMAND, JOB, TENANT


def audit_samples() -> tuple[Message, ...]:
    """One message of each type of the topic."""
    call = AuditRecorded(
        tenant_id=TENANT,
        call_id="6f1c1f7e-0000-4000-8000-000000000009",
        at=AT,
        actor="user:42",
        address="203.0.113.9",
        method="PUT",
        route="/api/v1/scheduler/jobs/{job_id}",
        object_id=JOB,
        code="VERSION_CONFLICT",
        status=412,
        command_id=COMMAND,
        request_hash="ab" * 32,
        dropped_count=3,
    )
    return (call,)
