"""Segments: for how long one version of a job's schedule is in force, and which instants it owes.

Each version of a schedule owes the instants after it took effect up to (and with) the instant at which the next
version took effect. Versions are met in the order of the job table; a version met late still owes its past.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from horolog.domain.cron import CronSpec, Zone, ZoneData, next_after_s, packaged_zone_data, parse
from horolog.domain.schedule import owes_fires
from schemas.jobs import MISFIRE_DEFAULT, Job, Misfire

FOREVER_S = 1 << 40


def ceiling_s(instant: datetime) -> int:
    """The first whole second not before the instant."""
    return math.ceil(instant.timestamp())


def floor_s(instant: datetime) -> int:
    """The last whole second not after the instant."""
    return math.floor(instant.timestamp())


@lru_cache(maxsize=20_000)
def _spec(expression: str) -> CronSpec:
    return parse(expression)


@dataclass(slots=True)
class Segment:
    """One version of a schedule in force. `next_s` is the next instant it owes, in epoch seconds.

    `caught_up_until_s` is the last instant of a gap that was judged: those that are left of it fire late.
    """

    tenant_id: str
    job_id: str
    schedule_version: int
    spec: CronSpec
    zone: Zone
    next_s: int
    until_s: int
    misfire: Misfire = MISFIRE_DEFAULT
    caught_up_until_s: int = -FOREVER_S

    def advance(self, after_s: int) -> bool:
        """Go to the first instant after `after_s`; False when the segment owes nothing more."""
        following = next_after_s(self.spec, self.zone, after_s)
        if following is None or following > self.until_s:
            return False
        self.next_s = following
        return True

    def close(self, at_s: int) -> None:
        """Let the segment owe nothing after `at_s`."""
        self.until_s = min(self.until_s, at_s)


def segment_of(job: Job, after_s: int, zone_data: ZoneData | None = None) -> Segment | None:
    """The segment of a job's present version, from its first instant after `after_s`; None when it owes nothing.

    Instants count from after the version took effect, and from `startDate` to `endDate`, both inclusive. They are
    computed by the packaged time zone data, unless another release is given.

    Raises:
        CronError, ZoneError: the table holds what can no longer be understood (a zone that was withdrawn).
    """
    if not owes_fires(job):
        return None
    definition = job.definition
    begin_s = max(after_s, floor_s(job.effective_from))
    if definition.start_date is not None:
        begin_s = max(begin_s, ceiling_s(definition.start_date) - 1)
    until_s = FOREVER_S if definition.end_date is None else floor_s(definition.end_date)
    segment = Segment(
        tenant_id=job.tenant_id,
        job_id=job.job_id,
        schedule_version=job.schedule_version,
        spec=_spec(definition.cron_expression),
        zone=(zone_data or packaged_zone_data()).zone(definition.timezone),
        next_s=begin_s,
        until_s=until_s,
        misfire=definition.misfire,
    )
    return segment if segment.advance(begin_s) else None
