"""In virtual time: one tenant's 10,000-fire second delays another tenant's fires by less than a second (p99).

Both tenants are of the same weight, and of one partition or of two, of which the crowd's has its turn first. One worker
runs 200 attempts at a time, holds as many more in the order in which they came, and takes 100 ms for each: 2,000 a
second, so that the crowd keeps it busy for five seconds. It beats each second, when what was due at
the full second is over; partitions turn every 100 ms.
"""

from collections import deque
from collections.abc import Sequence

import pytest

from horolog.log.port import Outgoing
from schemas.base import Message
from schemas.codec import type_of
from schemas.events.executions import AttemptDispatched
from schemas.events.results import SuccessReported
from schemas.events.workers import HeldAttempt, WorkerBeat, WorkerState
from schemas.jobs import Job
from schemas.topics import partition_of
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition
from tests.unit.deciding.kit import (
    HOME,
    OPEN,
    PARTITIONS,
    START,
    TENANT,
    at,
    definition,
    fire,
    messages,
    record,
    tabled,
    uuid_of,
)

CROWD_COUNT = 10_000
OTHERS_JOBS, SECONDS = 20, 5
CAPACITY = PREFETCH = 200
RUN_S, TURN_S = 0.1, 0.1
TURNS_PER_BEAT, BEAT_TURN = 10, 7
TENANTS = tuple(f"{number:08x}-2222-4333-8444-555555555555" for number in range(1000))
BESIDE = next(tenant for tenant in TENANTS if partition_of(tenant, PARTITIONS) == HOME)
"""Another tenant of the same partition."""
ELSEWHERE = next(tenant for tenant in TENANTS if partition_of(tenant, PARTITIONS) != HOME)
FIRST = 10.0
"""The second in which everything is due."""


class Worker:
    """Starts attempts in the order in which it was handed them, never before their instants."""

    def __init__(self) -> None:
        self._waiting: deque[AttemptDispatched] = deque()
        self._running: dict[str, tuple[AttemptDispatched, float]] = {}
        self.begun_s: dict[str, float] = {}

    def take(self, attempts: Sequence[AttemptDispatched]) -> None:
        self._waiting.extend(attempts)

    def work(self, now_s: float) -> list[Message]:
        """What ended by now; what has room begins."""
        over = [name for name, (_, end_s) in self._running.items() if end_s <= now_s]
        reports: list[Message] = [self._report(*self._running.pop(name)) for name in over]
        due = [attempt for attempt in self._waiting if attempt.scheduled_for <= at(now_s)]
        for attempt in due[: CAPACITY - len(self._running)]:
            self._waiting.remove(attempt)
            self.begun_s[attempt.execution_id] = now_s
            self._running[attempt.execution_id] = (attempt, now_s + RUN_S)
        return reports

    def beat(self, now_s: float) -> WorkerBeat:
        held = [*self._running, *(attempt.execution_id for attempt in self._waiting)]
        return WorkerBeat(
            worker_id="worker-a",
            inbox=3,
            state=WorkerState.READY,
            capacity=CAPACITY,
            prefetch=PREFETCH,
            held=tuple(HeldAttempt(execution_id=name, attempt=1) for name in held),
            running_count=len(self._running),
            finished_count=len(self.begun_s) - len(self._running),
            started_at=START,
            at=at(now_s),
        )

    @staticmethod
    def _report(attempt: AttemptDispatched, end_s: float) -> SuccessReported:
        return SuccessReported(
            tenant_id=attempt.tenant_id,
            execution_id=attempt.execution_id,
            job_id=attempt.job_id,
            scheduled_for=attempt.scheduled_for,
            attempt=1,
            worker_id="worker-a",
            at=at(end_s),
            started_at=at(end_s - RUN_S),
        )


def job_of(number: int, tenant_id: str) -> Job:
    first = tabled(definition(max_concurrent=10)).job
    return first.model_copy(update={"job_id": uuid_of(number), "tenant_id": tenant_id})


