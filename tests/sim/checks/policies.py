"""S3, S9: what each job said of lateness, overlap and delivery is what happened, and every reason is borne out."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from horolog.limits import MISFIRE_GRACE_S
from schemas.events.executions import (
    ExecutionAdmitted,
    ExecutionBlocked,
    ExecutionCancelled,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionSkipped,
    Reason,
)
from schemas.events.fires import FireDue, FireMissed
from schemas.events.tenants import TenantChanged
from schemas.jobs import Delivery, JobStatus, MisfirePolicy, OverlapPolicy
from schemas.tenants import TenantState
from tests.sim.history import Fact, History
from tests.sim.plan import JobPlan

ROUNDING_S = 1.1
JUDGED_WITHIN_S = 5.0
_TENANTS_REASONS = (Reason.TENANT_SUSPENDED, Reason.OWNER_BARRED, Reason.NOT_ALLOWED)
_STATUS_OF_REASON = {Reason.PAUSED: JobStatus.PAUSED, Reason.STOPPED: JobStatus.INACTIVE}


def misfires_keep_the_policy(history: History) -> Iterator[str]:
    """S3: nothing is missed, or late on purpose, that was not late; what fires late, the policy lets fire late."""
    jobs = {job.job_id: job for job in history.plan.jobs}
    judged: Counter[tuple[str, int, object]] = Counter()
    for missed in history.missed:
        yield from _missed_in_time(missed.message)
    for due in history.due:
        fire = due.message
        judged[fire.job_id, fire.schedule_version, fire.emitted_at] += fire.catch_up
        yield from _unlawful(jobs[fire.job_id], fire)
    for (job_id, _, at), count in judged.items():
        misfire = jobs[job_id].misfire
        most = 1 if misfire.policy is MisfirePolicy.LATEST else misfire.max_count
        if count > most:
            yield f"job {job_id}: {count} of at most {most} instants were caught up with at {at}"


def _missed_in_time(fire: FireMissed) -> Iterator[str]:
    late_s = (fire.emitted_at - fire.last).total_seconds()
    if late_s < MISFIRE_GRACE_S - ROUNDING_S:
        yield f"job {fire.job_id}: {fire.last} was missed when it was {late_s:.3f} s late"


def _unlawful(job: JobPlan, fire: FireDue) -> Iterator[str]:
    late_s = (fire.emitted_at - fire.scheduled_for).total_seconds()
    what = f"job {job.job_id}: {fire.scheduled_for} fired {late_s:.3f} s late"
    if not fire.catch_up:
        if late_s > MISFIRE_GRACE_S + ROUNDING_S:
            yield f"{what}, as if in time"
        return
    if job.misfire.policy is MisfirePolicy.SKIP:
        yield f"{what}, and its policy is to skip"
    # Judged once: those that one turn does not hold are emitted by the next, a moment later.
    if not MISFIRE_GRACE_S - ROUNDING_S <= late_s <= job.misfire.max_age + JUDGED_WITHIN_S:
        yield f"{what}, and its greatest age is {job.misfire.max_age}"


def catching_up_keeps_its_rate(history: History) -> Iterator[str]:
    """S3: those that wait to catch up get their turns no closer to each other than the job's rate says."""
    rates = {job.job_id: job.misfire.interval().total_seconds() for job in history.plan.jobs}
    turns: dict[tuple[str, float], list[float]] = defaultdict(list)
    for fact in history.events:
        event = fact.message
        if isinstance(event, ExecutionAdmitted) and event.catch_up and event.not_before is not None:
            turns[event.job_id, fact.at_s].append(history.virtual_s(event.not_before))
    for (job_id, at_s), not_before in turns.items():
        gaps = [later - earlier for earlier, later in zip(sorted(not_before), sorted(not_before)[1:], strict=False)]
        if gaps and min(gaps) < rates[job_id] - 0.001:
            yield f"job {job_id}: turns admitted at {at_s:.3f} s are {min(gaps):.3f} s apart, not {rates[job_id]:.3f}"


def nothing_runs_twice_at_most_once(history: History) -> Iterator[str]:
    """What may be delivered at most once began at most once, whatever became of its workers."""
    careful = {job.job_id for job in history.plan.jobs if job.delivery is Delivery.AT_MOST_ONCE}
    for execution_id, runs in history.runs_of.items():
        if runs[0].job_id in careful and len(runs) > 1:
            yield f"{execution_id} began {len(runs)} times, and may do so at most once"


def reasons_are_borne_out(history: History) -> Iterator[str]:
    """Every reason is one that the job's policy and history give, and names an execution that was in the way."""
    jobs = {job.job_id: job for job in history.plan.jobs}
    for fact in history.events:
        event = fact.message
        if isinstance(event, ExecutionSkipped | ExecutionCancelled):
            problem = _unborne(history, jobs[event.job_id], event.reason)
            if problem is not None:
                yield f"{event.execution_id} is said to be {event.reason}, and {problem}"
        if isinstance(event, ExecutionSkipped | ExecutionBlocked):
            yield from _not_in_the_way(history, fact)


def _unborne(history: History, job: JobPlan, reason: Reason) -> str | None:
    changes = [fact.message.job for fact in history.changes_of[job.job_id]]
    status = _STATUS_OF_REASON.get(reason)
    if status is not None and all(change.status is not status for change in changes):
        return f"the job never was {status}"
    if reason is Reason.DELETED and not any(change.deleted for change in changes):
        return "the job was not deleted"
    if reason is Reason.MAX_EXECUTIONS and job.max_executions is None:
        return "the job has no limit"
    if reason in _TENANTS_REASONS and not any(_lets_end(fact.message, reason) for fact in history.tenant_changes):
        return "no tenant was ever changed to that"
    policy = job.overlap.policy
    wrong = {
        Reason.OVERLAP: policy in (OverlapPolicy.QUEUE_ALL, OverlapPolicy.CANCEL_RUNNING),
        Reason.QUEUE_FULL: policy is not OverlapPolicy.QUEUE_ALL,
        Reason.SUPERSEDED: policy is not OverlapPolicy.CANCEL_RUNNING,
    }
    return f"the policy is {policy}" if wrong.get(reason, False) else None


def _lets_end(change: TenantChanged, reason: Reason) -> bool:
    """Whether the change of a tenant can have led to this reason."""
    tenant = change.tenant
    if reason is Reason.TENANT_SUSPENDED:
        return tenant.state is TenantState.SUSPENDED
    barred = (*tenant.settings.barred_actors, *tenant.disabled_owners)
    return bool(barred) if reason is Reason.OWNER_BARRED else True


def _not_in_the_way(history: History, fact: Fact[ExecutionEvent]) -> Iterator[str]:
    event = fact.message
    assert isinstance(event, ExecutionSkipped | ExecutionBlocked)
    blocked_by: str | None = event.blocked_by
    if blocked_by is None:
        if getattr(event, "reason", None) in (Reason.OVERLAP, Reason.QUEUE_FULL):
            yield f"{event.execution_id} was skipped, and what was in its way is not told"
        return
    others = history.events_of.get(blocked_by, [])
    if not others or others[0].message.job_id != event.job_id or blocked_by == event.execution_id:
        yield f"{event.execution_id} was held up by {blocked_by}, which is none of its job"
    elif any(isinstance(o.message, ExecutionEnded | ExecutionSkipped) and o.offset < fact.offset for o in others):
        yield f"{event.execution_id} was held up by {blocked_by}, which had ended"
