"""S7, S8, S12: what the ledger says of each execution, step by step."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from horolog.limits import LEASE_S, LOST_ATTEMPT_COUNT_MAX
from schemas.events.executions import (
    AttemptDispatched,
    AttemptProgressed,
    AttemptStarted,
    CancellationRequested,
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    LateResultRecorded,
    RetryScheduled,
)
from schemas.events.results import AttemptReport, SuccessReported
from schemas.jobs import RETRIED_BY_DEFAULT, RetryConfig
from tests.sim.history import Fact, History

LOST = frozenset({"WORKER_LOST", "HANDED_BACK", "WORKER_STOPPED", "LEASE_LOST"})
HEARD_WITHIN_S = 2.0

_AFTER: dict[str, tuple[type[ExecutionEvent], ...]] = {
    "nothing": (ExecutionAdmitted, ExecutionMissed),
    "waiting": (AttemptDispatched, ExecutionSkipped, ExecutionCancelled, LateResultRecorded),
    "held": (
        AttemptStarted,
        AttemptProgressed,
        RetryScheduled,
        ExecutionCompleted,
        ExecutionFailed,
        ExecutionCancelled,
        CancellationRequested,
        LateResultRecorded,
    ),
    "ended": (LateResultRecorded,),
}


def histories_are_legal(history: History) -> Iterator[str]:
    """S7, S8: legal steps alone, numbered without gaps, attempts in a row, and nothing after the one end."""
    for execution_id, facts in history.events_of.items():
        state, seq, attempt, worker = "nothing", 0, 0, ""
        for event in (fact.message for fact in facts):
            if not isinstance(event, _AFTER[state]):
                yield f"{execution_id}: {event.TYPE} while it is {state}"
            if state == "ended" and event.seq == 0:
                continue
            if event.seq != seq + 1:
                yield f"{execution_id}: {event.TYPE} is number {event.seq} after {seq}"
            seq = event.seq
            if isinstance(event, AttemptDispatched):
                if event.attempt != attempt + 1:
                    yield f"{execution_id}: attempt {event.attempt} after {attempt}"
                attempt, worker = event.attempt, event.worker_id
            elif isinstance(event, AttemptStarted | ExecutionCompleted) and (event.attempt, event.worker_id) != (
                attempt,
                worker,
            ):
                yield f"{execution_id}: {event.TYPE} of {event.attempt}/{event.worker_id}, not {attempt}/{worker}"
            state = _state_after(state, event)


def _state_after(state: str, event: ExecutionEvent) -> str:
    if isinstance(event, ExecutionEnded | ExecutionSkipped | ExecutionMissed):
        return "ended"
    if isinstance(event, ExecutionAdmitted | RetryScheduled):
        return "waiting"
    return "held" if isinstance(event, AttemptDispatched) else state


def ends_follow_from_reports(history: History) -> Iterator[str]:
    """S12: an attempt succeeded only if its own worker had said so before, and every report counts once."""
    reports: dict[str, list[Fact[AttemptReport]]] = defaultdict(list)
    for report in history.reports:
        reports[report.message.execution_id].append(report)
    for execution_id, facts in history.events_of.items():
        for fact in facts:
            event = fact.message
            if isinstance(event, ExecutionCompleted) and not _is_reported(event, fact.at_s, reports[execution_id]):
                yield f"{execution_id}: attempt {event.attempt} is completed, and {event.worker_id} did not say so"


def _is_reported(event: ExecutionCompleted, at_s: float, reports: Sequence[Fact[AttemptReport]]) -> bool:
    return any(
        isinstance(r.message, SuccessReported)
        and (r.message.attempt, r.message.worker_id) == (event.attempt, event.worker_id)
        and r.at_s <= at_s
        for r in reports
    )


def losses_are_real(history: History) -> Iterator[str]:
    """An attempt is held to be lost only after a lease without a beat that names it, and without its report."""
    if history.plan.has("clock_step"):
        return
    named: dict[tuple[str, int], list[float]] = defaultdict(list)
    for beat in history.worker_beats:
        for held in beat.message.held:
            named[held.execution_id, held.attempt].append(beat.at_s)
    told: dict[tuple[str, int], float] = {}
    for report in history.reports:
        if "start" not in report.message.TYPE and "progress" not in report.message.TYPE:
            told.setdefault((report.message.execution_id, report.message.attempt), report.at_s)
    for fact in history.events:
        event = fact.message
        if not isinstance(event, RetryScheduled | ExecutionFailed) or event.failure.code != "WORKER_LOST":
            continue
        key = (event.execution_id, event.attempt)
        beats = [s for s in named[key] if fact.at_s - LEASE_S + 0.1 < s < fact.at_s - HEARD_WITHIN_S]
        if beats:
            yield f"{key} was held lost at {fact.at_s:.3f} s, and was named by a beat at {beats[-1]:.3f} s"
        if told.get(key, fact.at_s) < fact.at_s - HEARD_WITHIN_S:
            yield f"{key} was held lost at {fact.at_s:.3f} s, and its end was told at {told[key]:.3f} s"


def retries_keep_the_policy(history: History) -> Iterator[str]:
    """S8: no more retries than allowed, none too early, and none of a kind that is not retried."""
    policies = {job.job_id: job.retry for job in history.plan.jobs}
    for execution_id, facts in history.events_of.items():
        policy = policies[facts[0].message.job_id]
        lost_count, due = 0, None
        for event in (fact.message for fact in facts):
            if isinstance(event, RetryScheduled):
                due = event.retry_at
                if event.failure.code in LOST:
                    lost_count += 1
                else:
                    yield from _unlawful(policy, event)
            elif isinstance(event, AttemptDispatched) and due is not None and event.at < due:
                yield f"{execution_id}: attempt {event.attempt} was sent at {event.at}, before {due}"
        if lost_count > LOST_ATTEMPT_COUNT_MAX + (policy.max_retries if policy is not None else 0):
            yield f"{execution_id}: {lost_count} attempts were lost"


def _unlawful(policy: RetryConfig | None, event: RetryScheduled) -> Iterator[str]:
    where = f"{event.execution_id}: the retry after attempt {event.attempt}"
    if policy is None or event.attempt > policy.max_retries:
        yield f"{where} is one too many"
        return
    if event.failure.type not in (policy.retry_on_error_types or RETRIED_BY_DEFAULT):
        yield f"{where} follows {event.failure.type}"
    wait_ms = policy.retry_delay_ms * (2 ** (event.attempt - 1) if policy.exponential_backoff else 1)
    if policy.max_retry_delay_ms is not None:
        wait_ms = min(wait_ms, policy.max_retry_delay_ms)
    if round((event.retry_at - event.at).total_seconds() * 1000) != wait_ms:
        yield f"{where} comes after {event.retry_at - event.at}, not {wait_ms} ms"


def max_executions_hold(history: History) -> Iterator[str]:
    """No job runs more often than it may."""
    limits = {job.job_id: job.max_executions for job in history.plan.jobs}
    begun: dict[str, set[str]] = defaultdict(set)
    for fact in history.events:
        if isinstance(fact.message, AttemptDispatched):
            begun[fact.message.job_id].add(fact.message.execution_id)
    for job_id, executions in begun.items():
        limit = limits[job_id]
        if limit is not None and len(executions) > limit:
            yield f"job {job_id}: {len(executions)} of at most {limit} executions were run"
