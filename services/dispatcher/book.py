"""What a dispatcher knows of one partition: jobs, executions without an end, workers, and remembered outcomes.

Everything here can be rebuilt from the log. Decisions read the book and return messages; `Book.apply` is the only way
in which messages change it, live as well as while rebuilding. What time alone changes (`Book.advance`) and who has a
slot of a job (`slots`) is not in the log; both follow from what is, and from the time.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from horolog.domain.execution import Execution, Stage, evolve, unbegun
from horolog.limits import DEAF_S, DISPATCH_AHEAD_S, LAST_REPORTS_S, LEASE_S
from schemas.base import Message
from schemas.events.executions import (
    AttemptDispatched,
    ExecutionAdmitted,
    ExecutionEvent,
    ExecutionSkipped,
    RetryScheduled,
)
from schemas.events.jobs import JobTabled
from schemas.events.owners import CommandAccepted, CommandRejected
from schemas.events.results import AttemptReport
from schemas.events.tenants import TenantTabled
from schemas.events.workers import WorkerBeat, WorkerState
from schemas.isolation import level_told
from schemas.tenants import CLOSED, TenantSettings
from schemas.topics import PARTITION_COUNT_DEFAULT
from services.dispatcher.demand import PLAIN, Demand, demand_of, lane_of
from services.dispatcher.lanes import Lanes
from services.dispatcher.line import Going, Line
from services.dispatcher.outcomes import Outcome, Outcomes
from services.dispatcher.progress import Progress
from services.dispatcher.settled import Settled
from services.dispatcher.shelf import JobShelf
from services.dispatcher.tenancy import Tenancy
from services.dispatcher.tracing import Traces
from services.dispatcher.worker_slot import WorkerSlot

_OWN_JOB = "job"
ALARM_COUNT = 1000
"""With no more alarms than this it is not looked which of them are of no use any more."""
DEAF = timedelta(seconds=DEAF_S)
LAST_REPORTS = timedelta(seconds=LAST_REPORTS_S)
DISPATCH_AHEAD = timedelta(seconds=DISPATCH_AHEAD_S)


class Book:
    """The state of one of `partition_count` partitions. Tenants that nobody created have the settings in `defaults`:
    closed, unless given.

    While it `is_upgrading`, the release before this one may be the next to read what is decided.
    """

    def __init__(
        self,
        partition: int,
        defaults: TenantSettings = CLOSED,
        *,
        partition_count: int = PARTITION_COUNT_DEFAULT,
        is_upgrading: bool = False,
    ) -> None:
        self.partition = partition
        self._partition_count = partition_count
        self.is_upgrading = is_upgrading
        self.jobs = JobShelf()
        self.tenants = Tenancy(defaults)
        self.executions: dict[str, Execution] = {}
        self.ready = Lanes(self.tenants.weight, self.tenants.may_run_more)
        self.workers: dict[str, WorkerSlot] = {}
        self.settled = Settled()
        self.traces = Traces()
        self.log_mark = 0
        self._lines: dict[str, Line] = {}
        self._touched: set[str] = set()
        self._alarms: list[tuple[datetime, int, str]] = []
        self._alarm_number = itertools.count()
        self._alarm_count_max = ALARM_COUNT
        self._leases: dict[str, datetime] = {}
        self._turned_at: datetime | None = None
        self._unwritten: list[str] = []
        self._untaken: dict[str, datetime] = {}
        self._taken: dict[str, datetime] = {}
        self._outcomes = Outcomes()

    # -- reading -----------------------------------------------------------------------------------------------

    def line(self, job_id: str) -> Line | None:
        """The job's executions without an end, if there are any."""
        return self._lines.get(job_id)

    def of_job(self, job_id: str) -> list[Execution]:
        """The job's executions without an end, oldest first."""
        line = self._lines.get(job_id)
        return [] if line is None else [self.executions[i] for i in line.open]

    def going(self, line: Line) -> Sequence[Execution]:
        """Those that keep a slot of their job until they end, longest first; a live view."""
        return Going(line.going, self.executions)

    def queued_count(self, tenant_id: str) -> int:
        """How many of the tenant's executions wait: for a worker, for one of their own job, or to catch up."""
        return self.tenants.queued_count(tenant_id)

    def queue_sizes(self) -> Counter[tuple[str, str]]:
        """How many executions wait, by tenant and by what for: the workers that would do, or a slot of their own `job`.

        It looks at all that wait for workers: for the figures, now and then.
        """
        sizes = Counter({(tenant_id, _OWN_JOB): count for tenant_id, count in self.tenants.queued_counts().items()})
        for pool, counts in self.ready.counts().items():
            for tenant_id, count in counts.items():
                sizes[tenant_id, pool] += count
                sizes[tenant_id, _OWN_JOB] -= count
        return +sizes

    def outcome(self, command_id: str) -> Outcome | None:
        """What was answered to this command, if that is still remembered."""
        return self._outcomes.get(command_id)

    def replay_from(self) -> int:
        """An offset in the ledger that precedes no event of what is open, settled ahead of time, or counted still."""
        open_marks = (execution.log_mark for execution in self.executions.values())
        return min(itertools.chain(open_marks, self.settled.marks(), self.tenants.marks()), default=self.log_mark)

    def next_alarm(self) -> datetime | None:
        """When the next execution becomes due, if any waits for an instant."""
        return self._alarms[0][0] if self._alarms else None

    def lapsed(self, now: datetime) -> list[Execution]:
        """Attempts in flight that no beat has named for a lease."""
        return [self.executions[i] for i, until in self._leases.items() if until <= now]

    def in_flight(self) -> list[Execution]:
        """Attempts in workers' hands."""
        return [self.executions[i] for i in self._leases]

    def untaken_since(self, execution_id: str) -> datetime | None:
        """Since when its worker could have taken the attempt in flight, if no beat has named it."""
        return self._untaken.get(execution_id)

    def taken_since(self, execution_id: str) -> datetime | None:
        """When the first beat was sent that named the attempt in flight, if one has."""
        return self._taken.get(execution_id)

    # -- changing ----------------------------------------------------------------------------------------------

    def begin_turn(self, now: datetime) -> None:
        """What the turns before have handed out is in the log, however long that took.

        Whoever did not turn for long was not listening either: that it has heard nothing then proves nothing.
        """
        if self._turned_at is not None and now - self._turned_at > DEAF:
            self.renew_all(now)
        self._turned_at = now
        self.tenants.pass_time(self.settled.reach(now))
        for execution_id in self._unwritten:
            if execution_id in self._leases and execution_id not in self._taken:
                self._untaken[execution_id] = now
        self._unwritten.clear()

    def apply(self, message: Message) -> None:
        """Let the book know what was decided."""
        if isinstance(message, ExecutionEvent):
            self._apply_event(message)
        elif isinstance(message, JobTabled):
            self.jobs.put(message.job)
            self._touched.add(message.job.job_id)
            self._judge_demands_again(message.job.job_id)
        elif isinstance(message, TenantTabled):
            self.tenants.put(message.tenant)
            self.ready.reopen(message.tenant_id)
        elif isinstance(message, CommandAccepted | CommandRejected):
            self._outcomes.remember(message)

    def advance(self, now: datetime) -> None:
        """Let the instants up to now come: what was planned waits for a slot, what was delayed for a worker."""
        while self._alarms and self._alarms[0][0] <= now:
            _, _, execution_id = heapq.heappop(self._alarms)
            execution = self.executions.get(execution_id)
            if execution is None:
                continue
            if execution.stage is Stage.PLANNED:
                self.move(execution, Stage.WAITING)
            elif execution.stage is Stage.DELAYED and execution.due_at <= now:
                self.move(execution, Stage.READY)
            self._touched.add(execution.job_id)

    def move(self, execution: Execution, stage: Stage) -> None:
        """Let the execution wait for something else."""
        self._keep(execution, replace(execution, stage=stage))

    def alarm(self, execution_id: str, at: datetime) -> None:
        """Have the execution's job judged again at this instant. Alarms for the same instant keep their order."""
        if len(self._alarms) > self._alarm_count_max:
            # Those of executions that have ended may be for instants that are far away.
            self._alarms = [alarm for alarm in self._alarms if alarm[-1] in self.executions]
            heapq.heapify(self._alarms)
            self._alarm_count_max = ALARM_COUNT + 2 * len(self._alarms)
        heapq.heappush(self._alarms, (at, next(self._alarm_number), execution_id))

    def put_aside(self, execution: Execution, demand: Demand) -> None:
        """Let the execution, which was next, wait for a worker that gives what it demands."""
        self.ready.push(demand, *_place_of(execution))

    def take_touched(self) -> list[str]:
        """The jobs of which something has changed that others may wait for, once."""
        touched = sorted(self._touched)
        self._touched.clear()
        return touched

    def _apply_event(self, event: ExecutionEvent) -> None:
        before = self.executions.get(event.execution_id)
        after = evolve(before, event, self.log_mark)
        if after is None:
            if before is not None:
                self.settled.end(before, event.at)
                self._drop(before)
            elif isinstance(event, ExecutionSkipped):
                self.settled.end(unbegun(event, self.log_mark), event.at)
            return
        self._keep(before, after)
        if isinstance(event, ExecutionAdmitted):
            self.tenants.count_fire(after, event.at)
            self.alarm(event.execution_id, max(event.at, after.due_at - DISPATCH_AHEAD))
        elif isinstance(event, RetryScheduled):
            self.alarm(event.execution_id, after.due_at)
        elif isinstance(event, AttemptDispatched):
            self._hand_over(after, event.at)

    def _keep(self, before: Execution | None, after: Execution) -> None:
        self.executions[after.execution_id] = after
        line = self._lines.get(after.job_id)
        if line is None:
            line = self._lines[after.job_id] = Line()
        line.keep(before, after)
        if before is not None:
            self._leave(before, after)
        if _is_queued(after):
            self.tenants.count_queued(after.tenant_id, 1)
        if after.in_flight and (before is None or not before.in_flight):
            self.tenants.count_running(after.tenant_id, 1)
        if after.stage is Stage.READY:
            self.ready.push(self._lane_of(after.job_id), *_place_of(after))

    def _lane_of(self, job_id: str) -> Demand:
        job = self.jobs.get(job_id)
        return PLAIN if job is None else lane_of(demand_of(job.definition.config))

    def _judge_demands_again(self, job_id: str) -> None:
        if job_id not in self._lines:
            return
        wanted = self._lane_of(job_id)
        for execution in self.of_job(job_id):
            lane = self.ready.lane(execution.execution_id)
            if lane is not None and lane != wanted:
                self.ready.remove(execution.execution_id)
                self.ready.push(wanted, *_place_of(execution))

    def _drop(self, execution: Execution) -> None:
        del self.executions[execution.execution_id]
        self.traces.forget(execution.execution_id)
        self._leave(execution, None)
        line = self._lines[execution.job_id]
        line.drop(execution)
        if not line.open:
            del self._lines[execution.job_id]
        self._touched.add(execution.job_id)

    def _leave(self, before: Execution, after: Execution | None) -> None:
        """Undo what the state before meant, as far as the one after does not mean the same."""
        if before.stage is Stage.READY and (after is None or after.stage is not Stage.READY):
            self.ready.remove(before.execution_id)
        if before.in_flight and (after is None or not after.in_flight):
            self._release(before)
            self.tenants.count_running(before.tenant_id, -1)
            self.ready.reopen(before.tenant_id)
        if _is_queued(before):
            self.tenants.count_queued(before.tenant_id, -1)

    def _hand_over(self, execution: Execution, at: datetime) -> None:
        self._leases[execution.execution_id] = at + timedelta(seconds=LEASE_S)
        self._unwritten.append(execution.execution_id)
        slot = self.workers.get(execution.worker_id or "")
        if slot is not None:
            slot.held.add(execution.execution_id)
            slot.progress.handed(execution.execution_id, execution.attempt)

    def _release(self, execution: Execution) -> None:
        self._leases.pop(execution.execution_id, None)
        self._untaken.pop(execution.execution_id, None)
        self._taken.pop(execution.execution_id, None)
        slot = self.workers.get(execution.worker_id or "")
        if slot is not None:
            slot.held.discard(execution.execution_id)
            slot.progress.released(execution.execution_id)

    # -- workers -----------------------------------------------------------------------------------------------

    def note_beat(self, beat: WorkerBeat, now: datetime) -> None:
        """Take note of a worker's sign of life; it renews the leases of what it names."""
        if beat.state is WorkerState.STOPPED:
            # Beats are read apart from reports: the last reports of the worker may still have to be read.
            self.lose_worker(beat.worker_id, now + LAST_REPORTS)
            return
        slot = self.workers.get(beat.worker_id)
        if slot is None:
            progress = Progress.first_heard(beat, now)
            slot = self.workers[beat.worker_id] = WorkerSlot(
                beat.worker_id,
                beat.inbox,
                beat.capacity,
                beat.prefetch,
                now,
                accepts=True,
                progress=progress,
                partition_count=self._partition_count,
            )
            slot.held = {e.execution_id for e in self.in_flight() if e.worker_id == beat.worker_id}
        elif slot.progress.begun_at != beat.started_at:
            slot.progress = Progress.first_heard(beat, now)
        slot.capacity, slot.prefetch, slot.last_beat = beat.capacity, beat.prefetch, now
        slot.accepts = beat.state is WorkerState.READY
        slot.isolation = level_told(beat.isolation)
        slot.functions = None if beat.functions is None else frozenset(beat.functions)
        slot.progress.hear(beat, now)
        until = now + timedelta(seconds=LEASE_S)
        named = 0
        for attempt in beat.held:
            execution = self.executions.get(attempt.execution_id)
            if execution is not None and attempt.execution_id in self._leases:
                named += 1
                if execution.attempt == attempt.attempt and attempt not in slot.progress.owed:
                    self._leases[attempt.execution_id] = until
                    self._untaken.pop(attempt.execution_id, None)
                    self._taken.setdefault(attempt.execution_id, slot.progress.sent_at)
        slot.others = max(0, len(beat.held) - named)

    def note_report(self, report: AttemptReport) -> None:
        """Take note of what a worker says of an attempt, be it its own still or not."""
        slot = self.workers.get(report.worker_id)
        if slot is not None:
            slot.progress.hear_report(report)

    def lose_worker(self, worker_id: str, at: datetime) -> None:
        """Forget a worker that is gone; the leases of what it held end at this time at the latest."""
        slot = self.workers.pop(worker_id, None)
        for execution_id in slot.held if slot is not None else ():
            if execution_id in self._leases:
                self._leases[execution_id] = min(self._leases[execution_id], at)

    def silent_workers(self, now: datetime) -> list[str]:
        """Workers without a sign of life for a lease."""
        limit = now - timedelta(seconds=LEASE_S)
        return [slot.worker_id for slot in self.workers.values() if slot.last_beat <= limit]

    def take_over(self, now: datetime) -> None:
        """Go on from what another owner has decided; nobody has listened to the workers meanwhile.

        That owner's clock may have been ahead of this one: what it admitted when the instant had come would stand by
        until this clock shows the time of that, and lose its place to what came later.
        """
        self.renew_all(now)
        self._alarms = [(min(at, now) if self._has_come(name, now) else at, n, name) for at, n, name in self._alarms]
        heapq.heapify(self._alarms)

    def _has_come(self, execution_id: str, now: datetime) -> bool:
        execution = self.executions.get(execution_id)
        return execution is not None and execution.stage is Stage.PLANNED and execution.due_at - DISPATCH_AHEAD <= now

    def renew_all(self, now: datetime) -> None:
        """Grant every attempt in flight a whole lease, and every worker time to be heard: nobody listened so far."""
        for slot in self.workers.values():
            slot.last_beat = max(slot.last_beat, now)
        for execution_id in self._leases:
            self._leases[execution_id] = now + timedelta(seconds=LEASE_S)


def _place_of(execution: Execution) -> tuple[str, str, int, datetime, bool]:
    return (
        execution.execution_id,
        execution.tenant_id,
        execution.priority,
        execution.scheduled_for,
        execution.catch_up,
    )


def _is_queued(execution: Execution) -> bool:
    if execution.stage is Stage.READY:
        return True
    return execution.attempt == 0 and (execution.catch_up or execution.blocked_by is not None)