def due(other: str) -> dict[float, list[Message]]:
    """What fires when: the crowd in one second, the other tenant's jobs in each."""
    crowd: list[Message] = [
        fire(FIRST, 1_000_000 + number).model_copy(update={"job_id": uuid_of(number)}) for number in range(CROWD_COUNT)
    ]
    fires: dict[float, list[Message]] = {FIRST: crowd}
    for second in range(SECONDS):
        fires.setdefault(FIRST + second, []).extend(
            fire(FIRST + second, 2_000_000 + 100 * second + number).model_copy(
                update={"tenant_id": other, "job_id": uuid_of(20_000 + number)}
            )
            for number in range(OTHERS_JOBS)
        )
    return fires


class Owners:
    """The partitions of both tenants."""

    def __init__(self, other: str) -> None:
        homes = {TENANT: HOME, other: partition_of(other, PARTITIONS)}
        self._partitions = {
            home: DispatcherPartition(Book(home, OPEN, partition_count=PARTITIONS), PARTITIONS)
            for home in dict.fromkeys(homes.values())
        }
        self._homes = homes
        for first, count, tenant_id in ((0, CROWD_COUNT, TENANT), (20_000, OTHERS_JOBS, other)):
            for number in range(first, first + count):
                self._partitions[homes[tenant_id]].book.jobs.put(job_of(number, tenant_id))

    def hear(self, beat: WorkerBeat, now_s: float) -> None:
        for partition in self._partitions.values():
            partition.note_beat(beat, at(now_s))

    def turn(self, given: Sequence[Message], now_s: float) -> list[AttemptDispatched]:
        handed: list[AttemptDispatched] = []
        for home, partition in self._partitions.items():
            records = [record(message, partition=home) for message in given if self._homes[message.tenant_id] == home]
            written = partition.turn(records, at(now_s)).outputs
            handed += _dispatched([one for one in written if type_of(one.headers) == AttemptDispatched.TYPE])
        return handed


def played(other: str) -> dict[str, list[float]]:
    """For each tenant how much later than its instant each of its fires began, ascending."""
    owners, worker, fires = Owners(other), Worker(), due(other)
    delays: dict[str, list[float]] = {TENANT: [], other: []}
    tenants: dict[str, tuple[str, float]] = {}
    for step in range(round((FIRST + SECONDS + 3) / TURN_S)):
        now_s = step * TURN_S
        given = worker.work(now_s) + [m for s in sorted(fires) if s - 1.5 <= now_s for m in fires.pop(s)]
        handed = owners.turn(given, now_s)
        tenants |= {a.execution_id: (a.tenant_id, (a.scheduled_for - START).total_seconds()) for a in handed}
        worker.take(handed)
        if step % TURNS_PER_BEAT == BEAT_TURN:
            owners.hear(worker.beat(now_s), now_s)
    for name, begun_s in worker.begun_s.items():
        tenant_id, due_s = tenants[name]
        delays[tenant_id].append(begun_s - due_s)
    return {tenant_id: sorted(found) for tenant_id, found in delays.items()}


def _dispatched(written: Sequence[Outgoing]) -> list[AttemptDispatched]:
    return [message for message in messages(written) if isinstance(message, AttemptDispatched)]


@pytest.fixture(scope="module", params=[BESIDE, ELSEWHERE], ids=["of the same partition", "of another partition"])
def delays(request: pytest.FixtureRequest) -> tuple[list[float], list[float]]:
    """The delays of one run: the crowd's, and the other tenant's."""
    found = played(request.param)
    return found[TENANT], found[request.param]


def test_another_tenants_fires_begin_within_a_second(delays: tuple[list[float], list[float]]) -> None:
    _, others = delays
    assert len(others) == OTHERS_JOBS * SECONDS
    assert others[int(len(others) * 0.99)] < 1.0


def test_the_crowd_itself_takes_as_long_as_the_worker_needs_for_it(delays: tuple[list[float], list[float]]) -> None:
    crowd, _ = delays
    assert len(crowd) == CROWD_COUNT
    assert crowd[-1] >= CROWD_COUNT / (CAPACITY / RUN_S) - 1
