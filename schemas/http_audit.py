"""The audit trail, as it is told over HTTP."""

from schemas.base import UtcTime, Value


class AuditEntryResponse(Value):
    """One entry. `recordHash` is over the entry and `previousHash`; `valueHash` is that of its record in the log."""

    chain: str
    seq: int
    at: UtcTime
    actor: str
    address: str | None
    action: str
    object: str
    outcome: str
    command_id: str | None
    reason: str | None
    before_hash: str | None
    after_hash: str | None
    value_hash: str
    previous_hash: str
    record_hash: str


class AuditPage(Value):
    """One page, newest first."""

    items: list[AuditEntryResponse]
    next_cursor: str | None
