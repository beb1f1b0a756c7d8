"""Records into entries of the audit trail's chains, in the log's order.

Guarantee: an entry is a function of its record alone. Hashes are taken of what stands in the log, not of what this
version makes of it, so that a later version comes to the same ones.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from horolog.domain.audit import CALLS, JOBS, TENANTS, Entry, canonical, digest
from horolog.log.port import Record
from schemas import topics
from schemas.base import Message
from schemas.events.audit import AuditRecorded
from schemas.events.jobs import JobChanged
from schemas.events.tenants import TenantChanged

CHAIN_OF_TOPIC: Mapping[str, str] = MappingProxyType(
    {topics.JOBS.name: JOBS, topics.TENANT_CHANGES.name: TENANTS, topics.AUDIT.name: CALLS}
)
DONE = "DONE"
"""The outcome of a change: it is in the log, so it has happened."""


def entry_of(record: Record, message: Message) -> Entry | None:
    """The entry of a record; None for one that the audit trail does not hold. `message` is what it says."""
    value = record.value or b""
    if isinstance(message, AuditRecorded):
        return _call(message, digest(value))
    if isinstance(message, JobChanged):
        return _change(message, JOBS, message.job_id, (value, "job"))
    if isinstance(message, TenantChanged):
        return _change(message, TENANTS, message.tenant_id, (value, "tenant"))
    return None


def _change(change: JobChanged | TenantChanged, chain: str, object_id: str, told: tuple[bytes, str]) -> Entry:
    value, after = told
    data: dict[str, Any] = orjson.loads(value)
    return Entry(
        tenant_id=change.tenant_id,
        chain=chain,
        at=change.at,
        actor=change.actor,
        action=change.TYPE,
        object_id=object_id,
        outcome=DONE,
        value_hash=digest(value),
        command_id=change.command_id,
        reason=change.reason,
        before_hash=digest(canonical(data["before"])) if data.get("before") is not None else None,
        after_hash=digest(canonical(data[after])),
    )


def _call(call: AuditRecorded, value_hash: str) -> Entry:
    return Entry(
        tenant_id=call.tenant_id,
        chain=CALLS,
        at=call.at,
        actor=call.actor,
        action=f"{call.method} {call.route}".strip(),
        object_id=call.object_id,
        outcome=f"{call.code} {call.dropped_count}" if call.dropped_count else call.code,
        value_hash=value_hash,
        address=call.address,
        command_id=call.command_id,
    )
