"""Handing waiting executions to workers that have room: the least loaded worker first, tenants in turn.

A worker that has missed beats may be gone, and what it gets would wait for a lease until that is certain. So it gets
nothing as long as another has room. A worker that is full with what it holds for other partitions gets this one's share
of it when no other has room. What demands a level of isolation goes only to workers that reach it, a registered
function only to workers that have registered it, and to those nothing else.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from operator import itemgetter

from horolog.domain.execution import Execution
from horolog.limits import WORKER_QUIET_S
from schemas.base import Message
from schemas.events.executions import AttemptDispatched
from schemas.events.jobs import JobExhausted, JobTabled
from schemas.events.workers import TaskAssigned
from schemas.isolation import Isolation
from schemas.jobs import FunctionConfig, Job, JobConfig, JobStatus, JobType
from services.dispatcher.book import Book
from services.dispatcher.demand import Demand, demand_of
from services.dispatcher.endings import cancel
from services.dispatcher.jobs import deactivated
from services.dispatcher.worker_slot import WorkerSlot

Rank = tuple[bool, bool, float, str]
"""In which order workers are given something: whether it is full, whether it is quiet, its load, its name."""
QUIET = timedelta(seconds=WORKER_QUIET_S)
SYSTEM_ACTOR = "system:dispatcher"


def assign(book: Book, now: datetime) -> Iterator[Message]:
    """Hand out as many waiting executions as the workers have room for.

    The caller applies each message before it takes the next.
    """
    offers = Offers(book.workers.values(), now)
    waiting = book.ready.round(offers.functions, offers.meet)
    while (execution_id := waiting.pop()) is not None:
        execution = book.executions[execution_id]
        job = book.jobs.get(execution.job_id)
        if job is None:
            continue
        if (reason := book.tenants.why_not(job)) is not None:
            # One to be tried again, that may not any more; what never began was judged before.
            yield from cancel(book, execution, reason, None, now)
            continue
        demand = demand_of(job.definition.config)
        slot = offers.take(demand)
        if slot is None:
            book.put_aside(execution, demand)
            continue
        yield from _hand_out(book, execution, job, slot, now)
        offers.renew(slot)


class Offers:
    """The workers with room, those of each level apart, and those that run registered functions by these."""

    def __init__(self, slots: Iterable[WorkerSlot], now: datetime) -> None:
        self._now = now
        self._slots: dict[str, WorkerSlot] = {}
        self._heaps: dict[Isolation, list[Rank]] = {level: [] for level in Isolation}
        self._having: dict[str, list[WorkerSlot]] = {}
        for slot in slots:
            self._slots[slot.worker_id] = slot
            self.renew(slot)
            for function in slot.functions or ():
                self._having.setdefault(function, []).append(slot)

    @property
    def functions(self) -> Collection[str]:
        """What any of them has registered."""
        return self._having.keys()

    def meet(self, demand: Demand) -> bool:
        """Whether any of them gives what is demanded."""
        if demand.function is not None:
            return any(self._serving(demand))
        return any(heap and level.suffices_for(demand.isolation) for level, heap in self._heaps.items())

    def take(self, demand: Demand) -> WorkerSlot | None:
        """The least loaded that gives what is demanded, if there is one; to be renewed once it has got something."""
        if demand.function is not None:
            return min(self._serving(demand), key=self._rank, default=None)
        heaps = [heap for level, heap in self._heaps.items() if heap and level.suffices_for(demand.isolation)]
        if not heaps:
            return None
        return self._slots[heapq.heappop(min(heaps, key=itemgetter(0)))[-1]]

    def renew(self, slot: WorkerSlot) -> None:
        """Offer what room it has now."""
        if slot.functions is None and slot.room > 0:
            heapq.heappush(self._heaps[slot.isolation], self._rank(slot))

    def _serving(self, demand: Demand) -> Iterator[WorkerSlot]:
        # Few workers have registered one function: they are looked at one by one, as they are at this moment.
        for slot in self._having.get(demand.function or "", ()):
            if slot.room > 0 and slot.isolation.suffices_for(demand.isolation):
                yield slot

    def _rank(self, slot: WorkerSlot) -> Rank:
        return slot.is_full, _is_quiet(slot, self._now), _load(slot), slot.worker_id


def _is_quiet(slot: WorkerSlot, now: datetime) -> bool:
    return now - slot.last_beat > QUIET


def _load(slot: WorkerSlot) -> float:
    return slot.load / max(1, slot.capacity)


def _hand_out(book: Book, execution: Execution, job: Job, slot: WorkerSlot, now: datetime) -> Iterator[Message]:
    attempt = execution.attempt + 1
    definition, settings = job.definition, book.tenants.settings(job.tenant_id)
    yield AttemptDispatched(**execution.next_event(now), attempt=attempt, worker_id=slot.worker_id)
    yield TaskAssigned(
        tenant_id=execution.tenant_id,
        execution_id=execution.execution_id,
        job_id=execution.job_id,
        attempt=attempt,
        worker_id=slot.worker_id,
        scheduled_for=execution.scheduled_for,
        not_before=execution.due_at,
        trigger_type=execution.trigger_type,
        priority=execution.priority,
        timeout_ms=int(definition.timeout_s() * 1000),
        job_name=definition.name,
        job_type=definition.job_type,
        http_allowed=settings.http_allowed if definition.job_type is JobType.HTTP else (),
        output_bytes_max=settings.quotas.output_bytes_max,
        config=_config(definition.config, execution),
    )
    if attempt == 1 and definition.max_executions is not None:
        yield from _count(book, job, now)


def _config(config: JobConfig, execution: Execution) -> JobConfig:
    if not execution.parameters or not isinstance(config, FunctionConfig):
        return config
    return config.model_copy(update={"parameters": {**(config.parameters or {}), **execution.parameters}})


def _count(book: Book, job: Job, now: datetime) -> Iterator[Message]:
    """Count a run of a job whose runs are limited; the last one makes the job inactive."""
    count = job.execution_count + 1
    if count < (job.definition.max_executions or 0):
        yield JobTabled(tenant_id=job.tenant_id, job=job.model_copy(update={"execution_count": count}))
        return
    counted = job.model_copy(update={"execution_count": count, "version": job.version + 1, "updated_at": now})
    after = deactivated(book, counted, JobStatus.INACTIVE, now)
    yield JobExhausted(tenant_id=job.tenant_id, job_id=job.job_id, actor=SYSTEM_ACTOR, at=now, job=after, before=job)
    yield JobTabled(tenant_id=job.tenant_id, job=after)
