"""Random histories of one dispatcher's partition: what is asked, fired and reported, turn by turn, and its log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from horolog.domain.execution import Execution
from horolog.log.port import Outgoing, Record
from schemas.base import Message
from schemas.commands import (
    CancelExecution,
    CreateJob,
    CreateTenant,
    PauseJob,
    ResumeJob,
    ResumeTenant,
    StopJob,
    SuspendTenant,
    TriggerJob,
    UpdateJob,
    UpdateTenant,
)
from schemas.events.fires import FireDue
from schemas.events.results import AttemptReport, CancellationReported, FailureReported, StartReported, SuccessReported
from schemas.events.workers import HeldAttempt, WorkerBeat, WorkerState
from schemas.jobs import Job, JobDefinition, JobStatus
from schemas.tenants import Quotas, TenantSettings
from schemas.topics import EXECUTIONS, JOB_TABLE, OUTCOMES, TENANTS
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition, restore
from tests.unit.deciding.kit import HOME, OPEN, PARTITIONS, START, TENANT, at, command, definition, record, uuid_of

JOBS = (1, 2)
Action = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: how long after the last, and what it is given; each number picks one of what there is."""

    seconds: float
    actions: tuple[Action, ...]
    definition: JobDefinition
    learns_end: bool


definitions = st.builds(
    lambda **fields: definition(**{name: value for name, value in fields.items() if value is not None}),
    max_concurrent=st.integers(1, 3),
    max_executions=st.sampled_from([None, None, None, 2, 5]),
    priority=st.integers(-1, 1),
    overlap=st.sampled_from(
        [
            {"policy": "skip"},
            {"policy": "queueOne"},
            {"policy": "queueAll", "queueMax": 2},
            {"policy": "cancelRunning"},
        ]
    ),
    misfire=st.sampled_from([{"policy": "all", "rate": 0.5}, {"policy": "all", "rate": 10}]),
    retry_config=st.sampled_from([None, {"maxRetries": 2, "retryDelayMs": 700}]),
)
KINDS = (
    *("fire", "fire", "fire", "fires", "catch_up", "catch_up", "trigger", "success", "success", "success", "failure"),
    *("start", "handed_back", "stopped", "cancel", "update", "pause", "resume", "resume", "catch_up_resume", "stop"),
    *("tenant_suspend", "tenant_resume", "tenant_resume", "tenant_update"),
)
actions = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5)), max_size=4).map(tuple)
steps = st.builds(
    Step,
    seconds=st.sampled_from([0.05, 0.15, 0.2, 0.3, 0.5, 1.0, 1.3, 2.0, 5.0]),
    actions=actions,
    definition=definitions,
    learns_end=st.booleans(),
)
histories = st.lists(steps, min_size=3, max_size=16)


@dataclass(slots=True)
class Owned:
    """A partition in the hands of its first owner, its log, and the instants that were fired."""

    partition: DispatcherPartition
    capacity: int
    now: datetime = START + timedelta(seconds=100)
    log: dict[str, list[Record]] = field(default_factory=dict)
    replay_from: int = 0
    fired: set[tuple[int, int]] = field(default_factory=set)
    number: int = 1000

    def turn(self, given: list[Message]) -> list[Outgoing]:
        """A turn whose commit succeeds."""
        turn = self.partition.turn([record(message) for message in given], self.now)
        for outgoing in turn.outputs:
            kept = self.log.setdefault(outgoing.topic, [])
            kept.append(Record(outgoing.topic, HOME, len(kept), outgoing.key, outgoing.value, outgoing.headers, 0))
        assert turn.replay_from is not None
        self.replay_from = turn.replay_from
        return list(turn.outputs)

    def successor(self) -> DispatcherPartition:
        """The partition as a new owner makes it from the log."""
        book = Book(HOME, OPEN)
        for topic in (TENANTS, JOB_TABLE, OUTCOMES):
            restore(book, self.log.get(topic.name, []), PARTITIONS, _must_be_readable)
        book.log_mark = self.replay_from
        restore(book, self.log.get(EXECUTIONS.name, [])[self.replay_from :], PARTITIONS, _must_be_readable)
        book.take_over(self.now)
        return DispatcherPartition(book, PARTITIONS)

    def learn_end(self) -> None:
        """Learn where the ledger ends."""
        self.partition.book.log_mark = len(self.log.get(EXECUTIONS.name, []))

    def beat(self) -> WorkerBeat:
        """The only worker names all that it holds."""
        held = [(e.execution_id, e.attempt) for e in self.partition.book.in_flight()]
        return WorkerBeat(
            worker_id="worker-a",
            inbox=3,
            state=WorkerState.READY,
            capacity=self.capacity,
            held=tuple(HeldAttempt(execution_id=i, attempt=a) for i, a in held),
            running_count=min(len(held), self.capacity),
            started_at=START,
            at=self.now,
        )

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def job(self, number: int) -> Job | None:
        return self.partition.book.jobs.get(uuid_of(number))

    def second(self) -> int:
        return int((self.now - START).total_seconds())

    def in_flight(self, number: int) -> Execution | None:
        flying = sorted(self.partition.book.in_flight(), key=lambda e: e.execution_id)
        return flying[number % len(flying)] if flying else None


