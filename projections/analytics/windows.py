"""The maths of windows: which minute a fact belongs to, and what it adds there.

Guarantee: a window is a fold of its facts in the order of their offsets; a fact that it has counted already changes
nothing. So counting may begin again from any earlier offset, and comes to the same.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events.analytics import Lateness, Tally, WindowMeasured
from schemas.events.executions import (
    AttemptStarted,
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    RetryScheduled,
)

WINDOW_S = 60
SLOT_COUNT = 60
"""How many windows of a tenant are kept to be counted in: one that is older than the newest by more is closed."""
_NOTHING = Tally()
_MILLISECOND = timedelta(milliseconds=1)
_NAME_OF_KIND: dict[type[ExecutionEvent], str] = {
    ExecutionAdmitted: "admitted",
    AttemptStarted: "started",
    ExecutionCompleted: "completed",
    ExecutionFailed: "failed",
    ExecutionCancelled: "cancelled",
    ExecutionSkipped: "skipped",
    ExecutionMissed: "missed",
    RetryScheduled: "retried",
}


@dataclass(frozen=True, slots=True)
class Window:
    """A minute of a tenant. `through` is the offset of the last record counted; -1 before the first one."""

    start: datetime
    through: int = -1
    tally: Tally = _NOTHING

    def to_row(self) -> dict[str, Any]:
        """The window as plain JSON data."""
        return {"start": int(self.start.timestamp()), "through": self.through, "tally": self.tally.to_dict()}

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Window":
        """The window that `to_row` gave."""
        start = datetime.fromtimestamp(row["start"], UTC)
        return cls(start, row["through"], Tally.model_validate(row["tally"]))

    def measured(self, tenant_id: str) -> WindowMeasured:
        """What is told of it."""
        return WindowMeasured(
            tenant_id=tenant_id,
            window_start=self.start,
            window_seconds=WINDOW_S,
            through=self.through,
            tally=self.tally,
        )


def start_of(at: datetime) -> datetime:
    """The beginning of the window that the instant lies in."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % WINDOW_S, UTC)


def slot_key(tenant_id: str, start: datetime) -> str:
    """Where the window is kept. A tenant has `SLOT_COUNT` places, which its windows take in turn: that bounds them."""
    return f"{tenant_id}/{int(start.timestamp()) // WINDOW_S % SLOT_COUNT}"


def counts(kind: type[ExecutionEvent]) -> bool:
    """Whether facts of this kind are counted at all."""
    return kind in _NAME_OF_KIND


def counted(kept: Window | None, event: ExecutionEvent, offset: int) -> Window | None:
    """The window of the event with the event counted in it, where `kept` stands in its place.

    What has been counted is not counted again: the same window is returned. None when the event's window is closed, for
    a newer one has taken its place.
    """
    start = start_of(event.at)
    if kept is not None and kept.start > start:
        return None
    window = kept if kept is not None and kept.start == start else Window(start)
    if offset <= window.through:
        return window
    return Window(start, offset, _added(window.tally, event))


def _added(tally: Tally, event: ExecutionEvent) -> Tally:
    name = _NAME_OF_KIND[type(event)]
    count = event.missed_count if isinstance(event, ExecutionMissed) else 1
    changes: dict[str, Any] = {name: getattr(tally, name) + count}
    if (begun := _begun(event)) is not None:
        attempt, started_at = begun
        changes["started"] = tally.started + 1
        if attempt == 1:
            changes["lateness"] = _later(tally.lateness, started_at - event.scheduled_for)
    return tally.model_copy(update=changes)


def _begun(event: ExecutionEvent) -> tuple[int, datetime] | None:
    """Which attempt began, and when, if this is the one event that tells it: its start, or the end of a short one."""
    if isinstance(event, AttemptStarted):
        return event.attempt, event.started_at
    if isinstance(event, ExecutionEnded | RetryScheduled) and event.tells_start and event.started_at is not None:
        return event.attempt, event.started_at
    return None


def _later(lateness: Lateness, late: timedelta) -> Lateness:
    # A worker's clock may be a little ahead: nothing begins before its instant.
    late_ms = max(0, late // _MILLISECOND)
    return Lateness(count=lateness.count + 1, sum_ms=lateness.sum_ms + late_ms, max_ms=max(lateness.max_ms, late_ms))
