"""S1 and S2: every owed instant has exactly one account in the ledger, nothing else has one, nothing is early."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from schemas.events.executions import ExecutionAdmitted, ExecutionMissed, ExecutionSkipped, Reason, TriggerType
from schemas.jobs import Job, JobStatus
from tests.sim.history import History
from tests.sim.plan import JobPlan
from tests.sim.schedules import Schedule

DECIDED_WITHIN_S = 10.0
ROUNDING_S = 0.002
_GIVEN_UP = frozenset({Reason.PAUSED, Reason.STOPPED, Reason.DELETED})


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a job's schedule, in force after an instant (epoch seconds)."""

    after_s: float
    schedule: Schedule | None


def every_owed_instant_is_decided_once(history: History) -> Iterator[str]:
    """S1, by trying every second of the run against every version of the schedule."""
    for job in history.plan.jobs:
        versions = list(_versions(history, job))
        if not versions:
            continue
        first_s = math.floor(versions[0].after_s)
        last_s = math.floor(history.start_s + history.end_s - DECIDED_WITHIN_S)
        named = {v.schedule: set(v.schedule.instants(first_s, last_s)) for v in versions if v.schedule is not None}
        owed = _owed(versions, named, first_s, last_s)
        ever = set().union(*named.values()) if named else set()
        yield from _compare(history, job, owed, ever)


def nothing_is_early(history: History) -> Iterator[str]:
    """S2: by the worker's own clock no attempt begins before its instant."""
    for run in history.runs:
        at_s = run.started + run.offset_s
        if at_s < history.virtual_s(max(run.not_before, run.scheduled_for)) - ROUNDING_S:
            yield f"attempt {run.attempt} of {run.execution_id} began {run.not_before} at {at_s:.3f} s, which is early"


def _versions(history: History, job: JobPlan) -> Iterator[Version]:
    number = 0
    for fact in history.changes_of[job.job_id]:
        changed = fact.message.job
        if changed.schedule_version > number:
            number = changed.schedule_version
            yield Version(changed.effective_from.timestamp(), _schedule(job, changed))


def _schedule(plan: JobPlan, job: Job) -> Schedule | None:
    if job.status is not JobStatus.ACTIVE or job.deleted:
        return None
    definition = job.definition
    return next(s for s in plan.schedules if s.text == definition.cron_expression and s.zone == definition.timezone)


def _owed(versions: list[Version], named: dict[Schedule, set[int]], first_s: int, last_s: int) -> set[int]:
    owed = set()
    for second in range(first_s + 1, last_s + 1):
        governing = next((v for v in reversed(versions) if v.after_s < second), None)
        if governing is not None and governing.schedule is not None and second in named[governing.schedule]:
            owed.add(second)
    return owed


@dataclass(slots=True)
class Accounts:
    """What the ledger says of one job: how often each second has an account, and which were given up later."""

    counts: Counter[int] = field(default_factory=Counter)
    excused: set[int] = field(default_factory=set)
    wrong_ranges: list[str] = field(default_factory=list)


def _accounts(history: History, job: JobPlan, owed: set[int]) -> Accounts:
    found = Accounts()
    for events in history.events_of.values():
        for event in (fact.message for fact in events if fact.message.job_id == job.job_id):
            if isinstance(event, ExecutionAdmitted) and event.trigger_type is TriggerType.SCHEDULED:
                found.counts[_second(event.scheduled_for)] += 1
            elif isinstance(event, ExecutionMissed):
                covered = [s for s in owed if _second(event.scheduled_for) <= s <= _second(event.missed_until)]
                found.counts.update(covered)
                if len(covered) != event.missed_count:
                    text = f"{event.missed_count} missed from {event.scheduled_for}, owed {len(covered)}"
                    found.wrong_ranges.append(f"job {job.job_id}: {text}")
            elif isinstance(event, ExecutionSkipped) and event.reason in _GIVEN_UP:
                found.excused.add(_second(event.scheduled_for))
    return found


def _compare(history: History, job: JobPlan, owed: set[int], ever: set[int]) -> Iterator[str]:
    accounts = _accounts(history, job, owed)
    yield from accounts.wrong_ranges
    last_s = history.start_s + history.end_s - DECIDED_WITHIN_S
    if not _forgotten(history, job):
        for second in sorted(owed - accounts.counts.keys()):
            yield f"job {job.job_id}: {_text(history, second)} was owed and is not in the ledger"
    for second, count in sorted(accounts.counts.items()):
        if count > 1:
            yield f"job {job.job_id}: {_text(history, second)} was decided {count} times"
        # What was admitted before the schedule changed is given up with a row that says so.
        if second not in owed and second <= last_s and not (second in accounts.excused and second in ever):
            yield f"job {job.job_id}: {_text(history, second)} was decided and not owed"


def _forgotten(history: History, job: JobPlan) -> bool:
    """Whether the job was deleted: it is forgotten, with what it owed and nobody had emitted."""
    return history.changes_of[job.job_id][-1].message.job.deleted


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


def _text(history: History, second: int) -> str:
    return f"second {second - history.start_s:.3f} ({second})"
