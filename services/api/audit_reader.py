"""What the API reads of the audit trail, and the two forms in which it tells it.

Guarantee: no cell of a CSV can be taken for a formula by a program that opens it: one that begins like one has a ' in
front. Source: RFC 4180; OWASP, CSV Injection.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from horolog.domain.audit import Link
from projections.views import AuditFilter, Cursor

COLUMNS = (
    *("chain", "seq", "at", "actor", "address", "action", "object", "outcome", "commandId", "reason"),
    *("beforeHash", "afterHash", "valueHash", "previousHash", "recordHash"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class AuditReader(Protocol):
    """The audit trail of tenants.

    Every call raises `ReadModelUnavailable` when the database is gone; none ever blocks longer than its bound.
    """

    async def entries(self, tenant_id: str, where: AuditFilter, after: Cursor | None, limit: int) -> Sequence[Link]:
        """That tenant's entries, newest first by (`at`, chain, `seq`); the cursor's id is `cursor_id` of the last."""
        ...


def entry_body(link: Link) -> dict[str, Any]:
    """An entry, in the order of `COLUMNS`."""
    entry = link.entry
    return {
        "chain": entry.chain,
        "seq": link.seq,
        "at": entry.at,
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "object": entry.object_id,
        "outcome": entry.outcome,
        "commandId": entry.command_id,
        "reason": entry.reason,
        "beforeHash": entry.before_hash,
        "afterHash": entry.after_hash,
        "valueHash": entry.value_hash,
        "previousHash": link.previous_hash,
        "recordHash": link.record_hash,
    }


def cursor_id(link: Link) -> str:
    """The id of a cursor that goes on after this entry."""
    return f"{link.entry.chain}:{link.seq}"


def csv_text(bodies: Sequence[Mapping[str, Any]], *, has_head: bool = True) -> str:
    """Entries as CSV, with a line of the columns' names first."""
    text = io.StringIO()
    lines = csv.writer(text)
    if has_head:
        lines.writerow(COLUMNS)
    lines.writerows([_cell(body[column]) for column in COLUMNS] for body in bodies)
    return text.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
