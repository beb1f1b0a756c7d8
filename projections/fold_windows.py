"""Measured windows into rows: of each window what was told of it last."""

from collections.abc import Iterable
from datetime import datetime

from projections.rows import WindowRow
from schemas.events.analytics import WindowMeasured


def fold_windows(told: Iterable[WindowMeasured]) -> list[WindowRow]:
    """One row for each window, of the telling that had counted furthest, in the order of tenants and time."""
    newest: dict[tuple[str, datetime], WindowMeasured] = {}
    for one in told:
        known = newest.get((one.tenant_id, one.window_start))
        if known is None or one.through > known.through:
            newest[one.tenant_id, one.window_start] = one
    return [_row(newest[key]) for key in sorted(newest)]


def _row(one: WindowMeasured) -> WindowRow:
    tally, lateness = one.tally, one.tally.lateness
    return WindowRow(
        tenant_id=one.tenant_id,
        window_start=one.window_start,
        window_seconds=one.window_seconds,
        through=one.through,
        admitted=tally.admitted,
        started=tally.started,
        completed=tally.completed,
        failed=tally.failed,
        cancelled=tally.cancelled,
        skipped=tally.skipped,
        missed=tally.missed,
        retried=tally.retried,
        late_count=lateness.count,
        late_sum_ms=lateness.sum_ms,
        late_max_ms=lateness.max_ms,
    )
