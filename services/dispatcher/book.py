"""What a dispatcher knows of one partition: jobs, executions without an end, workers, and remembered outcomes.

Everything here can be rebuilt from the log. Decisions read the book and return messages; `Book.apply` is the only way
in which messages change it, live as well as while rebuilding.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from horolog.domain.execution import Execution, Stage, evolve
from horolog.domain.fairness import FairQueue
from horolog.limits import DISPATCH_AHEAD_S, LEASE_S, REMEMBERED_OUTCOME_COUNT
from schemas.base import Message
from schemas.events.executions import ExecutionEvent
from schemas.events.jobs import JobTabled
from schemas.events.owners import CommandAccepted, CommandRejected
from schemas.events.workers import WorkerBeat, WorkerState
from schemas.jobs import Job

DECODED_JOB_COUNT_MAX = 5000
DISPATCH_AHEAD = timedelta(seconds=DISPATCH_AHEAD_S)

Outcome = CommandAccepted | CommandRejected


class JobShelf:
    """The partition's jobs. Kept as JSON, the latest used also decoded: 100,000 jobs fit into little memory."""

    def __init__(self) -> None:
        self._json: dict[str, bytes] = {}
        self._decoded: OrderedDict[str, Job] = OrderedDict()

    def __len__(self) -> int:
        return len(self._json)

    def get(self, job_id: str) -> Job | None:
        """The job, deleted ones excepted."""
        job = self._decoded.get(job_id)
        if job is None:
            raw = self._json.get(job_id)
            if raw is None:
                return None
            job = JobTabled.model_validate_json(raw).job
            self._remember(job)
        else:
            self._decoded.move_to_end(job_id)
        return job

    def put(self, job: Job) -> None:
        """Keep the job; a deleted one is forgotten."""
        if job.deleted:
            self.drop(job.job_id)
            return
        self._json[job.job_id] = JobTabled(tenant_id=job.tenant_id, job=job).to_json()
        self._remember(job)

    def put_raw(self, job_id: str, raw: bytes) -> None:
        """Keep a job by the JSON of its `JobTabled`, without decoding it."""
        self._json[job_id] = raw
        self._decoded.pop(job_id, None)

    def drop(self, job_id: str) -> None:
        """Forget the job."""
        self._json.pop(job_id, None)
        self._decoded.pop(job_id, None)

    def _remember(self, job: Job) -> None:
        self._decoded[job.job_id] = job
        self._decoded.move_to_end(job.job_id)
        if len(self._decoded) > DECODED_JOB_COUNT_MAX:
            self._decoded.popitem(last=False)


@dataclass(slots=True)
class WorkerSlot:
    """One worker as this partition sees it. `others` is what it holds for other partitions."""

    worker_id: str
    inbox: int
    capacity: int
    prefetch: int
    last_beat: datetime
    accepts: bool
    held: set[str] = field(default_factory=set)
    others: int = 0

    @property
    def load(self) -> int:
        """Attempts in its hands, as far as known."""
        return len(self.held) + self.others

    @property
    def room(self) -> int:
        """How many more it will take."""
        return max(0, self.capacity + self.prefetch - self.load) if self.accepts else 0


