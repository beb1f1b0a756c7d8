"""Running one attempt with a runner, and waiting for its end."""

import asyncio
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from horolog.domain.addresses import networks
from schemas.events.executions import Failure, TriggerType
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, FunctionConfig, HttpConfig, JobType
from services.executor.isolation_settings import IsolationSettings
from services.executor.outcome import Outcome
from services.executor.runner import Piece, Runner, Stop, Tap

DEADLINE_S = 20.0
EXECUTION_ID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
JOB_ID = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
TENANT_ID = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
INSTANT = datetime(2026, 3, 1, 12, tzinfo=UTC)
THIS_MACHINE = networks(("127.0.0.0/8", "::1"))
"""Where the servers of tests are."""
ACCOUNTS = range(230_000, 230_100) if os.geteuid() == 0 else range(0)
"""As executors have them, but others, so that the two do not meet on one machine."""
BEST = IsolationSettings(accounts=ACCOUNTS)
"""How attempts are isolated unless somebody says otherwise."""
_TYPE_OF_CONFIG = {HttpConfig: JobType.HTTP, FunctionConfig: JobType.FUNCTION, CommandConfig: JobType.COMMAND}


def task_of(config: HttpConfig | FunctionConfig | CommandConfig, attempt: int = 3) -> TaskAssigned:
    """An attempt, due long ago, that does what `config` says."""
    return TaskAssigned(
        tenant_id=TENANT_ID,
        execution_id=EXECUTION_ID,
        job_id=JOB_ID,
        attempt=attempt,
        worker_id="worker-a",
        scheduled_for=INSTANT,
        not_before=INSTANT,
        trigger_type=TriggerType.SCHEDULED,
        timeout_ms=60_000,
        job_name="a job",
        job_type=_TYPE_OF_CONFIG[type(config)],
        config=config,
    )


class Watching:
    """Watches one run."""

    def __init__(self) -> None:
        self.progress: list[int] = []
        self.progressed_once = asyncio.Event()
        self._end: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.stop: Stop = lambda _: None
        self.traceparent: str | None = None
        self.taps: tuple[Tap, ...] = ()

    def prints(self, *taps: Tap) -> None:
        self.taps = taps

    def progressed(self, percent: int) -> None:
        self.progress.append(percent)
        self.progressed_once.set()

    def ended(self, outcome: Outcome) -> None:
        self._end.set_result(outcome)

    async def next_piece(self, index: int) -> Piece:
        """What comes next from one of the taps."""
        found: list[Piece] = []

        def has_come() -> bool:
            piece = self.taps[index].take()
            found.extend([piece] if piece is not None else [])
            return bool(found)

        await until(has_come)
        return found[0]

    async def end(self) -> Outcome:
        return await asyncio.wait_for(self._end, DEADLINE_S)

    async def first_progress(self) -> None:
        await asyncio.wait_for(self.progressed_once.wait(), DEADLINE_S)


def begin(
    runner: Runner, config: HttpConfig | FunctionConfig | CommandConfig, traceparent: str | None = None
) -> Watching:
    """Start an attempt, in a trace if one is named."""
    watching = Watching()
    watching.traceparent = traceparent
    watching.stop = runner.start(task_of(config), watching)
    return watching


async def outcome_of(runner: Runner, config: HttpConfig | FunctionConfig | CommandConfig) -> Outcome:
    """How an attempt ends that is left alone."""
    return await begin(runner, config).end()


def failure_of(outcome: Outcome) -> Failure:
    """The failure, which there must be."""
    assert outcome.failure is not None
    return outcome.failure


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something outside the loop's sight has happened."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.to_thread(os.sched_yield)


def own_variable() -> str:
    """A variable that this process was started with, as `name=value`, and that no program of a job is given."""
    given = ("PATH=", "LANG=", "LC_", "TZ=", "HOME=", "TMPDIR=", "PWD=", "SHLVL=", "OLDPWD=", "_=")
    return next(text for text in Path("/proc/self/environ").read_text().split("\0") if not text.startswith(given))


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def field_of(value: object, name: str) -> object:
    """One member of a JSON object, which the value must be."""
    assert isinstance(value, Mapping)
    return value[name]