def begun(capacity: int, first: JobDefinition) -> Owned:
    """A partition with a worker, and a tenant with two jobs and a few quotas."""
    owned = Owned(DispatcherPartition(Book(HOME, OPEN), PARTITIONS), capacity)
    owned.now = START
    owned.turn([command(CreateTenant, 900, settings=_limited(4))])
    owned.turn([command(CreateJob, number, job_id=uuid_of(number), definition=first) for number in JOBS])
    owned.now = START + timedelta(seconds=100)
    return owned


def _limited(number: int) -> TenantSettings:
    """A tenant that may not have much: the larger the number, the more."""
    quotas = Quotas(max_running=1 + number, fires_per_minute=2 + 2 * number)
    return OPEN.model_copy(update={"quotas": quotas})


def asked(owned: Owned, step: Step) -> list[Message]:
    """What the step gives to its turn."""
    return [message for kind, number in step.actions for message in _ASK[kind](owned, number, step)]


def _must_be_readable(found: Record, reason: str) -> None:
    raise AssertionError(f"{found.topic}@{found.offset}: {reason}")


def _fires(owned: Owned, number: int, seconds: list[int], catch_up: bool = False) -> list[Message]:
    job_number = JOBS[number % len(JOBS)]
    job = owned.job(job_number)
    news = [second for second in seconds if (job_number, second) not in owned.fired]
    if job is None or job.status is not JobStatus.ACTIVE:
        return []
    owned.fired.update((job_number, second) for second in news)
    return [
        FireDue(
            tenant_id=TENANT,
            job_id=job.job_id,
            fire_id=uuid_of(job_number * 1_000_000 + second),
            scheduled_for=at(second),
            schedule_version=job.schedule_version,
            catch_up=catch_up,
            emitted_at=owned.now,
        )
        for second in news
    ]


def _commanded(kind: type[Any], **fields: object) -> Callable[[Owned, int, Step], list[Message]]:
    def ask(owned: Owned, number: int, step: Step) -> list[Message]:
        job_id = uuid_of(JOBS[number % len(JOBS)])
        return [command(kind, owned.next_number(), job_id=job_id, **fields)]

    return ask


def _update(owned: Owned, number: int, step: Step) -> list[Message]:
    return _commanded(UpdateJob, definition=step.definition)(owned, number, step)


def _cancel(owned: Owned, number: int, step: Step) -> list[Message]:
    going = sorted(owned.partition.book.executions)
    if not going:
        return []
    return [command(CancelExecution, owned.next_number(), execution_id=going[number % len(going)])]


def _reported(kind: type[AttemptReport], **fields: object) -> Callable[[Owned, int, Step], list[Message]]:
    def ask(owned: Owned, number: int, step: Step) -> list[Message]:
        execution = owned.in_flight(number)
        if execution is None:
            return []
        common: dict[str, object] = {
            "tenant_id": TENANT,
            "execution_id": execution.execution_id,
            "job_id": execution.job_id,
            "scheduled_for": execution.scheduled_for,
            "attempt": execution.attempt,
            "worker_id": execution.worker_id,
            "at": owned.now,
        }
        started = {"started_at": owned.now} if kind is not CancellationReported else {}
        return [kind.model_validate({**common, **started, **fields})]

    return ask


_BROKEN = {"type": "NETWORK_ERROR", "code": "REFUSED", "message": "no"}
_STOPPED = {"type": "SYSTEM_ERROR", "code": "WORKER_STOPPED", "message": "stopped"}
_ASK: Mapping[str, Callable[[Owned, int, Step], list[Message]]] = {
    "fire": lambda owned, number, _: _fires(owned, number, [owned.second() + 1]),
    "fires": lambda owned, number, _: _fires(owned, number, [owned.second() + 1 - late for late in range(3)]),
    "catch_up": lambda owned, number, _: _fires(owned, number, [owned.second() - 70 + n for n in range(3)], True),
    "trigger": _commanded(TriggerJob),
    "success": _reported(SuccessReported),
    "failure": _reported(FailureReported, failure=_BROKEN),
    "start": _reported(StartReported),
    "handed_back": _reported(CancellationReported),
    "stopped": _reported(FailureReported, failure=_STOPPED),
    "cancel": _cancel,
    "update": _update,
    "pause": _commanded(PauseJob),
    "resume": _commanded(ResumeJob),
    "catch_up_resume": _commanded(ResumeJob, catch_up=True),
    "stop": _commanded(StopJob),
    "tenant_suspend": lambda owned, *_: [command(SuspendTenant, owned.next_number())],
    "tenant_resume": lambda owned, *_: [command(ResumeTenant, owned.next_number())],
    "tenant_update": lambda owned, number, _: [command(UpdateTenant, owned.next_number(), settings=_limited(number))],
}
