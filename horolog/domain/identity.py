"""Names that follow from what they name: the same instant or request always gets the same name.

Source: RFC 9562, section 5.5 (name-based UUIDs, version 5).
"""

from datetime import datetime
from uuid import UUID, uuid5

_NAMESPACE = UUID("5d1c4f0e-6f4b-5b0a-9a36-2f1f5c7f6e01")


def fire_id(tenant_id: str, job_id: str, instant: datetime) -> str:
    """The name of one nominal instant of a job. No schedule version is in it: an edit fires nothing twice."""
    return str(uuid5(_NAMESPACE, f"fire|{tenant_id}|{job_id}|scheduled|{int(instant.timestamp())}"))


def miss_id(tenant_id: str, job_id: str, first: datetime) -> str:
    """The name of a missed range, by its first instant."""
    return str(uuid5(_NAMESPACE, f"miss|{tenant_id}|{job_id}|{int(first.timestamp())}"))


def triggered_execution_id(command_id: str) -> str:
    """The name of the execution that a trigger command asks for."""
    return str(uuid5(_NAMESPACE, f"trigger|{command_id}"))


def command_id(tenant_id: str, idempotency_key: str) -> str:
    """The name of a command that its caller gave a key."""
    return str(uuid5(_NAMESPACE, f"command|{tenant_id}|{idempotency_key}"))


def created_job_id(command_id_: str) -> str:
    """The name of the job that a create command asks for."""
    return str(uuid5(_NAMESPACE, f"job|{command_id_}"))
