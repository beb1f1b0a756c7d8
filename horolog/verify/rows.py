"""One row of the ledger, as far as the proof looks at it."""

from typing import NamedTuple


class LedgerRow(NamedTuple):
    """A row of `job_executions`; times in epoch seconds, ids in their text form.

    A named tuple, because there are millions of them: it is made several times faster than a frozen value.
    """

    job_id: str
    scheduled_s: float
    execution_id: str
    tenant_id: str
    trigger_type: str
    status: str
    created_s: float
    attempt: int
    started_s: float | None = None
    reason: str | None = None
    blocked_by: str | None = None
    error_type: str | None = None
    retry_s: float | None = None
    missed_until_s: float | None = None
    missed_count: int | None = None
