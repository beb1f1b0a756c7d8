"""When a job runs next, computed at the moment of asking.

Guarantee: the same evaluator as the ticker's, so what is shown is what will be fired; an answer lies after now and
after the schedule took effect, and within the job's start and end dates (both included).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pydantic import JsonValue

from horolog.domain import cron
from projections.views import JobView
from schemas.jobs import JobDefinition, JobStatus

PREVIEW_COUNT = 10
_MOMENT = timedelta(microseconds=1)
_compiled = lru_cache(maxsize=20_000)(cron.parse)


def next_execution(job: JobView, now: datetime) -> datetime | None:
    """The next instant the job owes, or None: it is not active, owes none, or is no longer understood."""
    if job.status != JobStatus.ACTIVE:
        return None
    definition = job.definition
    try:
        spec, zone = _compiled(str(definition["cronExpression"])), cron.zone(str(definition.get("timezone", "UTC")))
    except (cron.CronError, cron.ZoneError):
        # A zone was withdrawn since: the ticker cannot fire the job either, and its neighbours are shown all the same.
        return None
    start, end = _instant(definition, "startDate"), _instant(definition, "endDate")
    return _next_within(spec, zone, max(now, job.effective_from), start, end)


def preview(definition: JobDefinition, now: datetime) -> list[datetime]:
    """The next ten instants of a good definition, were it in force now."""
    spec, zone = _compiled(definition.cron_expression), cron.zone(definition.timezone)
    instants: list[datetime] = []
    after = now
    while len(instants) < min(PREVIEW_COUNT, definition.max_executions or PREVIEW_COUNT):
        fire = _next_within(spec, zone, after, definition.start_date, definition.end_date)
        if fire is None:
            break
        instants.append(fire)
        after = fire
    return instants


def _next_within(
    spec: cron.CronSpec, zone: cron.Zone, after: datetime, start: datetime | None, end: datetime | None
) -> datetime | None:
    if start is not None and start > after:
        # One moment before: an instant equal to the start belongs to the job.
        after = start.astimezone(UTC) - _MOMENT
    fire = cron.next_after(spec, zone, after)
    return fire if fire is not None and (end is None or fire <= end) else None


def _instant(definition: Mapping[str, JsonValue], field: str) -> datetime | None:
    text = definition.get(field)
    return datetime.fromisoformat(text) if isinstance(text, str) else None
