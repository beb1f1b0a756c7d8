"""S9: who waits for a slot, and who is given up, event by event in the order of the ledger."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.events.executions import (
    AttemptDispatched,
    ExecutionAdmitted,
    ExecutionBlocked,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionSkipped,
    Reason,
    TriggerType,
)
from schemas.jobs import OverlapPolicy
from tests.sim.history import Fact, History
from tests.sim.plan import JobPlan


@dataclass(slots=True)
class Standing:
    """One job's executions that do not catch up: those without an end, and those of them that wait for a slot."""

    open: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    promised: set[str] = field(default_factory=set)

    def follow(self, event: ExecutionEvent) -> None:
        """Take in the next event. What a caller triggered was promised a place, and does not count as waiting."""
        name = event.execution_id
        if isinstance(event, ExecutionAdmitted):
            if not event.catch_up:
                self.open.add(name)
            if event.trigger_type is TriggerType.MANUAL:
                self.promised.add(name)
        elif isinstance(event, ExecutionBlocked):
            self.waiting |= {name} & self.open - self.promised
        elif isinstance(event, AttemptDispatched):
            self.waiting.discard(name)
        elif isinstance(event, ExecutionEnded | ExecutionSkipped):
            self.waiting.discard(name)
            self.open.discard(name)


def slots_and_queues_are_used(history: History) -> Iterator[str]:
    """No more wait than may, and a timely fire is given up only while as many others as may go on are there."""
    jobs = {job.job_id: job for job in history.plan.jobs}
    standings: dict[str, Standing] = defaultdict(Standing)
    for fact in sorted(history.events, key=lambda fact: (fact.place, fact.offset)):
        event = fact.message
        standing, job = standings[event.job_id], jobs[event.job_id]
        was_open = event.execution_id in standing.open
        standing.follow(event)
        if isinstance(event, ExecutionSkipped) and event.reason is Reason.OVERLAP and was_open:
            if len(standing.open) < job.max_concurrent:
                yield f"{event.execution_id} was skipped while only {len(standing.open)} others were there"
        elif isinstance(event, ExecutionBlocked):
            yield from _too_many(standing, job, fact)


def _too_many(standing: Standing, job: JobPlan, fact: Fact[ExecutionEvent]) -> Iterator[str]:
    # Those that only an execution that catches up holds up may wait, whatever the policy: as many as there are slots.
    most = job.max_concurrent + _waiting_max(job)
    if len(standing.waiting) > most:
        yield f"job {job.job_id}: {len(standing.waiting)} wait at {fact.at_s:.3f} s, of at most {most}"


def _waiting_max(job: JobPlan) -> int:
    if job.overlap.policy is OverlapPolicy.QUEUE_ALL:
        return job.overlap.queue_max
    return 0 if job.overlap.policy is OverlapPolicy.SKIP else 1
