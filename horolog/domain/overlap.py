"""Who of a job's executions may go on, and what becomes of those that may not yet.

An execution that was handed to a worker keeps its slot until its end, retries included. The others are judged anew
each time: timely ones in the order in which their instants came, then those that catch up. So the judgement follows
from what the ledger says, and a new owner comes to the same.

Guarantee: no more than `maxConcurrent` have a slot; a timely execution waits for, and is never given up because of,
one that catches up; nothing is given up before its instant, for until then a slot may become free.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from horolog.domain.execution import Execution, Stage
from schemas.events.executions import Reason, TriggerType
from schemas.jobs import Job, JobStatus, OverlapPolicy


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job's executions stand: with a slot, longest first; waiting, timely or to catch up, in their order.

    `timely_count` is how many of those with a slot are timely, `room` how many more of the tenant's may wait.
    `refusal` is why its tenant lets none of them begin, if that is so.
    """

    going: Sequence[Execution]
    timely_count: int
    timely: Sequence[Execution]
    late: Iterable[Execution]
    room: int
    refusal: Reason | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """An execution that is given up before it began, and why; `blocked_by` stood in its way."""

    execution: Execution
    reason: Reason
    blocked_by: str | None = None


@dataclass(slots=True)
class Verdict:
    """What is to change. `blocked` begin to wait for another one, `again` are to be judged again at their instants.

    `superseded` is to be cancelled for the execution that is named beside it.
    """

    ready: list[Execution] = field(default_factory=list)
    back: list[Execution] = field(default_factory=list)
    again: list[Execution] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    blocked: list[tuple[Execution, str]] = field(default_factory=list)
    superseded: tuple[Execution, str] | None = None


def waiting_max(job: Job) -> int:
    """How many timely executions may wait for a slot."""
    overlap = job.definition.overlap
    match overlap.policy:
        case OverlapPolicy.SKIP:
            return 0
        case OverlapPolicy.QUEUE_ALL:
            return overlap.queue_max
        case OverlapPolicy.QUEUE_ONE | OverlapPolicy.CANCEL_RUNNING:
            return 1


def judge(job: Job, standing: Standing, now: datetime) -> Verdict:
    """Who begins, waits, or is given up."""
    return _Judge(job, standing, now).verdict()


class _Judge:
    """One judgement. The slots and runs that are left go down as they are given out."""

    def __init__(self, job: Job, standing: Standing, now: datetime) -> None:
        self._job = job
        self._standing = standing
        self._now = now
        self._found = Verdict()
        self._slots = max(0, job.definition.max_concurrent - len(standing.going))
        self._room = standing.room
        limit = job.definition.max_executions
        self._runs = None if limit is None else max(0, limit - job.execution_count)

    def verdict(self) -> Verdict:
        allowed = self._superseding([e for e in self._standing.timely if self._is_allowed(e)])
        begun, rest = allowed[: self._slots], allowed[self._slots :]
        for execution in begun:
            self._begin(execution)
        self._slots -= len(begun)
        self._hold_up(rest, begun)
        self._catch_up()
        return self._found

    def _is_allowed(self, execution: Execution) -> bool:
        """Whether it may run at all; each that may takes one of the runs that are left."""
        reason = self._refusal(execution)
        if reason is not None:
            self._give_up(execution, reason)
        elif self._runs is not None:
            self._runs -= 1
        return reason is None

    def _refusal(self, execution: Execution) -> Reason | None:
        if self._standing.refusal is not None:
            return self._standing.refusal
        if self._runs == 0:
            return Reason.MAX_EXECUTIONS
        if self._job.status is JobStatus.INACTIVE:
            return Reason.STOPPED
        is_paused = self._job.status is JobStatus.PAUSED
        return Reason.PAUSED if is_paused and execution.trigger_type is TriggerType.SCHEDULED else None

    def _superseding(self, allowed: list[Execution]) -> list[Execution]:
        """Under `cancelRunning` those for which there is a slot, or is to be one: the newest whose instants have come.

        Those whose instants are still to come supersede nobody yet.
        """
        if self._job.definition.overlap.policy is not OverlapPolicy.CANCEL_RUNNING or len(allowed) <= self._slots:
            return allowed
        come = [e for e in allowed if e.due_at <= self._now]
        kept_count = max(self._slots, 1)
        for execution in come[:-kept_count]:
            self._give_up(execution, Reason.SUPERSEDED, come[-1].execution_id)
        if come and self._slots == 0:
            self._make_way(come[-1])
        return [*come[-kept_count:], *(e for e in allowed if e.due_at > self._now)]

    def _make_way(self, newcomer: Execution) -> None:
        going = self._standing.going
        if all(e.cancel_reason is None for e in going):
            self._found.superseded = (going[0], newcomer.execution_id)

    def _begin(self, execution: Execution) -> None:
        if execution.stage is Stage.READY:
            return
        if self._takes_room(execution):
            self._found.ready.append(execution)

    def _takes_room(self, execution: Execution) -> bool:
        """Whether the tenant may have one more waiting; one that is waiting already may go on."""
        if execution.catch_up or execution.blocked_by is not None:
            return True
        if self._room <= 0:
            self._give_up(execution, Reason.QUOTA)
            return False
        self._room -= 1
        return True

    def _hold_up(self, rest: Sequence[Execution], begun: Sequence[Execution]) -> None:
        """Those without a slot wait as far as the policy allows; whom only a catch-up holds up may wait in any case."""
        if not rest:
            return
        job = self._job
        timely_count = self._standing.timely_count + len(begun)
        waiting_count = max(0, job.definition.max_concurrent - timely_count) + waiting_max(job)
        going = self._standing.going
        in_way = going[0] if going else begun[0]
        for execution in rest[:waiting_count]:
            self._wait(execution, in_way.execution_id)
        policy = job.definition.overlap.policy
        if policy is OverlapPolicy.QUEUE_ONE:
            in_way = rest[0]
        reason = Reason.QUEUE_FULL if policy is OverlapPolicy.QUEUE_ALL else Reason.OVERLAP
        for execution in rest[waiting_count:]:
            if execution.trigger_type is TriggerType.MANUAL:
                # It was promised to its caller when there was room; the limits have changed since.
                self._wait(execution, in_way.execution_id)
            else:
                self._give_up(execution, reason, in_way.execution_id)

    def _wait(self, execution: Execution, blocked_by: str) -> None:
        if execution.stage is Stage.READY:
            self._found.back.append(execution)
        if execution.due_at > self._now:
            self._found.again.append(execution)
        elif execution.blocked_by is None and self._takes_room(execution):
            self._found.blocked.append((execution, blocked_by))

    def _catch_up(self) -> None:
        """Slots that nobody timely wants go to those that catch up; they wait otherwise, and a few stand back again."""
        for execution in self._standing.late:
            if self._refusal(execution) is not None:
                self._is_allowed(execution)
            elif self._slots > 0:
                self._is_allowed(execution)
                self._slots -= 1
                self._begin(execution)
            elif execution.stage is Stage.READY:
                self._found.back.append(execution)
            else:
                return

    def _give_up(self, execution: Execution, reason: Reason, blocked_by: str | None = None) -> None:
        if execution.due_at <= self._now:
            self._found.endings.append(Ending(execution, reason, blocked_by))
            return
        if execution.stage is Stage.READY:
            self._found.back.append(execution)
        self._found.again.append(execution)
