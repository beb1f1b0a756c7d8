"""Which instants a job owed, and which it will owe: the work behind `GET /jobs/{id}/fires`.

Guarantee: the instants up to now are those of the versions that were in force then; those to come follow from the
present definition, and end where `maxExecutions` does. At most `FIRE_COUNT_MAX` at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from horolog.domain.history_fires import SECOND, Fire, ScheduleSpan, count_owed, next_second, owed
from projections.views import JobView
from schemas.jobs import JobStatus
from services.api.history import HistoryReader

FIRE_COUNT_MAX = 1000
SPAN_COUNT_MAX = 1000
"""How many versions of a schedule one answer looks at; the next goes on where they end."""


@dataclass(frozen=True, slots=True)
class Window:
    """From inclusive, to exclusive (None: without end), and how many instants of it at most."""

    start: datetime
    end: datetime | None
    limit: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Instants that were owed, those to come, and where the list goes on (None: it is complete)."""

    settled: Sequence[Fire]
    coming: Sequence[Fire]
    next_from: datetime | None


async def look_ahead(history: HistoryReader, job: JobView, window: Window, now: datetime) -> Preview:
    """The instants of a window, those before `now` by what was in force then.

    Raises:
        ReadModelUnavailable: the database does not answer.
    """
    border, wanted = next_second(now), window.limit + 1
    settled: list[Fire] = []
    if window.start < border:
        end = border if window.end is None else min(window.end, border)
        spans = await history.schedules(job.tenant_id, job.id, window.start, end, SPAN_COUNT_MAX)
        settled = owed(spans, window.start, end, wanted)
        if len(spans) == SPAN_COUNT_MAX and len(settled) < wanted and (until := spans[-1].until) is not None:
            return Preview(settled, (), next_second(until))
    if len(settled) == wanted:
        return Preview(settled[:-1], (), settled[-1].at)
    coming = _coming(job, Window(max(window.start, border), window.end, wanted - len(settled)), border)
    if len(settled) + len(coming) == wanted:
        return Preview(settled, coming[:-1], coming[-1].at)
    return Preview(settled, coming, None)


def present_span(job: JobView, after: datetime) -> ScheduleSpan:
    """The schedule of a job's present definition, as if it were in force after an instant."""
    definition = job.definition
    return ScheduleSpan(
        cron_expression=str(definition["cronExpression"]),
        timezone=str(definition.get("timezone", "UTC")),
        start_date=_instant(definition, "startDate"),
        end_date=_instant(definition, "endDate"),
        after=after,
    )


def _coming(job: JobView, window: Window, border: datetime) -> list[Fire]:
    active = job.status == JobStatus.ACTIVE
    now = border - SECOND
    span = present_span(job, max(job.effective_from, now) if active else now)
    limit, left = window.limit, _left(job, active)
    if left is not None:
        limit = min(limit, left - count_owed(span, border, window.start, left))
    return owed([span], window.start, window.end, limit)


def _left(job: JobView, active: bool) -> int | None:
    """How many more runs `maxExecutions` allows; None when it sets no end."""
    most = job.definition.get("maxExecutions")
    if not isinstance(most, int):
        return None
    # An active job counts from when its runs were limited: one that has had more than that still goes on.
    return None if active and job.execution_count >= most else max(0, most - job.execution_count)


def _instant(definition: Mapping[str, JsonValue], field: str) -> datetime | None:
    text = definition.get(field)
    return datetime.fromisoformat(text) if isinstance(text, str) else None
