"""S1 and S2: every owed instant has exactly one account in the ledger, nothing else has one, nothing is early."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from horolog.limits import TASK_TRANSIT_S
from schemas.events.executions import (
    ExecutionAdmitted,
    ExecutionEvent,
    ExecutionMissed,
    ExecutionSkipped,
    TriggerType,
)
from schemas.jobs import Job, JobStatus
from tests.sim.history import History
from tests.sim.plan import JobPlan
from tests.sim.schedules import Schedule

DECIDED_WITHIN_S = 10.0
ROUNDING_S = 0.002


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a job's schedule, in force after an instant (epoch seconds), written at `at_s` (virtual seconds)."""

    after_s: float
    at_s: float
    schedule: Schedule | None


@dataclass(slots=True)
class Accounts:
    """What the ledger says of one job: when each second was accounted for, and ranges that it counts wrongly."""

    at_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong_ranges: list[str] = field(default_factory=list)


def every_owed_instant_is_decided_once(history: History) -> Iterator[str]:
    """S1, by trying every second of the run against every version of the schedule."""
    for job in history.plan.jobs:
        versions = list(_versions(history, job))
        if versions:
            yield from (f"job {job.job_id}: {problem}" for problem in _problems(history, job, versions))


def nothing_is_early(history: History) -> Iterator[str]:
    """S2: by the worker's own clock no attempt begins before its instant.

    An instant that has come for a worker that has the task comes no second time when its clock is put back.
    """
    # Where a task was written twice, which other checks tell of, its worker may have begun it before the second one.
    tasks = sorted(history.tasks, key=lambda fact: fact.at_s, reverse=True)
    written_s = {(fact.message.execution_id, fact.message.attempt): fact.at_s for fact in tasks}
    for run in history.runs:
        had_s = written_s.get((run.execution_id, run.attempt), run.started)
        at_s = run.process.clock.latest_shown_s(had_s, run.started)
        if at_s < history.virtual_s(run.due) - ROUNDING_S:
            yield f"attempt {run.attempt} of {run.execution_id} began at {at_s:.3f} s, due at {run.due}"


def nothing_is_early_by_true_time(history: History) -> Iterator[str]:
    """S2: whatever the worker's clock shows, as long as the clock that dated the task was not ahead.

    A clock that is ahead by less than `TASK_TRANSIT_S` looks like a task that was under way for so long.
    """
    sent_s = {
        (fact.message.execution_id, fact.message.attempt): fact.at_s
        for fact in history.tasks
        if fact.sent_s is not None and fact.sent_s <= fact.at_s
    }
    for run in history.runs:
        at_s = sent_s.get((run.execution_id, run.attempt))
        if at_s is None:
            continue
        ahead_s = history.virtual_s(run.due) - run.started
        offsets = run.process.clock.offsets_since(at_s)
        allowed_s = max((offset_s for offset_s in offsets if 0 < offset_s <= TASK_TRANSIT_S), default=0.0)
        if ahead_s > allowed_s + ROUNDING_S:
            yield f"attempt {run.attempt} of {run.execution_id} began {ahead_s:.3f} s before {run.due}"


def _versions(history: History, job: JobPlan) -> Iterator[Version]:
    number = 0
    for fact in history.changes_of[job.job_id]:
        changed = fact.message.job
        if changed.schedule_version > number:
            number = changed.schedule_version
            yield Version(changed.effective_from.timestamp(), fact.at_s, _schedule(job, changed))


def _schedule(plan: JobPlan, job: Job) -> Schedule | None:
    if job.status is not JobStatus.ACTIVE or job.deleted:
        return None
    definition = job.definition
    return next(s for s in plan.schedules if s.text == definition.cron_expression and s.zone == definition.timezone)


def _problems(history: History, job: JobPlan, versions: Sequence[Version]) -> Iterator[str]:
    first_s = math.floor(min(version.after_s for version in versions))
    last_s = math.floor(history.start_s + history.end_s - DECIDED_WITHIN_S)
    named = {v.schedule: set(v.schedule.instants(first_s, last_s)) for v in versions if v.schedule is not None}
    owed = {second for second in range(first_s + 1, last_s + 1) if _names(_governing(versions, second), named, second)}
    accounts = _accounts(history, job, owed)
    yield from accounts.wrong_ranges
    for second in sorted(owed - accounts.at_s.keys()):
        yield f"{_text(history, second)} was owed and is not in the ledger"
    for second, at_s in sorted(accounts.at_s.items()):
        if len(at_s) > 1:
            yield f"{_text(history, second)} was decided {len(at_s)} times"
        if second not in owed and second <= last_s and not _was_owed(versions, named, second, at_s[0]):
            yield f"{_text(history, second)} was decided and not owed"


def _governing(versions: Iterable[Version], second: int) -> Version | None:
    return next((version for version in reversed(list(versions)) if version.after_s < second), None)


def _names(version: Version | None, named: Mapping[Schedule, set[int]], second: int) -> bool:
    return version is not None and version.schedule is not None and second in named[version.schedule]


def _was_owed(versions: Sequence[Version], named: Mapping[Schedule, set[int]], second: int, at_s: float) -> bool:
    """Whether the second was owed when it was decided on, a moment before a change took it away.

    What one commit writes has one time, so that a change may stand before or after a decision of the same time.
    """
    before = (version for version in versions if version.at_s < at_s)
    with_it = (version for version in versions if version.at_s <= at_s)
    return any(_names(_governing(known, second), named, second) for known in (before, with_it))


def _accounts(history: History, job: JobPlan, owed: set[int]) -> Accounts:
    found = Accounts()
    for events in history.events_of.values():
        for fact in (fact for fact in events if fact.message.job_id == job.job_id):
            event = fact.message
            if isinstance(event, ExecutionMissed):
                _account_range(found, event, fact.at_s, owed)
            elif _is_decision(event):
                found.at_s[_second(event.scheduled_for)].append(fact.at_s)
    return found


def _is_decision(event: ExecutionEvent) -> bool:
    """Whether this is the first thing that the ledger says of a fire."""
    if isinstance(event, ExecutionAdmitted):
        return event.trigger_type is TriggerType.SCHEDULED
    return isinstance(event, ExecutionSkipped) and event.seq == 1


def _account_range(found: Accounts, event: ExecutionMissed, at_s: float, owed: set[int]) -> None:
    covered = [s for s in owed if _second(event.scheduled_for) <= s <= _second(event.missed_until)]
    for second in covered:
        found.at_s[second].append(at_s)
    if len(covered) != event.missed_count:
        found.wrong_ranges.append(f"{event.missed_count} missed from {event.scheduled_for}, owed {len(covered)}")


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


def _text(history: History, second: int) -> str:
    return f"second {second - history.start_s:.3f} ({second})"
