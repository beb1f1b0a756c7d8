"""The programs that attempts run, as the world sees them: when each began and ended, whoever has died meanwhile.

How a run goes follows from the seed, the execution and the attempt alone. What was started goes on while its worker is
stalled, and ends with a worker that dies.
"""

from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from random import Random

from schemas.events.executions import TriggerType
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType
from services.executor.outcome import Outcome, failed
from services.executor.runner import Stop, Watcher
from tests.sim.loop import SimLoop
from tests.sim.plan import JobPlan
from tests.sim.process import Process
from tests.sim.trace import Trace

QUICK_S = (0.002, 0.4)
STUBBORN_SHARE = 0.3
PROGRESS_SHARE = 0.2


@dataclass(slots=True)
class Run:
    """One start of one attempt; `ended` stays None while it goes on. Times are true ones, in virtual seconds."""

    execution_id: str
    job_id: str
    attempt: int
    process: Process
    scheduled_for: datetime
    not_before: datetime
    trigger_type: TriggerType
    timeout_s: float
    started: float
    ended: float | None = None
    stop_asked: float | None = None

    @property
    def due(self) -> datetime:
        """When it may begin. What a caller triggered is due at once, by a clock that may be put right meanwhile."""
        is_scheduled = self.trigger_type is TriggerType.SCHEDULED
        return max(self.not_before, self.scheduled_for) if is_scheduled else self.not_before

    def end_or(self, now: float) -> float:
        """When it ended, or the present while it goes on."""
        return now if self.ended is None else self.ended


class Runs:
    """All runs of the world."""

    def __init__(self, loop: SimLoop, trace: Trace, seed: int, jobs: dict[str, JobPlan]) -> None:
        self.all: list[Run] = []
        self.loop = loop
        self.trace = trace
        self._seed = seed
        self._jobs = jobs

    def character(self, task: TaskAssigned) -> tuple[Random, JobPlan]:
        """The chances of this attempt, and the job's leanings."""
        return Random(f"run {self._seed} {task.execution_id} {task.attempt}"), self._jobs[task.job_id]

    def process_died(self, process: Process) -> None:
        """End what the process had started."""
        for run in self.all:
            if run.process is process and run.ended is None:
                run.ended = self.loop.time()


class SimRunner:
    """Implements `Runner` for one worker."""

    capacity = 100
    warmth = None

    def __init__(self, runs: Runs, process: Process) -> None:
        self._runs = runs
        self._process = process

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        runs = self._runs
        random, job = runs.character(task)
        run = Run(
            execution_id=task.execution_id,
            job_id=task.job_id,
            attempt=task.attempt,
            process=self._process,
            scheduled_for=task.scheduled_for,
            not_before=task.not_before,
            trigger_type=task.trigger_type,
            timeout_s=task.timeout_ms / 1000,
            started=runs.loop.time(),
        )
        runs.all.append(run)
        runs.trace.counts["runs"] += 1
        runs.trace.tell(f"runs attempt {task.attempt} of {task.execution_id} of job {task.job_id[:8]}")
        outcome = _outcome(random, job)
        duration_s = random.uniform(*(job.long_s if random.random() < job.long_share else QUICK_S))
        stop_s = random.uniform(0.01, 9.0) if random.random() < STUBBORN_SHARE else 0.005
        end = _Ending(runs, run, watcher)
        if random.random() < PROGRESS_SHARE:
            self._process.call_later(duration_s / 2, end.progress, random.randrange(100))
        runs.loop.call_later(duration_s, end.finish, outcome, context=Context())
        return lambda grace_s: end.stop(min(grace_s, stop_s))

    async def close(self) -> None:
        return


class _Ending:
    """Sees to it that a run ends once. The world ends it; its worker hears of that when it takes steps."""

    def __init__(self, runs: Runs, run: Run, watcher: Watcher) -> None:
        self._runs = runs
        self._run = run
        self._watcher = watcher

    def progress(self, percent: int) -> None:
        if self._run.ended is None:
            self._watcher.progressed(percent)

    def finish(self, outcome: Outcome) -> None:
        run = self._run
        if run.ended is not None:
            return
        run.ended = self._runs.loop.time()
        self._runs.trace.tell(f"ended: attempt {run.attempt} of {run.execution_id}", run.process.name)
        run.process.call_later(0, self._watcher.ended, outcome)

    def stop(self, within_s: float) -> None:
        """Asked for by the worker: it ends by itself within that time, or is killed then."""
        run = self._run
        if run.stop_asked is None:
            run.stop_asked = self._runs.loop.time()
        if within_s > 0:
            self._runs.loop.call_later(within_s, self.finish, Outcome(), context=Context())
        elif run.ended is None:
            run.ended = self._runs.loop.time()
            self._watcher.ended(Outcome())


def _outcome(random: Random, job: JobPlan) -> Outcome:
    if random.random() >= job.failing_share:
        return Outcome(result={"by": "simulation"})
    return failed(random.choice(list(ErrorType)), "TOLD_TO", "the run was told to fail")
