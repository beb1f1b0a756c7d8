"""What a proof finds: its window, its findings, and the report that sums them up.

Guarantee: counts are exact however many findings there are; only so many of them are kept to be shown. Work is
bounded: beyond its limit a proof ends with `TooMuchWork`, and with no report.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from horolog.verify.history import JobHistory

SETTLE_S = 120.0
"""What is younger than this may still be on its way to the ledger."""
_LAST_S = 253_402_300_799
"""The last second that has a date: 9999-12-31T23:59:59Z."""


class Kind(StrEnum):
    """What can be wrong with a ledger."""

    MISSING = "missing"
    """Instants that were owed, of which no row tells."""
    DOUBLE = "double"
    """A row whose instant another row has accounted for already."""
    EARLY = "early"
    """A start before the nominal instant, or a range entered as missed before its last instant was too late."""
    UNEXPLAINED = "unexplained"
    """A row without its reason, or whose instant nothing owed, or whose words contradict each other."""
    UNENDED = "unended"
    """An execution that still waits or runs, long after it can have ended."""
    UNREADABLE = "unreadable"
    """A job whose history cannot be read: what it owes cannot be told."""


class TooMuchWork(Exception):
    """There is more to look at than the limit allows; ask for a shorter window or a single job."""


@dataclass(frozen=True, slots=True)
class Window:
    """Instants from `begin_s` (inclusive) to `end_s` (exclusive), as seen at `now_s`; in epoch seconds.

    `asked_end_s` is the end that was asked for; what lies between the two is too young to be judged.
    """

    begin_s: int
    end_s: int
    asked_end_s: int
    now_s: float


def settled_window(begin: datetime, end: datetime, now: datetime) -> Window:
    """The part of [begin, end) of which the ledger can be expected to tell everything by now."""
    begin_s, asked_end_s = (min(math.ceil(moment.timestamp()), _LAST_S) for moment in (begin, end))
    now_s = now.timestamp()
    end_s = min(asked_end_s, math.floor(now_s - SETTLE_S))
    return Window(begin_s, max(begin_s, end_s), asked_end_s, now_s)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `count` of them in a row, from `first_s` to `last_s` (epoch seconds)."""

    kind: Kind
    tenant_id: str
    job_id: str
    first_s: float
    last_s: float
    text: str
    count: int = 1
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a proof. `counts` are exact; `findings` are the first of them.

    `ahead_count` rows were rightly there although a later change of their job's schedule took their instant away:
    they had been admitted before it.
    """

    window: Window
    job_count: int
    owed_count: int
    row_count: int
    ahead_count: int
    counts: Mapping[Kind, int]
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts


@dataclass(slots=True)
class Tally:
    """Counts while the proof goes on. `work_max` bounds versions, instants and rows together; None does not."""

    findings_max: int
    work_max: int | None = None
    owed_count: int = 0
    row_count: int = 0
    job_count: int = 0
    version_count: int = 0
    ahead_count: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def find(self, finding: Finding) -> None:
        """Count it, and keep it if there is room."""
        self.counts[finding.kind] += finding.count
        if len(self.findings) < self.findings_max:
            self.findings.append(finding)

    def find_in(self, job: JobHistory, kind: Kind, at_s: float, text: str, execution_id: str | None = None) -> None:
        """One thing about one job at one instant."""
        text += job.told_zone_data(at_s, at_s)
        self.find(Finding(kind, job.tenant_id, job.job_id, at_s, at_s, text, execution_id=execution_id))

    def check_work(self) -> None:
        """Raises `TooMuchWork` beyond the limit."""
        if self.work_max is not None and self.version_count + self.owed_count + self.row_count > self.work_max:
            raise TooMuchWork(f"there are more than {self.work_max} versions, instants and rows to look at")

    def report(self, window: Window) -> Report:
        """What it comes to."""
        return Report(
            window=window,
            job_count=self.job_count,
            owed_count=self.owed_count,
            row_count=self.row_count,
            ahead_count=self.ahead_count,
            counts=dict(self.counts),
            findings=tuple(self.findings),
        )
