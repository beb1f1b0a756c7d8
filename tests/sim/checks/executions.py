"""S7, S8, S12: what the ledger says of each execution, step by step."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from horolog.limits import LEASE_S, LOST_ATTEMPT_COUNT_MAX
from schemas.events.executions import (
    AttemptDispatched,
    AttemptProgressed,
    AttemptStarted,
    CancellationRequested,
    ExecutionAdmitted,
    ExecutionBlocked,
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
from schemas.events.results import AttemptReport, FailureReported, SuccessReported
from schemas.events.workers import WorkerState
from schemas.jobs import RETRIED_BY_DEFAULT, RetryConfig
from tests.sim.history import Fact, History

LOST = frozenset({"WORKER_LOST", "WORKER_STALLED", "HANDED_BACK", "WORKER_STOPPED", "LEASE_LOST"})
CONCLUDED = frozenset({"WORKER_LOST", "WORKER_STALLED", "HANDED_BACK", "TIMED_OUT"})
"""The codes of failures that the dispatcher concludes by itself."""
HEARD_WITHIN_S = 2.0
COMMIT_S_MAX = 12.0
"""How long what was decided may take to be written: the log's own bound, and a little more."""

_AFTER: dict[str, tuple[type[ExecutionEvent], ...]] = {
    "nothing": (ExecutionAdmitted, ExecutionMissed, ExecutionSkipped),
    "waiting": (AttemptDispatched, ExecutionBlocked, ExecutionSkipped, ExecutionCancelled, LateResultRecorded),
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
        course = _Course()
        for fact in facts:
            yield from (f"{execution_id}: {problem}" for problem in course.follow(fact.message))


@dataclass(slots=True)
class _Course:
    """Where an execution stands after some of its events."""

    state: str = "nothing"
    seq: int = 0
    attempt: int = 0
    worker: str = ""

    def follow(self, event: ExecutionEvent) -> Iterator[str]:
        """Take the next event; what is wrong with it."""
        if not isinstance(event, _AFTER[self.state]):
            yield f"{event.TYPE} while it is {self.state}"
        if self.state == "ended" and event.seq == 0:
            return
        if event.seq != self.seq + 1:
            yield f"{event.TYPE} is number {event.seq} after {self.seq}"
        self.seq = event.seq
        if isinstance(event, AttemptDispatched):
            if event.attempt != self.attempt + 1:
                yield f"attempt {event.attempt} after {self.attempt}"
            self.attempt, self.worker = event.attempt, event.worker_id
        elif isinstance(event, AttemptStarted | ExecutionCompleted):
            told, known = (event.attempt, event.worker_id), (self.attempt, self.worker)
            if told != known:
                yield f"{event.TYPE} of {told}, not {known}"
        self.state = _state_after(self.state, event)


def _state_after(state: str, event: ExecutionEvent) -> str:
    if isinstance(event, ExecutionEnded | ExecutionSkipped | ExecutionMissed):
        return "ended"
    if isinstance(event, ExecutionAdmitted | RetryScheduled):
        return "waiting"
    return "held" if isinstance(event, AttemptDispatched) else state


def ends_follow_from_reports(history: History) -> Iterator[str]:
    """S12: an attempt succeeded or failed only if its own worker had said so before, and every report counts once."""
    reports: dict[str, list[Fact[AttemptReport]]] = defaultdict(list)
    for report in history.reports:
        reports[report.message.execution_id].append(report)
    for execution_id, facts in history.events_of.items():
        for fact in facts:
            event = fact.message
            if isinstance(event, ExecutionCompleted):
                wanted: type[AttemptReport] = SuccessReported
            elif isinstance(event, ExecutionFailed | RetryScheduled) and event.failure.code not in CONCLUDED:
                wanted = FailureReported
            else:
                continue
            if not _is_reported(event, wanted, fact.at_s, reports[execution_id]):
                yield f"{execution_id}: {event.TYPE} of {event.attempt}, and {event.worker_id} did not say so"


def _is_reported(
    event: ExecutionEnded | RetryScheduled,
    wanted: type[AttemptReport],
    at_s: float,
    reports: Sequence[Fact[AttemptReport]],
) -> bool:
    return any(
        isinstance(r.message, wanted)
        and (r.message.attempt, r.message.worker_id) == (event.attempt, event.worker_id or r.message.worker_id)
        and r.at_s <= at_s
        for r in reports
    )


def losses_are_real(history: History) -> Iterator[str]:
    """An attempt is held to be lost only when its worker is gone, or after a lease without a beat that names it.

    Nor when its end was told. Beats that a dispatcher could not read do no harm where the worker died after them.
    """
    if history.plan.has("clock_step"):
        return
    heard = _Heard(history)
    for fact in history.events:
        event = fact.message
        if isinstance(event, AttemptDispatched):
            heard.handed[event.execution_id, event.attempt] = (fact.at_s, event.worker_id)
        if not isinstance(event, RetryScheduled | ExecutionFailed) or event.failure.code != "WORKER_LOST":
            continue
        key = (event.execution_id, event.attempt)
        beats = [s for s in heard.named[key] if fact.at_s - LEASE_S + 0.1 < s < fact.at_s - HEARD_WITHIN_S]
        if beats and not heard.is_gone(event.worker_id, fact.at_s):
            yield f"{key} was held lost at {fact.at_s:.3f} s, and was named by a beat at {beats[-1]:.3f} s"
        if heard.told.get(key, fact.at_s) < fact.at_s - HEARD_WITHIN_S:
            yield f"{key} was held lost at {fact.at_s:.3f} s, and its end was told at {heard.told[key]:.3f} s"
        if heard.is_hasty(key, fact.at_s):
            yield f"{key} was held lost at {fact.at_s:.3f} s, sooner than a lease, and its worker lived"


class _Heard:
    """What the log heard of attempts and workers: which beats named an attempt, when its end was told, who beat."""

    def __init__(self, history: History) -> None:
        self.named: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.told: dict[tuple[str, int], float] = {}
        self.handed: dict[tuple[str, int], tuple[float, str]] = {}
        self._beats: dict[str, list[float]] = defaultdict(list)
        self._stopped: set[str] = set()
        self._processes = history.processes
        for beat in history.worker_beats:
            self._beats[beat.message.worker_id].append(beat.at_s)
            if beat.message.state is WorkerState.STOPPED:
                self._stopped.add(beat.message.worker_id)
            for held in beat.message.held:
                self.named[held.execution_id, held.attempt].append(beat.at_s)
        for report in history.reports:
            if "start" not in report.message.TYPE and "progress" not in report.message.TYPE:
                self.told.setdefault((report.message.execution_id, report.message.attempt), report.at_s)

    def is_hasty(self, key: tuple[str, int], at_s: float) -> bool:
        """Whether less than a lease has passed since the hand-over, while the worker gave signs of life and lived."""
        handed_at_s, worker_id = self.handed.get(key, (0.0, ""))
        if handed_at_s <= at_s - LEASE_S + 0.1 or self.is_gone(worker_id, at_s):
            return False
        return any(at_s - LEASE_S + 0.1 < s < at_s - HEARD_WITHIN_S for s in self._beats[worker_id])

    def is_gone(self, worker_id: str | None, at_s: float) -> bool:
        """Whether the worker was dead by then, or as good as dead, or has said its last word."""
        process = self._processes.get(worker_id or "")
        if process is None or worker_id in self._stopped:
            return True
        is_dead = process.died_at is not None and process.died_at < at_s
        return is_dead or process.stalled_within(at_s - HEARD_WITHIN_S, at_s)


def retries_keep_the_policy(history: History) -> Iterator[str]:
    """S8: no more retries than allowed, none too early, and none of a kind that is not retried."""
    policies = {job.job_id: job.retry for job in history.plan.jobs}
    for execution_id, facts in history.events_of.items():
        policy = policies[facts[0].message.job_id]
        scheduled = [(fact.message, fact.at_s) for fact in facts if isinstance(fact.message, RetryScheduled)]
        retries = [retry for retry, _ in scheduled]
        lost_count = sum(retry.failure.code in LOST for retry in retries)
        for retry in retries:
            if retry.failure.code not in LOST:
                yield from _unlawful(policy, retry)
        due = {retry.attempt + 1: (retry.retry_at, at_s) for retry, at_s in scheduled}
        for event in (fact.message for fact in facts if isinstance(fact.message, AttemptDispatched)):
            due_at, decided_s = due.get(event.attempt, (event.at, 0.0))
            # A clock that was put back dates the hand-over of what was due already before its time.
            if event.at < due_at and event.at < due_at - _put_back(history, decided_s):
                yield f"{execution_id}: attempt {event.attempt} was sent at {event.at}, before {due_at}"
        if lost_count > LOST_ATTEMPT_COUNT_MAX + (policy.max_retries if policy is not None else 0):
            yield f"{execution_id}: {lost_count} attempts were lost"


def _put_back(history: History, since_s: float) -> timedelta:
    """By how much two dispatchers' clocks, or one's, can have differed since then."""
    dispatchers = (process for process in history.processes.values() if process.kind == "dispatcher")
    offsets = [o for process in dispatchers for o in process.clock.offsets_since(since_s - COMMIT_S_MAX)]
    return timedelta(seconds=max(offsets) - min(offsets))


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
