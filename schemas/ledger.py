"""The answer of the ledger's proof: what was looked at, and what is wrong."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Uuid, Value

FindingKind = Literal["missing", "double", "early", "unexplained", "unended", "unreadable"]


class LedgerFinding(Value):
    """One thing that is wrong, at one instant or at `count` owed instants in a row, from `first` to `last`."""

    kind: FindingKind
    tenant_id: Uuid
    job_id: Uuid
    first: datetime
    last: datetime
    count: int
    execution_id: str | None
    text: str


class LedgerReport(Value):
    """What the schedules owe, held against the ledger. `clean` when there is nothing in `counts`.

    `to` is where the proof ended; from `leftOutFrom` on the window is too young to be judged. `aheadCount` rows were
    admitted before a change that took their instant away. `findings` are the first ones, `counts` is exact.
    """

    start: Annotated[datetime, Field(alias="from")]
    end: Annotated[datetime, Field(alias="to")]
    left_out_from: datetime | None
    clean: bool
    job_count: int
    owed_count: int
    row_count: int
    ahead_count: int
    counts: dict[FindingKind, int]
    findings: tuple[LedgerFinding, ...]
