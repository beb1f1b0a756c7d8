"""Names that follow from what they name: the same instant or request always gets the same name.

Source: RFC 9562, section 5.5 (name-based UUIDs, version 5).
"""

from datetime import datetime
from hashlib import sha1
from uuid import UUID

_NAMESPACE = UUID("5d1c4f0e-6f4b-5b0a-9a36-2f1f5c7f6e01")
_HASHED_NAMESPACE = sha1(_NAMESPACE.bytes, usedforsecurity=False)
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The hexadecimal digit that holds the variant, by the one that the hash has in its place."""


def fire_id(tenant_id: str, job_id: str, instant: datetime) -> str:
    """The name of one nominal instant of a job. No schedule version is in it: an edit fires nothing twice."""
    return _named(f"fire|{tenant_id}|{job_id}|scheduled|{int(instant.timestamp())}")


def miss_id(tenant_id: str, job_id: str, first: datetime) -> str:
    """The name of a missed range, by its first instant."""
    return _named(f"miss|{tenant_id}|{job_id}|{int(first.timestamp())}")


def triggered_execution_id(command_id: str) -> str:
    """The name of the execution that a trigger command asks for."""
    return _named(f"trigger|{command_id}")


def command_id(tenant_id: str, idempotency_key: str) -> str:
    """The name of a command that its caller gave a key."""
    return _named(f"command|{tenant_id}|{idempotency_key}")


def created_job_id(command_id_: str) -> str:
    """The name of the job that a create command asks for."""
    return _named(f"job|{command_id_}")


def notification_id(rule_id: str, fact_id: str) -> str:
    """The name of the message of a rule whose last fact this is."""
    return _named(f"notification|{rule_id}|{fact_id}")


def _named(name: str) -> str:
    # What `str(uuid5(_NAMESPACE, name))` gives, in a third of its time: every fire takes one.
    hashed = _HASHED_NAMESPACE.copy()
    hashed.update(name.encode())
    text = hashed.hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANTS[text[16]]}{text[17:20]}-{text[20:32]}"
