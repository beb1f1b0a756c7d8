"""Figures by the minute in memory: implements `WindowReader`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from projections.views import WindowView


@dataclass
class MemoryWindows:
    """`rows` are everybody's, each with its tenant."""

    rows: list[tuple[str, WindowView]] = field(default_factory=list)

    async def windows(self, tenant_id: str, start: datetime, end: datetime, limit: int) -> Sequence[WindowView]:
        ours = [row for tenant, row in self.rows if tenant == tenant_id and start <= row.window_start < end]
        return sorted(ours, key=lambda row: row.window_start)[:limit]


def window(start: datetime, **changes: int) -> WindowView:
    """A minute in which nothing was decided but what is said."""
    counts = dict.fromkeys(("admitted", "started", "completed", "failed", "cancelled", "skipped", "missed"), 0)
    late = dict.fromkeys(("retried", "late_count", "late_sum_ms", "late_max_ms"), 0)
    return WindowView(window_start=start, window_seconds=60, **{**counts, **late, **changes})
