"""Judging a row by itself: did it start in time, does it say why it did not run, was it missed, has it ended?

A row that ran has a start and no reason; one that did not has a reason of the closed set that fits its status, and
that the job's history bears out. An execution may wait or run for its timeout, and for as long as the dispatcher
waits beyond it; before its first attempt also for as long as the job's policies let it stand in a queue. What goes
on longer has not ended as it was promised to.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from horolog.limits import CANCEL_GRACE_S, LEASE_S, MISFIRE_GRACE_S, TIMEOUT_BACKSTOP_S
from horolog.verify.findings import SETTLE_S, Kind
from horolog.verify.history import JobHistory
from horolog.verify.rows import LedgerRow

CLOCKS_APART_S_MAX = 10.0
"""By how much the clocks of those who wrote a row may have disagreed, in seconds."""
UNENDED_GRACE_S = CANCEL_GRACE_S + TIMEOUT_BACKSTOP_S + LEASE_S

_SKIP_REASONS = frozenset(
    {
        "paused",
        "stopped",
        "deleted",
        "overlap",
        "queue_full",
        "superseded",
        "quota",
        "max_executions",
        "outside_window",
        "tenant_suspended",
        "owner_barred",
        "not_allowed",
    }
)
_CANCEL_REASONS = frozenset(
    {
        "requested",
        "paused",
        "stopped",
        "deleted",
        "superseded",
        "quota",
        "max_executions",
        "worker_lost",
        "timed_out",
        "tenant_suspended",
        "owner_barred",
        "not_allowed",
    }
)
_BLOCKED_REASONS = frozenset({"overlap", "queue_full", "superseded"})
"""Those that are given because of another execution, which the row names."""

Flaw = tuple[Kind, str]


def flaws(row: LedgerRow, job: JobHistory, now_s: float) -> Iterator[Flaw]:
    """Everything that is wrong with the row itself."""
    started_s = row.started_s
    if started_s is not None and started_s < row.scheduled_s and row.trigger_type == "scheduled":
        yield Kind.EARLY, f"started {row.scheduled_s - started_s:.6f} s before its instant"
    judge = _JUDGES.get(row.status)
    if judge is None:
        yield Kind.UNEXPLAINED, f"{row.status!r} is no status"
        return
    yield from judge(row, job)
    if row.status in ("pending", "running"):
        yield from _unended(row, job, now_s)


def _ran(row: LedgerRow, job: JobHistory) -> Iterator[Flaw]:
    if row.reason is not None:
        yield Kind.UNEXPLAINED, f"{row.status}, but with a reason for not running: {row.reason}"
    if row.status == "completed" and (row.started_s is None or row.attempt < 1):
        yield Kind.UNEXPLAINED, "completed, but never started"
    if row.status == "failed" and (row.error_type is None or row.attempt < 1):
        yield Kind.UNEXPLAINED, "failed, but no attempt and error are told"


def _skipped(row: LedgerRow, job: JobHistory) -> Iterator[Flaw]:
    if row.reason not in _SKIP_REASONS:
        yield Kind.UNEXPLAINED, f"skipped, and the reason is {row.reason or 'not told'}"
    if row.started_s is not None or row.attempt > 0:
        yield Kind.UNEXPLAINED, "skipped, but it was started"
    yield from _unborne(row, job)


def _missed(row: LedgerRow, job: JobHistory) -> Iterator[Flaw]:
    if row.reason != "misfire":
        yield Kind.UNEXPLAINED, f"missed, and the reason is {row.reason or 'not told'}"
    if row.missed_until_s is None or row.missed_count is None:
        yield Kind.UNEXPLAINED, "missed, but not how many instants"
    if row.missed_until_s is not None:
        yield from _missed_too_soon(row.created_s - row.missed_until_s)


def _missed_too_soon(late_s: float) -> Iterator[Flaw]:
    """An instant is missed only when it is later than the grace; before that, somebody could have fired it yet."""
    if late_s < 0:
        yield Kind.EARLY, f"entered as missed {-late_s:.3f} s before its last instant came"
    elif late_s < MISFIRE_GRACE_S - CLOCKS_APART_S_MAX:
        yield Kind.EARLY, f"entered as missed when its last instant was {late_s:.3f} s late, within the grace"


def _cancelled(row: LedgerRow, job: JobHistory) -> Iterator[Flaw]:
    if row.reason not in _CANCEL_REASONS:
        yield Kind.UNEXPLAINED, f"cancelled, and the reason is {row.reason or 'not told'}"
    else:
        yield from _unborne(row, job)


def _going_on(row: LedgerRow, job: JobHistory) -> Iterator[Flaw]:
    if row.reason is not None:
        yield Kind.UNEXPLAINED, f"{row.status}, but with a reason for not running: {row.reason}"


def _unborne(row: LedgerRow, job: JobHistory) -> Iterator[Flaw]:
    """Reasons that nothing in the row or in the job's history bears out."""
    if row.reason in _BLOCKED_REASONS and row.blocked_by is None:
        yield Kind.UNEXPLAINED, f"{row.status} because of {row.reason}, but which execution it was for is not told"
    is_borne_out = _BORNE_OUT.get(row.reason or "")
    if is_borne_out is not None and not is_borne_out(job):
        yield Kind.UNEXPLAINED, f"{row.status} because of {row.reason}, which no version of the job can have led to"


def _unended(row: LedgerRow, job: JobHistory, now_s: float) -> Iterator[Flaw]:
    begun_s = max(row.scheduled_s, row.created_s, row.started_s or 0.0, row.retry_s or 0.0)
    allowed_s = job.timeout_s + UNENDED_GRACE_S + SETTLE_S + _queued_s(row, job)
    if now_s - begun_s > allowed_s:
        yield Kind.UNENDED, f"{row.status} for {now_s - begun_s:.0f} s, of {allowed_s:.0f} s that it may take"


def _queued_s(row: LedgerRow, job: JobHistory) -> float:
    """How long the row may stand in a queue before its first attempt."""
    if row.status != "pending" or row.attempt > 0:
        return 0.0
    return (job.queue_s if row.blocked_by is not None else 0.0) + (
        job.catch_up_s if row.created_s > row.scheduled_s else 0.0
    )


_JUDGES: Mapping[str, Callable[[LedgerRow, JobHistory], Iterator[Flaw]]] = MappingProxyType(
    {
        "completed": _ran,
        "failed": _ran,
        "skipped": _skipped,
        "missed": _missed,
        "cancelled": _cancelled,
        "pending": _going_on,
        "running": _going_on,
    }
)
_BORNE_OUT: Mapping[str, Callable[[JobHistory], bool]] = MappingProxyType(
    {
        "paused": lambda job: any(version.status == "paused" for version in job.versions),
        "stopped": lambda job: any(version.status == "inactive" for version in job.versions),
        "deleted": lambda job: any(version.is_deleted for version in job.versions),
        "max_executions": lambda job: any(version.is_limited for version in job.versions),
        "not_allowed": lambda job: any(version.is_restricted for version in job.versions),
        "queue_full": lambda job: any(version.overlap == "queueAll" for version in job.versions),
        "superseded": lambda job: any(version.overlap == "cancelRunning" for version in job.versions),
    }
)
