"""What is overdue: the latest instants that schedules named, and those among them of which the ledger does not tell.

Guarantee: the instants are named by the evaluator of `horolog.verify`, which shares no code with the ticker, so that
an error of the ticker's cannot hide here. Only instants are looked at that came `OVERDUE_S` before the read models
are known to reach; of each job the last one, which stays overdue until it or a later one is accounted for.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from horolog.domain.identity import fire_id
from horolog.limits import OVERDUE_LOOK_BACK_S, OVERDUE_S
from horolog.verify import Calendar, ScheduleVersion, last_owed
from horolog.verify.expression import UnreadableSchedule
from projections.views import OwedFire, ScheduleView
from schemas.topics import partition_of


@dataclass(frozen=True, slots=True)
class Overdue:
    """A job that is not fired as it should be. `since` is the instant that is not accounted for.

    Of an unreadable schedule no instant can be told; `since` is then when it came into force.
    """

    tenant_id: str
    job_id: str
    since: datetime
    is_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What the latest looks have found. `behind` are partitions whose read models are; nothing is said of their jobs.

    `looked_at_s` is the monotonic time of the last look that was finished; None before the first.
    """

    looked_at_s: float | None = None
    overdue: Sequence[Overdue] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    behind: Sequence[int] = ()

    def of_tenant(self, tenant_id: str, count_max: int) -> Sequence[Overdue]:
        """The first of the tenant's overdue jobs, in the order of ids."""
        if tenant_id not in self.counts:
            return ()
        return [found for found in self.overdue if found.tenant_id == tenant_id][:count_max]


@dataclass(frozen=True, slots=True)
class Frontier:
    """Up to which instants a partition's jobs can be judged; `from_s` is where its present time zone data begin."""

    reached: Mapping[int, datetime]
    from_s: Mapping[int, float]
    partition_count: int


def latest_fires(
    page: Iterable[ScheduleView], frontier: Frontier, calendar: Calendar
) -> tuple[Mapping[str, tuple[ScheduleView, OwedFire]], Sequence[Overdue]]:
    """The latest instant of each schedule that must be accounted for, by the fire's id; and what cannot be read."""
    fires: dict[str, tuple[ScheduleView, OwedFire]] = {}
    unreadable = []
    for schedule in page:
        partition = partition_of(schedule.tenant_id, frontier.partition_count)
        reached = frontier.reached.get(partition)
        if reached is None:
            continue
        until_s = math.floor(reached.timestamp() - OVERDUE_S)
        after_s = max(math.floor(frontier.from_s.get(partition, 0.0)), until_s - int(OVERDUE_LOOK_BACK_S))
        try:
            instant_s = last_owed(_version(schedule), calendar, after_s, until_s)
        except UnreadableSchedule:
            unreadable.append(Overdue(schedule.tenant_id, schedule.job_id, schedule.effective_from, is_unreadable=True))
            continue
        if instant_s is not None:
            instant = datetime.fromtimestamp(instant_s, UTC)
            id_ = fire_id(schedule.tenant_id, schedule.job_id, instant)
            fires[id_] = schedule, OwedFire(id_, schedule.job_id, instant)
    return fires, unreadable


def _version(schedule: ScheduleView) -> ScheduleVersion:
    start, end = schedule.start_date, schedule.end_date
    return ScheduleVersion(
        effective_s=schedule.effective_from.timestamp(),
        expression=schedule.cron_expression,
        zone=schedule.timezone,
        start_s=None if start is None else start.timestamp(),
        end_s=None if end is None else end.timestamp(),
    )
