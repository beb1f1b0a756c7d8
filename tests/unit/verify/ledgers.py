"""Ledgers to prove: one job's history, the rows that a faultless system would write for it, and single faults."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from horolog.limits import MISFIRE_GRACE_S
from horolog.verify import Calendar, JobHistory, Kind, LedgerRow, Report, ScheduleVersion, Verification, Window

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
JOB = "00000001-0000-4000-8000-000000000000"
BEGIN = 1_772_366_400
"""2026-03-01 12:00 UTC."""
MINUTE = ScheduleVersion(effective_s=BEGIN - 1000.5, expression="0 * * * * *", zone="UTC", timeout_s=30)
WINDOW = Window(BEGIN, BEGIN + 3600, BEGIN + 3600, BEGIN + 4000.0)


def history(*versions: ScheduleVersion, job_id: str = JOB) -> JobHistory:
    return JobHistory(job_id, TENANT, versions or (MINUTE,))


def row(second: float, status: str = "completed", **fields: Any) -> LedgerRow:
    """A row at so many seconds after the beginning; one that ran unless told otherwise."""
    at = float(BEGIN + second)
    plain = LedgerRow(JOB, at, f"execution at {second:g}", TENANT, "scheduled", status, at - 1, 0)
    if status in ("completed", "failed", "running"):
        plain = plain._replace(attempt=1, started_s=at + 0.01)
    if status == "failed":
        plain = plain._replace(error_type="TIMEOUT")
    return plain._replace(**fields)


def missed(first: float, last: float, count: int, **fields: Any) -> LedgerRow:
    entered_s = BEGIN + last + MISFIRE_GRACE_S + 1
    common = {"reason": "misfire", "missed_until_s": BEGIN + last, "missed_count": count, "created_s": entered_s}
    return row(first, "missed", **{**common, **fields})


def every_minute(first: int = 0, until: int = 60) -> list[LedgerRow]:
    return [row(60.0 * minute) for minute in range(first, until)]


def proved(
    rows: Iterable[LedgerRow],
    *jobs: JobHistory,
    window: Window = WINDOW,
    findings_max: int = 100,
    work_max: int | None = None,
) -> Report:
    """The report on these rows, given in any order."""
    verification = Verification(window, Calendar(), findings_max, work_max)
    verification.expect(sorted(jobs or (history(),), key=lambda job: job.job_id))
    verification.take(sorted(rows, key=lambda one: (one.job_id, one.scheduled_s, one.execution_id)))
    verification.settle()
    return verification.report()


def found(report: Report) -> list[tuple[str, float, float]]:
    """What was found: the kind, and the range in seconds after the beginning."""
    return [(one.kind.value, one.first_s - BEGIN, one.last_s - BEGIN) for one in report.findings]


def texts(report: Report, kind: Kind) -> Sequence[str]:
    return [one.text for one in report.findings if one.kind is kind]


def version(second: float, expression: str = "0 * * * * *", **fields: Any) -> ScheduleVersion:
    """A version that took effect so many seconds after the beginning."""
    return replace(MINUTE, effective_s=BEGIN + second, expression=expression, **fields)
