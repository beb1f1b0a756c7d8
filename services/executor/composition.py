"""Puts a worker together: the one place of the executor that names adapters."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from horolog.adapters.spawner.cells import Box, Cells
from horolog.adapters.spawner.client import Spawner
from horolog.log.port import Log
from horolog.ports import Clock
from horolog.runtime.settings_error import SettingsError
from schemas.isolation import Isolation
from schemas.jobs import JobType
from services.executor.guard import Guard, IsolationGuard, RequestGuard, ServingGuard
from services.executor.isolation_settings import IsolationSettings
from services.executor.opening import Opener, OpeningRunner
from services.executor.places import SYSTEM, arranged, python_places
from services.executor.registered import names_registered_by
from services.executor.runner import Runner
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner, FunctionSettings
from services.executor.runners.http import HttpRunner
from services.executor.settings import Hosted, WorkerSettings
from services.executor.trial import Way, shortcoming
from services.executor.worker import Worker

PASSED_ON = ("PATH", "LANG", "TZ")
"""Of the worker's own environment, what programs and functions may see; and what begins with LC_."""
FILE_BYTES_MAX = 1 << 30
OPEN_FILE_COUNT_MAX = 1024

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Apartness:
    """How attempts are kept apart on this machine, as a trial run has shown. `limits` are named as in `Program`."""

    way: Way
    cells: Cells
    limits: Mapping[str, int]
    shortcomings: Sequence[str] = ()

    @property
    def level(self) -> Isolation:
        """The level that is reached."""
        return self.way.level


async def keep_apart(settings: IsolationSettings, readable: Sequence[str], hidden: Sequence[str]) -> Apartness:
    """The best way to start programs that a trial run finds to work, of those that the settings allow.

    `readable` are places that programs in a box see besides; `hidden` are the executor's own.

    Raises:
        SettingsError: the level that is demanded cannot be reached.
    """
    shortcomings: list[str] = []
    for way in _ways(settings):
        cells, limits = _cells(settings, way, readable, hidden), _limits(settings, way)
        spawner = Spawner(cells)
        try:
            wrong = await shortcoming(spawner, way, limits)
        finally:
            await spawner.close()
        if wrong is None:
            return Apartness(way, cells, limits, tuple(shortcomings))
        shortcomings.append(f"{way}: {wrong}")
    wanted = settings.demanded or Isolation.PROCESS
    raise SettingsError(f"programs cannot be isolated on this machine by {wanted}: {'; '.join(shortcomings)}")


def open_worker(
    log: Log,
    clock: Clock,
    settings: WorkerSettings,
    apartness: Apartness,
    guard: Guard | None = None,
    opener: Opener | None = None,
) -> Worker:
    """A worker with all three runners, ready to `run`; call it in the loop that runs it.

    Without an `opener` attempts that need secrets fail.
    """
    _tell(apartness)
    processes = Spawner(apartness.cells)
    environment = passed_on(os.environ)
    functions = FunctionRunner(processes, _function_settings(settings, apartness))
    functions.warm_up()
    runners: dict[JobType, Runner] = {
        JobType.HTTP: HttpRunner(settings.capacity, clock, settings.http_allowed),
        JobType.FUNCTION: functions,
        JobType.COMMAND: CommandRunner(processes, settings.capacity, environment, settings.directory, apartness.limits),
    }
    opening = {type_: OpeningRunner(runner, opener or Opener()) for type_, runner in runners.items()}
    settings = replace(settings, isolation=apartness.level)
    served = None if settings.hosted is None else frozenset(settings.hosted.names)
    judged = ServingGuard(served, IsolationGuard(apartness.level, guard or RequestGuard()))
    return Worker(log, clock, opening, settings, guard=judged)


async def find_registered(target: str, settings: WorkerSettings, apartness: Apartness) -> Hosted:
    """The functions that the worker at `module:attribute` has registered; it is imported in a process of its own.

    Raises:
        SettingsError: it cannot be, or there are none.
    """
    processes = Spawner(apartness.cells)
    try:
        runner = FunctionRunner(processes, _function_settings(settings, apartness))
        return Hosted(target, await names_registered_by(target, runner))
    finally:
        await processes.close()


def _function_settings(settings: WorkerSettings, apartness: Apartness) -> FunctionSettings:
    return FunctionSettings(
        process_count=settings.function_process_count,
        paths=settings.function_paths,
        environment=passed_on(os.environ),
        directory=settings.directory,
        limits=apartness.limits,
        worker=None if settings.hosted is None else settings.hosted.target,
    )


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What programs and functions see of an executor's environment."""
    return {name: value for name, value in environment.items() if name in PASSED_ON or name.startswith("LC_")}


def _ways(settings: IsolationSettings) -> list[Way]:
    """From the best to the least. Where accounts are wanted, namespaces without them would be less than that."""
    ways = [Way(Isolation.NAMESPACES, settings.accounts), Way(Isolation.PROCESS, settings.accounts)]
    if settings.accounts:
        ways.append(Way(Isolation.PROCESS))
    return [way for way in ways if settings.demanded in (None, way.level)]


def _cells(settings: IsolationSettings, way: Way, readable: Sequence[str], hidden: Sequence[str]) -> Cells:
    if way.level is Isolation.PROCESS:
        return Cells(None, way.accounts)
    shown = (*SYSTEM, *python_places(), *readable, *(path for path, may_write in settings.paths if not may_write))
    places, links = arranged(shown, (path for path, may_write in settings.paths if may_write), hidden)
    return Cells(Box(places, links, settings.tmp_mb), way.accounts)


def _limits(settings: IsolationSettings, way: Way) -> dict[str, int]:
    limits = {
        "CORE": 0,
        "NOFILE": OPEN_FILE_COUNT_MAX,
        "FSIZE": FILE_BYTES_MAX,
        "DATA": settings.memory_mb << 20,
    }
    # Processes are counted by account, or by account and user namespace: elsewhere the executor's own count, too.
    if way.has_accounts or way.level is not Isolation.PROCESS:
        limits["NPROC"] = settings.process_count_max
    return limits


def _tell(apartness: Apartness) -> None:
    for text in apartness.shortcomings:
        _logger.warning("programs of jobs are not isolated as well as they could be; %s", text)
    _logger.info("programs of jobs are isolated by %s", apartness.way)
    if os.geteuid() == 0 and not apartness.way.has_accounts:
        _logger.warning("programs of jobs run as root; give them accounts with HOROLOG_JOB_UID_RANGE")
