"""The history of one job: the versions of its schedule, and the instants that they owe between them.

Each version owes what it names after it took effect, up to and with the instant at which a later one did; within
its start and end, both counted in. Versions that are paused, stopped or deleted owe nothing. Guarantee: every
instant is owed by one version at most, in whole seconds, ascending.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from horolog.verify.calendar import Calendar

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
    timeout_s: float = 0.0
    start_s: float | None = None
    end_s: float | None = None

    @property
    def is_in_force(self) -> bool:
        """Whether it owes anything at all."""
        return self.status == "active" and not self.is_deleted


@dataclass(frozen=True, slots=True)
class JobHistory:
    """All versions of one job, oldest first. `flaw` says why a version cannot be read, when one cannot."""

    job_id: str
    tenant_id: str
    versions: Sequence[ScheduleVersion]
    flaw: str | None = None

    @property
    def timeout_s(self) -> float:
        """The longest time that any version gives an attempt."""
        return max((version.timeout_s for version in self.versions), default=0.0)

    def owed(self, calendar: Calendar, after_s: int, until_s: int) -> Iterator[int]:
        """The instants owed in (after_s, until_s], ascending.

        Raises:
            UnreadableSchedule: a version's expression or zone means nothing.
        """
        for version, successor_s in self._spans():
            if version.is_in_force:
                yield from _owed_by(version, calendar, after_s, min(until_s, math.floor(successor_s)))

    def named_at(self, calendar: Calendar, decided_s: float, instant_s: int) -> bool:
        """Whether the version in force when something was decided names the instant.

        Raises:
            UnreadableSchedule: as `owed`.
        """
        known = [version for version in self.versions if version.effective_s < decided_s]
        if not known or not known[-1].is_in_force:
            return False
        return next(_owed_by(known[-1], calendar, instant_s - 1, instant_s), None) is not None

    def _spans(self) -> Iterator[tuple[ScheduleVersion, float]]:
        """Each version, and when the first of those after it took effect."""
        successors: list[float] = []
        earliest = float(FOREVER_S)
        for version in reversed(self.versions):
            successors.append(earliest)
            earliest = min(earliest, version.effective_s)
        return zip(self.versions, reversed(successors), strict=True)


def _owed_by(version: ScheduleVersion, calendar: Calendar, after_s: int, until_s: int) -> Iterator[int]:
    after_s = max(after_s, math.floor(version.effective_s))
    if version.start_s is not None:
        after_s = max(after_s, math.ceil(version.start_s) - 1)
    if version.end_s is not None:
        until_s = min(until_s, math.floor(version.end_s))
    if after_s < until_s:
        yield from calendar.walk(version.expression, version.zone).instants(after_s, until_s)
