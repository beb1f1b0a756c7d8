"""Puts a worker together: the one place of the executor that names adapters."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import Hierarchy, found_here
from horolog.adapters.spawner.cells import Box, Cells
from horolog.adapters.spawner.client import Spawner
from horolog.log.port import Log
from horolog.ports import Clock
from horolog.runtime.settings_error import SettingsError
from schemas.events.workers import Resource
from schemas.isolation import Isolation
from schemas.jobs import JobType
from services.executor.guard import Guard, IsolationGuard, RequestGuard
from services.executor.isolation_settings import GroupUse, IsolationSettings
from services.executor.opening import Opener, OpeningRunner
from services.executor.places import SYSTEM, arranged, python_places
from services.executor.runner import Runner
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner, FunctionSettings
from services.executor.runners.http import HttpRunner
from services.executor.settings import WorkerSettings
from services.executor.trial import (
    TRIAL_CPUS,
    TRIAL_MEMORY_MB,
    TRIAL_PROCESS_COUNT,
    Way,
    bound_shortcoming,
    shortcoming,
)
from services.executor.worker import Worker

PASSED_ON = ("PATH", "LANG", "TZ")
"""Of the worker's own environment, what programs and functions may see; and what begins with LC_."""
FILE_BYTES_MAX = 1 << 30
OPEN_FILE_COUNT_MAX = 1024

FindGroups = Callable[[], Sequence[Hierarchy]]
"""Finds where control groups may be made."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Apartness:
    """How attempts are kept apart on this machine, as a trial run has shown. `limits` are named as in `Program`.

    `bounded` are the resources that control groups bound for each attempt; `unbounded` says why it is not all of them.
    """

    way: Way
    cells: Cells
    limits: Mapping[str, int]
    bounded: tuple[Resource, ...] = ()
    unbounded: str | None = None
    shortcomings: Sequence[str] = ()

    @property
    def level(self) -> Isolation:
        """The level that is reached."""
        return self.way.level

    def __str__(self) -> str:
        return f"{self.way}; control groups bound {', '.join(self.bounded) or 'nothing'}"


async def keep_apart(
    settings: IsolationSettings, readable: Sequence[str], hidden: Sequence[str], find: FindGroups = found_here
) -> Apartness:
    """The best way to start programs that a trial run finds to work, of those that the settings allow.

    `readable` are places that programs in a box see besides; `hidden` are the executor's own.

    Raises:
        SettingsError: the level that is demanded cannot be reached, or control groups are, and cannot be had.
    """
    shortcomings: list[str] = []
    for way in _ways(settings):
        box, limits = _box(settings, way, readable, hidden), _limits(settings, way)
        spawner = Spawner(Cells(box, way.accounts))
        try:
            wrong = await shortcoming(spawner, way, limits)
        finally:
            await spawner.close()
        if wrong is None:
            groups, unbounded = await _bounding(settings, way, box, find())
            cells = Cells(box, way.accounts, groups)
            return Apartness(way, cells, limits, _resources(groups), unbounded, tuple(shortcomings))
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
    functions = FunctionRunner(
        processes,
        FunctionSettings(
            process_count=settings.function_process_count,
            paths=settings.function_paths,
            environment=environment,
            directory=settings.directory,
            limits=apartness.limits,
        ),
    )
    functions.warm_up()
    runners: dict[JobType, Runner] = {
        JobType.HTTP: HttpRunner(settings.capacity, clock, settings.http_allowed),
        JobType.FUNCTION: functions,
        JobType.COMMAND: CommandRunner(processes, settings.capacity, environment, settings.directory, apartness.limits),
    }
    opening = {type_: OpeningRunner(runner, opener or Opener()) for type_, runner in runners.items()}
    settings = replace(settings, isolation=apartness.level, control_groups=apartness.bounded)
    return Worker(log, clock, opening, settings, guard=IsolationGuard(apartness.level, guard or RequestGuard()))


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What programs and functions see of an executor's environment."""
    return {name: value for name, value in environment.items() if name in PASSED_ON or name.startswith("LC_")}


def _ways(settings: IsolationSettings) -> list[Way]:
    """From the best to the least. Where accounts are wanted, namespaces without them would be less than that."""
    ways = [Way(Isolation.NAMESPACES, settings.accounts), Way(Isolation.PROCESS, settings.accounts)]
    if settings.accounts:
        ways.append(Way(Isolation.PROCESS))
    return [way for way in ways if settings.demanded in (None, way.level)]


async def _bounding(
    settings: IsolationSettings, way: Way, box: Box | None, hierarchies: Sequence[Hierarchy]
) -> tuple[Groups | None, str | None]:
    """Control groups as a trial has shown them to hold, and why they do not bound everything.

    Raises:
        SettingsError: they are required, and do not.
    """
    if settings.group_use is GroupUse.OFF:
        return None, None
    # One more in a box, for its first process.
    process_count = settings.process_count_max + (box is not None)
    groups = Groups(hierarchies, Bounds(settings.memory_in_all_mb, process_count, settings.cpus))
    if count := groups.remove_leftovers():
        _logger.warning("removed the control groups of executors that are no more: %d", count)
    missing = " and ".join(resource for resource in Resource if resource not in groups.resources)
    failed = await _bound_trial(groups, way, box) if groups.resources else None
    wrong = failed or (f"no group can be made here that bounds {missing}" if missing else None)
    if wrong is not None and settings.group_use is GroupUse.REQUIRED:
        raise SettingsError(
            f"HOROLOG_CONTROL_GROUPS is required, but attempts cannot be bounded on this machine: {wrong}; "
            "give the executor a group of its own to divide (systemd: Delegate=yes), or say auto"
        )
    return groups if groups.resources and failed is None else None, wrong


async def _bound_trial(groups: Groups, way: Way, box: Box | None) -> str | None:
    bounds = Bounds(TRIAL_MEMORY_MB, TRIAL_PROCESS_COUNT, TRIAL_CPUS)
    spawner = Spawner(Cells(box, way.accounts, groups.with_bounds(bounds)))
    try:
        return await bound_shortcoming(spawner, groups.resources)
    finally:
        await spawner.close()


def _resources(groups: Groups | None) -> tuple[Resource, ...]:
    return () if groups is None else tuple(Resource(resource) for resource in groups.resources)


def _box(settings: IsolationSettings, way: Way, readable: Sequence[str], hidden: Sequence[str]) -> Box | None:
    if way.level is Isolation.PROCESS:
        return None
    shown = (*SYSTEM, *python_places(), *readable, *(path for path, may_write in settings.paths if not may_write))
    places, links = arranged(shown, (path for path, may_write in settings.paths if may_write), hidden)
    return Box(places, links, settings.tmp_mb)


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
    if apartness.unbounded is not None:
        _logger.warning("attempts of jobs are not bounded as a whole as they could be; %s", apartness.unbounded)
    _logger.info("programs of jobs are isolated by %s", apartness)
    if os.geteuid() == 0 and not apartness.way.has_accounts:
        _logger.warning("programs of jobs run as root; give them accounts with HOROLOG_JOB_UID_RANGE")