class Book:
    """The state of one partition."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.jobs = JobShelf()
        self.executions: dict[str, Execution] = {}
        self.ready = FairQueue()
        self.workers: dict[str, WorkerSlot] = {}
        self.log_mark = 0
        self._of_job: dict[str, dict[str, None]] = {}
        self._alarms: list[tuple[datetime, str]] = []
        self._ready_of_tenant: dict[str, int] = {}
        self._leases: dict[str, datetime] = {}
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()

    # -- reading -----------------------------------------------------------------------------------------------

    def of_job(self, job_id: str) -> list[Execution]:
        """The job's executions without an end, oldest first."""
        return [self.executions[i] for i in self._of_job.get(job_id, ())]

    def occupying(self, job_id: str) -> list[Execution]:
        """Those that count against the job's `max_concurrent`, oldest first."""
        return [e for e in self.of_job(job_id) if e.occupies]

    def ready_count(self, tenant_id: str) -> int:
        """How many of the tenant's executions wait for a worker."""
        return self._ready_of_tenant.get(tenant_id, 0)

    def outcome(self, command_id: str) -> Outcome | None:
        """What was answered to this command, if that is still remembered."""
        return self._outcomes.get(command_id)

    def replay_from(self) -> int:
        """An offset in the ledger that precedes no event of an execution without an end."""
        return min((e.log_mark for e in self.executions.values()), default=self.log_mark)

    def next_alarm(self) -> datetime | None:
        """When the next execution becomes due, if any waits for an instant."""
        return self._alarms[0][0] if self._alarms else None

    def due(self, now: datetime) -> Iterator[Execution]:
        """Take out the executions whose instant has come; each waits for an instant no longer."""
        while self._alarms and self._alarms[0][0] <= now:
            _, execution_id = heapq.heappop(self._alarms)
            execution = self.executions.get(execution_id)
            if execution is not None and execution.stage in (Stage.PLANNED, Stage.DELAYED):
                yield execution

    def lapsed(self, now: datetime) -> list[Execution]:
        """Attempts in flight that no beat has named for a lease."""
        return [self.executions[i] for i, until in self._leases.items() if until <= now]

    def in_flight(self) -> list[Execution]:
        """Attempts in workers' hands."""
        return [self.executions[i] for i in self._leases]

    # -- changing ----------------------------------------------------------------------------------------------

    def apply(self, message: Message) -> None:
        """Let the book know what was decided."""
        if isinstance(message, ExecutionEvent):
            self._apply_event(message)
        elif isinstance(message, JobTabled):
            self.jobs.put(message.job)
        elif isinstance(message, CommandAccepted | CommandRejected):
            self._outcomes[message.command_id] = message
            if len(self._outcomes) > REMEMBERED_OUTCOME_COUNT:
                self._outcomes.popitem(last=False)

    def alarm(self, execution_id: str, at: datetime) -> None:
        """Have the execution come out of `due` at this instant."""
        heapq.heappush(self._alarms, (at, execution_id))

    def make_ready(self, execution: Execution) -> None:
        """Let the execution wait for a worker."""
        self._ready_of_tenant[execution.tenant_id] = self.ready_count(execution.tenant_id) + 1
        self.executions[execution.execution_id] = replace(execution, stage=Stage.READY)
        self.ready.push(execution.execution_id, execution.tenant_id, execution.priority, execution.scheduled_for)

    def _apply_event(self, event: ExecutionEvent) -> None:
        before = self.executions.get(event.execution_id)
        after = evolve(before, event, self.log_mark)
        if before is not None and before.stage is Stage.READY and (after is None or after.stage is not Stage.READY):
            self._unready(before)
        if before is not None and before.in_flight and (after is None or not after.in_flight):
            self._release(before)
        if after is None:
            self._forget(event)
            return
        self.executions[event.execution_id] = after
        if before is None:
            self._of_job.setdefault(event.job_id, {})[event.execution_id] = None
        if after.stage in (Stage.PLANNED, Stage.DELAYED) and (before is None or before.due_at != after.due_at):
            ahead = DISPATCH_AHEAD if after.stage is Stage.PLANNED else timedelta()
            self.alarm(event.execution_id, after.due_at - ahead)
        if after.stage is Stage.HELD and (before is None or before.attempt != after.attempt):
            self._hand_over(after, event.at)

    def _forget(self, event: ExecutionEvent) -> None:
        self.executions.pop(event.execution_id, None)
        siblings = self._of_job.get(event.job_id)
        if siblings is not None:
            siblings.pop(event.execution_id, None)
            if not siblings:
                del self._of_job[event.job_id]

    def _unready(self, execution: Execution) -> None:
        self.ready.remove(execution.execution_id)
        left = self.ready_count(execution.tenant_id) - 1
        if left > 0:
            self._ready_of_tenant[execution.tenant_id] = left
        else:
            self._ready_of_tenant.pop(execution.tenant_id, None)

    def _hand_over(self, execution: Execution, at: datetime) -> None:
        self._leases[execution.execution_id] = at + timedelta(seconds=LEASE_S)
        slot = self.workers.get(execution.worker_id or "")
        if slot is not None:
            slot.held.add(execution.execution_id)

    def _release(self, execution: Execution) -> None:
        self._leases.pop(execution.execution_id, None)
        slot = self.workers.get(execution.worker_id or "")
        if slot is not None:
            slot.held.discard(execution.execution_id)

    # -- workers -----------------------------------------------------------------------------------------------

    def note_beat(self, beat: WorkerBeat, now: datetime) -> None:
        """Take note of a worker's sign of life; it renews the leases of what it names."""
        if beat.state is WorkerState.STOPPED:
            self.lose_worker(beat.worker_id, now)
            return
        slot = self.workers.get(beat.worker_id)
        if slot is None:
            slot = self.workers[beat.worker_id] = WorkerSlot(
                beat.worker_id, beat.inbox, beat.capacity, beat.prefetch, now, accepts=True
            )
            slot.held = {e.execution_id for e in self.in_flight() if e.worker_id == beat.worker_id}
        slot.capacity, slot.prefetch, slot.last_beat = beat.capacity, beat.prefetch, now
        slot.accepts = beat.state is WorkerState.READY
        until = now + timedelta(seconds=LEASE_S)
        named = 0
        for attempt in beat.held:
            execution = self.executions.get(attempt.execution_id)
            if execution is not None and attempt.execution_id in self._leases:
                named += 1
                if execution.attempt == attempt.attempt:
                    self._leases[attempt.execution_id] = until
        slot.others = max(0, len(beat.held) - named)

    def lose_worker(self, worker_id: str, now: datetime) -> None:
        """Forget a worker that is gone; the leases of what it held end now."""
        slot = self.workers.pop(worker_id, None)
        for execution_id in slot.held if slot is not None else ():
            if execution_id in self._leases:
                self._leases[execution_id] = now

    def silent_workers(self, now: datetime) -> list[str]:
        """Workers without a sign of life for a lease."""
        limit = now - timedelta(seconds=LEASE_S)
        return [slot.worker_id for slot in self.workers.values() if slot.last_beat <= limit]

    def renew_all(self, now: datetime) -> None:
        """A new owner grants every attempt in flight a whole lease: its workers have not been heard yet."""
        for execution_id in self._leases:
            self._leases[execution_id] = now + timedelta(seconds=LEASE_S)
