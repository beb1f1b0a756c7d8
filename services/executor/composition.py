"""Puts a worker together: the one place of the executor that names adapters."""

import os

from horolog.adapters.spawner.client import Spawner
from horolog.log.port import Log
from horolog.ports import Clock
from schemas.jobs import JobType
from services.executor.guard import Guard, RequestGuard
from services.executor.opening import Opener, OpeningRunner
from services.executor.runner import Runner
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner, FunctionSettings
from services.executor.runners.http import HttpRunner
from services.executor.settings import WorkerSettings
from services.executor.worker import Worker

PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR")
"""Of the worker's own environment, what programs and functions may see."""
FILE_BYTES_MAX = 1 << 30
OPEN_FILE_COUNT_MAX = 1024
ISOLATION = "session, rlimits, no-new-privs, subreaper"


def open_worker(
    log: Log,
    clock: Clock,
    settings: WorkerSettings,
    guard: Guard | None = None,
    opener: Opener | None = None,
) -> Worker:
    """A worker with all three runners, ready to `run`; call it in the loop that runs it.

    Without an `opener` attempts that need secrets fail.
    """
    processes = Spawner()
    environment = {name: value for name in PASSED_ON if (value := os.environ.get(name)) is not None}
    limits = {"CORE": 0, "NOFILE": OPEN_FILE_COUNT_MAX, "FSIZE": FILE_BYTES_MAX}
    functions = FunctionRunner(
        processes,
        FunctionSettings(
            process_count=settings.function_process_count,
            paths=settings.function_paths,
            environment=environment,
            directory=settings.directory,
            limits=limits,
        ),
    )
    functions.warm_up()
    runners: dict[JobType, Runner] = {
        JobType.HTTP: HttpRunner(settings.capacity, settings.http_allowed),
        JobType.FUNCTION: functions,
        JobType.COMMAND: CommandRunner(processes, settings.capacity, environment, settings.directory, limits),
    }
    opening = {type_: OpeningRunner(runner, opener or Opener()) for type_, runner in runners.items()}
    return Worker(log, clock, opening, settings, guard=guard or RequestGuard())
