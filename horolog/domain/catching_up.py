"""What a resume would bring about: which instants would be owed, and what the misfire policy would do with them.

Guarantee: the same as what the ticker emits of the job, were it resumed at that moment and looked at in the same
moment. The cost does not grow with the number of instants. A schedule that can no longer be understood owes none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import ceil, floor

from horolog.domain import cron
from horolog.domain.history_fires import Fire, ScheduleSpan, owed
from horolog.domain.misfire import caught_up_from
from horolog.domain.schedule import resumed_from
from schemas.jobs import Job, JobDefinition, MisfirePolicy

_COUNT_MAX = 1 << 50
"""More than there are seconds in any window."""
_compiled = lru_cache(maxsize=20_000)(cron.parse)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of the instants after `in_force_from` and up to now: how many there are, and what becomes of them.

    The earliest are missed, from `missed_from` to `missed_until`; the next fire late, one after the other at `rate` a
    second (None: at once), the last of them not before `late_until`; the latest are `prompt`: they fire at once, as if
    they were on time. `late` holds the first of those that fire late.
    """

    in_force_from: datetime
    missed_count: int = 0
    missed_from: datetime | None = None
    missed_until: datetime | None = None
    late_count: int = 0
    late: tuple[Fire, ...] = ()
    late_until: datetime | None = None
    rate: float | None = None
    prompt_count: int = 0

    @property
    def instant_count(self) -> int:
        """How many instants there are."""
        return self.missed_count + self.late_count + self.prompt_count


@dataclass(frozen=True, slots=True)
class _Plan:
    """A schedule, and the epoch seconds (after, until] of its instants that have come."""

    spec: cron.CronSpec
    place: cron.Zone
    after_s: int
    until_s: int

    def count(self, first_s: int, last_s: int) -> int:
        return cron.count_between(self.spec, self.place, first_s - 1, last_s, _COUNT_MAX)

    def before(self, epoch_s: int) -> int | None:
        """The latest instant before that second, if the plan holds one."""
        found = cron.previous_before_s(self.spec, self.place, min(epoch_s, self.until_s + 1))
        return None if found is None or found <= self.after_s else found


def runs_left(definition: JobDefinition, execution_count: int) -> int | None:
    """How many more times the job may run; None when `maxExecutions` sets no end."""
    most = definition.max_executions
    return None if most is None else max(0, most - execution_count)


def look_ahead(job: Job, now: datetime, catch_up: bool, grace_s: int, shown_max: int) -> Outlook:
    """What would become of a job that is not active, were it resumed now.

    Up to `grace_s` seconds an instant is not too late; at most `shown_max` of those that fire late are listed.
    """
    begin = resumed_from(job, now, catch_up)
    plan = _plan(job.definition, begin, floor(now.timestamp()))
    return Outlook(begin) if plan is None else _judged(job.definition, plan, begin, (now, grace_s, shown_max))


def _plan(definition: JobDefinition, begin: datetime, now_s: int) -> _Plan | None:
    try:
        spec, place = _compiled(definition.cron_expression), cron.zone(definition.timezone)
    except (cron.CronError, cron.ZoneError):
        return None
    after_s, until_s = floor(begin.timestamp()), now_s
    if definition.start_date is not None:
        after_s = max(after_s, ceil(definition.start_date.timestamp()) - 1)
    if definition.end_date is not None:
        until_s = min(until_s, floor(definition.end_date.timestamp()))
    return _Plan(spec, place, after_s, until_s)


def _judged(definition: JobDefinition, plan: _Plan, begin: datetime, moment: tuple[datetime, int, int]) -> Outlook:
    now, grace_s, shown_max = moment
    now_s, misfire = floor(now.timestamp()), definition.misfire
    last_s = plan.before(now_s - grace_s)
    prompt_count = plan.count((plan.after_s if last_s is None else last_s) + 1, plan.until_s)
    first_s = cron.next_after_s(plan.spec, plan.place, plan.after_s)
    if last_s is None or first_s is None:
        return Outlook(begin, prompt_count=prompt_count)
    late_s = caught_up_from(misfire, plan.spec, plan.place, (first_s, last_s), now_s)
    if misfire.policy is MisfirePolicy.LATEST and prompt_count:
        # A later one fires, though it is late by a little only.
        late_s = None
    missed_s = last_s if late_s is None else plan.before(late_s)
    late_count = 0 if late_s is None else plan.count(late_s, last_s)
    wait = misfire.interval() * (late_count - 1)
    return Outlook(
        begin,
        missed_count=0 if missed_s is None else plan.count(first_s, missed_s),
        missed_from=None if missed_s is None else _instant(first_s),
        missed_until=None if missed_s is None else _instant(missed_s),
        late_count=late_count,
        late=() if late_s is None else _listed(definition, late_s, last_s, shown_max),
        late_until=now + wait if late_count else None,
        rate=misfire.rate if misfire.policy is MisfirePolicy.ALL else None,
        prompt_count=prompt_count,
    )


def _listed(definition: JobDefinition, first_s: int, last_s: int, count_max: int) -> tuple[Fire, ...]:
    before, end = _instant(first_s - 1), _instant(last_s) + timedelta(seconds=1)
    span = ScheduleSpan(definition.cron_expression, definition.timezone, None, None, before)
    return tuple(owed([span], before, end, count_max))


def _instant(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)
