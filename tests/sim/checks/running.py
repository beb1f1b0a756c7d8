"""S9 to S13, judged by what ran: overlap, timeouts, leases, and starts after they were forbidden."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from horolog.limits import CANCEL_GRACE_S, LEASE_S
from schemas.commands import BarActor, CancelExecution, DeleteJob, PauseJob, StopJob, SuspendTenant
from schemas.events.executions import AttemptDispatched, ExecutionAdmitted, ExecutionEnded, RetryScheduled, TriggerType
from schemas.events.jobs import JobResumed
from schemas.events.owners import CommandAccepted
from schemas.events.tenants import TenantChanged
from schemas.tenants import TenantState
from tests.sim.history import Fact, History
from tests.sim.runner import Run

SLACK_S = 0.3
DEAF_S_MAX = 36.0
"""The longest that a worker may be deaf, and the time that it has to answer a revocation."""
_HOLDING_UP = ("stall", "long_stall", "zombie", "cut_off", "reader_failure", "database")


@dataclass(frozen=True, slots=True)
class Interval:
    """A run, for as long as the ledger holds it to go on."""

    begin: float
    end: float
    run: Run


def max_concurrent_holds(history: History) -> Iterator[str]:
    """S9: never more runs of a job at a time than allowed; those whose loss was concluded count no longer."""
    over_at = _over_at(history)
    by_job: dict[str, list[Interval]] = defaultdict(list)
    for run in history.runs:
        end = min(run.end_or(history.end_s), over_at.get((run.execution_id, run.attempt), history.end_s))
        by_job[run.job_id].append(Interval(run.started, end, run))
    for job in history.plan.jobs:
        for interval in by_job[job.job_id]:
            going = [i for i in by_job[job.job_id] if i.begin <= interval.begin < i.end]
            if len(going) > job.max_concurrent:
                names = [(i.run.execution_id, i.run.attempt, i.run.process.name) for i in going]
                yield f"job {job.job_id}: at {interval.begin:.3f} s {names} run, at most {job.max_concurrent} may"


def zombie_overlaps(history: History) -> int:
    """How many runs began while an earlier attempt of their execution still went on, though it was held lost."""
    return sum(
        1
        for runs in history.runs_of.values()
        for run in runs
        if any(r.attempt < run.attempt and r.end_or(history.end_s) > run.started for r in runs)
    )


def _over_at(history: History) -> dict[tuple[str, int], float]:
    over: dict[tuple[str, int], float] = {}
    for fact in history.events:
        if isinstance(fact.message, RetryScheduled | ExecutionEnded):
            over.setdefault((fact.message.execution_id, fact.message.attempt), fact.at_s)
    return over


def attempts_run_once_where_they_were_sent(history: History) -> Iterator[str]:
    """S8, S10: each attempt starts at most once, at the worker that it was handed to, after it was handed over."""
    counts = Counter((run.execution_id, run.attempt) for run in history.runs)
    for key, count in counts.items():
        if count > 1:
            yield f"attempt {key} was started {count} times"
    sent = {
        (fact.message.execution_id, fact.message.attempt): (fact.message.worker_id, fact.at_s)
        for fact in history.events
        if isinstance(fact.message, AttemptDispatched)
    }
    for run in history.runs:
        worker, at_s = sent.get((run.execution_id, run.attempt), ("nobody", 0.0))
        if worker != run.process.name or at_s > run.started + 0.001:
            yield f"attempt {run.attempt} of {run.execution_id} ran on {run.process.name}, it was sent to {worker}"


def timeouts_hold(history: History) -> Iterator[str]:
    """S13: a run is asked to end at its timeout and gone after the grace, unless its worker could take no step."""
    for run in history.runs:
        end = run.end_or(history.end_s)
        if run.process.stalled_within(run.started, end):
            continue
        allowed_s = run.timeout_s + SLACK_S
        asked_s = min(end, end if run.stop_asked is None else run.stop_asked) - run.started
        if end - run.started > allowed_s + CANCEL_GRACE_S:
            yield f"attempt {run.attempt} of {run.execution_id} ran for {end - run.started:.3f} s"
        elif asked_s > allowed_s:
            yield f"attempt {run.attempt} of {run.execution_id} was asked to end after {asked_s:.3f} s"


def leases_hold(history: History) -> Iterator[str]:
    """A worker that no beat of reached the log for a lease runs nothing any more, and starts nothing."""
    for run in history.runs:
        beats = history.beats.get(run.process.name, [])
        end = run.end_or(history.end_s)
        if run.process.stalled_within(run.started - LEASE_S, end):
            continue
        edges = [beat for beat in beats if beat <= run.started][-1:] + [b for b in beats if run.started < b < end]
        if not edges:
            yield f"attempt {run.attempt} of {run.execution_id} ran on {run.process.name}, which never beat"
            continue
        gaps = zip(edges, [*edges[1:], end], strict=True)
        if any(later - earlier > LEASE_S + SLACK_S for earlier, later in gaps):
            yield f"attempt {run.attempt} of {run.execution_id} ran on without a lease, until {end:.3f} s"


def nothing_starts_after_it_was_forbidden(history: History) -> Iterator[str]:
    """S11: from the instant that the answer to a pause, stop, deletion or cancellation names, nothing of it starts.

    A worker that is held up hears of it later, but within a lease; one that is deaf, when it hears again.
    """
    for fact in history.accepted:
        sent = history.sent.get(fact.message.command_id)
        if sent is None or not isinstance(sent.command, PauseJob | StopJob | DeleteJob | CancelExecution):
            continue
        from_s = _forbidden_from_s(history, fact)
        for run in _forbidden(history, sent.command, fact):
            if run.started > from_s:
                name = type(sent.command).__name__
                yield f"{run.execution_id} started at {run.started:.3f} s, {name} forbade it from {from_s:.3f} s on"


def nothing_of_a_closed_tenant_starts(history: History) -> Iterator[str]:
    """The same of a tenant that was suspended, or whose jobs' owner was barred, until both are undone."""
    tenant_of = {job.job_id: job.tenant_id for job in history.plan.jobs}
    for fact in history.accepted:
        sent = history.sent.get(fact.message.command_id)
        if sent is None or not isinstance(sent.command, SuspendTenant | BarActor):
            continue
        tenant_id, version = sent.command.tenant_id, fact.message.tenant_version or 0
        from_s = _forbidden_from_s(history, fact)
        later = [c for c in history.tenant_changes_of[tenant_id] if c.message.tenant.version > version]
        until_s = next((change.at_s for change in later if _is_open(change)), history.end_s)
        for run in history.runs:
            if tenant_of[run.job_id] == tenant_id and from_s < run.started < until_s:
                name = type(sent.command).__name__
                yield f"{run.execution_id} started at {run.started:.3f} s, {name} forbade it from {from_s:.3f} s on"


