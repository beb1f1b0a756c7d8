"""The history of one job: the versions of its schedule, and the instants that they owe between them.

Each version owes what it names after it took effect, up to and with the instant at which a later one did; within
its start and end, both counted in. Versions that are paused, stopped or deleted owe nothing. Guarantee: every
instant is owed by one version at most, in whole seconds, ascending.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from horolog.verify.calendar import Calendar
from horolog.verify.zones import zone_data_version

FOREVER_S = 1 << 40


@dataclass(frozen=True, slots=True)
class ScheduleVersion:
    """One version of a schedule; times in epoch seconds. `status` is the job's: active, paused or inactive."""

    effective_s: float
    expression: str
    zone: str
    status: str = "active"
    is_deleted: bool = False
    is_limited: bool = False
    """Whether the job may run only so many times."""
    is_restricted: bool = False
    """Whether its tenant has to be allowed what it runs: a program or a function."""
    timeout_s: float = 0.0
    overlap: str = "skip"
    """The overlap policy: skip, queueOne, queueAll or cancelRunning."""
    queue_s: float = 0.0
    """How long an execution may wait for others of its job to end."""
    catch_up_s: float = 0.0
    """How long one that was admitted after its instant may wait for its turn."""
    start_s: float | None = None
    end_s: float | None = None
    decided_s: float | None = None
    """When it was decided on, where that is not when it took effect: a job resumed takes up where it left off."""

    @property
    def known_s(self) -> float:
        """From when on fires could be decided by it."""
        return self.effective_s if self.decided_s is None else self.decided_s

    @property
    def is_in_force(self) -> bool:
        """Whether it owes anything at all."""
        return self.status == "active" and not self.is_deleted


@dataclass(frozen=True, slots=True)
class ZoneDataUse:
    """A release of the time zone data by which the job's instants after `after_s` were computed."""

    version: str
    after_s: float


@dataclass(frozen=True, slots=True)
class JobHistory:
    """All versions of one job, oldest first. `flaw` says why a version cannot be read, when one cannot.

    `zone_data` are the releases, oldest first; of what was computed before the first of them, none is known.
    """

    job_id: str
    tenant_id: str
    versions: Sequence[ScheduleVersion]
    flaw: str | None = None
    zone_data: Sequence[ZoneDataUse] = ()

    @property
    def timeout_s(self) -> float:
        """The longest time that any version gives an attempt."""
        return max((version.timeout_s for version in self.versions), default=0.0)

    @property
    def queue_s(self) -> float:
        """The longest wait for others of the job that any version allows."""
        return max((version.queue_s for version in self.versions), default=0.0)

    @property
    def catch_up_s(self) -> float:
        """The longest wait to catch up that any version allows."""
        return max((version.catch_up_s for version in self.versions), default=0.0)

    def owed(self, calendar: Calendar, after_s: int, until_s: int) -> Iterator[int]:
        """The instants owed in (after_s, until_s], ascending.

        Raises:
            UnreadableSchedule: a version's expression or zone means nothing.
        """
        for version, successor_s in self._spans():
            if version.is_in_force:
                yield from _owed_by(version, calendar, after_s, min(until_s, math.floor(successor_s)))

    def named_at(self, calendar: Calendar, decided_s: float, instant_s: int) -> bool:
        """Whether the newest version that was known when something was decided names the instant.

        Raises:
            UnreadableSchedule: as `owed`.
        """
        known = [version for version in self.versions if version.known_s < decided_s]
        if not known or not known[-1].is_in_force:
            return False
        return next(_owed_by(known[-1], calendar, instant_s - 1, instant_s), None) is not None

    def told_zone_data(self, first_s: float, last_s: float) -> str:
        """Words on the other releases by which instants from `first_s` to `last_s` were computed; "" without one."""
        own = zone_data_version()
        ends = [*(use.after_s for use in self.zone_data[1:]), math.inf]
        others = [
            use.version
            for use, end_s in zip(self.zone_data, ends, strict=False)
            if use.version != own and use.after_s < last_s and first_s <= end_s
        ]
        if not others or all(version.zone == "UTC" for version in self.versions):
            return ""
        return f" (computed by time zone data {', '.join(dict.fromkeys(others))}; this proof computes by {own})"

    def _spans(self) -> Iterator[tuple[ScheduleVersion, float]]:
        """Each version, and when the first of those after it took effect."""
        successors: list[float] = []
        earliest = float(FOREVER_S)
        for version in reversed(self.versions):
            successors.append(earliest)
            earliest = min(earliest, version.effective_s)
        return zip(self.versions, reversed(successors), strict=True)


def first_owed(version: ScheduleVersion, calendar: Calendar, after_s: int, until_s: int) -> int | None:
    """The first instant in (after_s, until_s] that the version owes, were no other to follow it.

    Raises:
        UnreadableSchedule: its expression or zone means nothing.
    """
    after_s, until_s = _within(version, after_s, until_s)
    return calendar.walk(version.expression, version.zone).first(after_s, until_s) if version.is_in_force else None


def last_owed(version: ScheduleVersion, calendar: Calendar, after_s: int, until_s: int) -> int | None:
    """The last instant in (after_s, until_s] that the version owes, were no other to follow it.

    Raises:
        UnreadableSchedule: its expression or zone means nothing.
    """
    after_s, until_s = _within(version, after_s, until_s)
    return calendar.walk(version.expression, version.zone).last(after_s, until_s) if version.is_in_force else None


def _owed_by(version: ScheduleVersion, calendar: Calendar, after_s: int, until_s: int) -> Iterator[int]:
    after_s, until_s = _within(version, after_s, until_s)
    if after_s < until_s:
        yield from calendar.walk(version.expression, version.zone).instants(after_s, until_s)


def _within(version: ScheduleVersion, after_s: int, until_s: int) -> tuple[int, int]:
    """The part of (after_s, until_s] in which the version can owe anything."""
    after_s = max(after_s, math.floor(version.effective_s))
    if version.start_s is not None:
        after_s = max(after_s, math.ceil(version.start_s) - 1)
    if version.end_s is not None:
        until_s = min(until_s, math.floor(version.end_s))
    return after_s, until_s
