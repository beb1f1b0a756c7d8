"""What the real ticker and dispatcher decide, through changes and outages, stands the proof."""

from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from horolog.verify import Calendar, JobHistory, LedgerRow, Report, Verification, Window
from projections.fold_executions import ExecutionFold
from projections.rows import ExecutionRow
from projections.verification import version_of
from schemas.base import Message
from schemas.commands import CreateJob, PauseJob, ResumeJob, StopJob, UpdateJob
from schemas.events.executions import ExecutionEvent
from schemas.events.jobs import JobChanged, JobTabled
from schemas.events.results import SuccessReported
from schemas.events.workers import TaskAssigned
from services.ticker.partition import TickerPartition
from tests.unit.deciding.kit import HOME, START, TENANT, Dispatching, at, command, definition, messages, record, uuid_of

JOB = uuid_of(1)
STEP_S = 0.25
BEGIN_S = int(START.timestamp())
EXPRESSIONS = ("*/2 * * * * *", "* * * * * *", "*/7 * * * * *", "0,30 * * * * *")
DEEDS = ["pause", "resume", "stop", "change", "out", "long out", "back", "skip"]


@dataclass
class Playing:
    """Ticker, dispatcher and one worker under a clock that moves by hand; everything they write is kept."""

    dispatching: Dispatching = field(default_factory=lambda: Dispatching(capacity=100))
    ticker: TickerPartition = field(default_factory=lambda: TickerPartition(HOME, None))
    now_s: float = 0.0
    ticks: bool = True
    number: int = 0
    news: list[JobTabled] = field(default_factory=list)
    tasks: list[TaskAssigned] = field(default_factory=list)
    jobs: list[JobChanged] = field(default_factory=list)
    fold: ExecutionFold = field(default_factory=ExecutionFold)

    def give(self, *given: Message) -> None:
        for message in self.dispatching.turn(self.now_s, *given):
            if isinstance(message, JobTabled):
                self.news.append(message)
            elif isinstance(message, JobChanged):
                self.jobs.append(message)
            elif isinstance(message, TaskAssigned):
                self.tasks.append(message)
            elif isinstance(message, ExecutionEvent):
                self.fold.add(message)

    def order(self, kind: type, **fields: object) -> None:
        self.number += 1
        self.give(command(kind, self.number, job_id=JOB, **fields))

    def step(self, seconds: float = STEP_S) -> None:
        """Let time pass, then let everyone have a turn."""
        self.now_s += seconds
        if self.ticks:
            turn = self.ticker.turn([record(tabled) for tabled in self.news], at(self.now_s))
            self.news.clear()
            self.give(*messages(turn.outputs))
        due = [task for task in self.tasks if task.not_before <= at(self.now_s)]
        self.tasks = [task for task in self.tasks if task not in due]
        self.give(*(success(task, at(self.now_s)) for task in due))

    def do(self, deed: str) -> None:
        if deed in ("out", "long out"):
            self.ticks = False
            self.step(200.0 if deed == "long out" else 3.0)
        elif deed == "back":
            self.ticks = True
        elif deed == "change":
            self.order(UpdateJob, definition=definition(cron_expression=EXPRESSIONS[self.number % len(EXPRESSIONS)]))
        elif deed != "skip":
            self.order({"pause": PauseJob, "resume": ResumeJob, "stop": StopJob}[deed])

    def report(self) -> Report:
        """The proof of all but the last second."""
        end_s = BEGIN_S + int(self.now_s) - 1
        verification = Verification(Window(BEGIN_S, end_s, end_s, BEGIN_S + self.now_s), Calendar())
        verification.expect([JobHistory(JOB, TENANT, tuple(version_of(changed.job) for changed in self.jobs))])
        rows = (ledger_row(row) for row in self.fold.rows())
        verification.take(sorted(row for row in rows if row.scheduled_s < end_s))
        verification.settle()
        return verification.report()


def success(task: TaskAssigned, now: datetime) -> SuccessReported:
    return SuccessReported(
        tenant_id=TENANT,
        execution_id=task.execution_id,
        job_id=task.job_id,
        scheduled_for=task.scheduled_for,
        attempt=task.attempt,
        worker_id=task.worker_id,
        at=now,
        started_at=now,
    )


def ledger_row(row: ExecutionRow) -> LedgerRow:
    instants = (row.started_at, row.retry_at, row.missed_until)
    started_s, retry_s, until_s = (None if instant is None else instant.timestamp() for instant in instants)
    return LedgerRow(
        row.job_id, row.scheduled_at.timestamp(), row.id, TENANT, row.trigger_type, row.status,
        row.created_at.timestamp(), row.attempt, started_s, row.reason, row.blocked_by, row.error_type, retry_s,
        until_s, row.missed_count,
    )  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(DEEDS)), max_size=25), st.booleans())
@example([(9, "long out"), (2, "change"), (3, "long out"), (1, "back")], False)
@example([(9, "pause"), (1, "resume"), (1, "pause"), (1, "resume")], True)
@example([(1, "pause"), (1, "resume"), (1, "pause"), (1, "out")], False)
@example([(9, "long out"), (1, "pause"), (1, "long out"), (1, "resume"), (3, "back")], True)
def test_decisions_of_the_real_ticker_and_dispatcher_leave_a_clean_ledger(
    deeds: list[tuple[int, str]], is_limited: bool
) -> None:
    playing = Playing()
    limits = {"max_executions": 40} if is_limited else {}
    playing.order(CreateJob, definition=definition(max_concurrent=50, **limits))
    for steps, deed in deeds:
        for _ in range(steps):
            playing.step()
        playing.do(deed)
    playing.ticks = True
    for _ in range(8):
        playing.step()
    report = playing.report()
    assert report.is_clean, report.findings