def _is_open(change: Fact[TenantChanged]) -> bool:
    tenant = change.message.tenant
    return tenant.state is TenantState.ACTIVE and not tenant.settings.barred_actors


def _forbidden_from_s(history: History, accepted: Fact[CommandAccepted]) -> float:
    held_up = any(history.plan.has(fault) for fault in _HOLDING_UP)
    slack_s = DEAF_S_MAX if history.plan.has("deaf_worker") else LEASE_S if held_up else 0.0
    return accepted.at_s + (accepted.message.effective_at - accepted.message.at).total_seconds() + slack_s


def _forbidden(
    history: History, command: PauseJob | StopJob | DeleteJob | CancelExecution, accepted: Fact[CommandAccepted]
) -> Iterator[Run]:
    """The runs that the accepted command forbids."""
    at_s, version = accepted.at_s, accepted.message.job_version or 0
    if isinstance(command, CancelExecution):
        yield from history.runs_of.get(command.execution_id, ())
        return
    changes = history.changes_of[command.job_id]
    resumed = [c.at_s for c in changes if isinstance(c.message, JobResumed) and c.message.job.version > version]
    until_s = min(resumed, default=history.end_s)
    for execution_id, runs in history.runs_of.items():
        admitted = history.events_of[execution_id][0]
        if runs[0].job_id != command.job_id or not isinstance(admitted.message, ExecutionAdmitted):
            continue
        if not isinstance(command, PauseJob):
            # A late fire that finds the job stopped is given up with that turn, unless the turn resumes the job too.
            comes_after = admitted.message.job_version == version
            yield from (
                run
                for run in runs
                if admitted.at_s <= at_s
                and admitted.message.job_version <= version
                and (run.started < until_s or not comes_after)
            )
        elif admitted.message.trigger_type is TriggerType.SCHEDULED and runs[0].started > at_s:
            # What ran already goes on, with its retries; callers may still trigger a paused job.
            yield from (run for run in runs[:1] if run.started < until_s)
