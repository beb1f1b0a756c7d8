"""Puts a worker together: the one place of the executor that names adapters."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from horolog.adapters.containers.containers import Containers
from horolog.adapters.containers.engine import Engine
from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import RESOURCES, Hierarchy, found_here
from horolog.adapters.spawner.cells import Box, Cells
from horolog.adapters.spawner.client import Spawner
from horolog.log.port import Log
from horolog.ports import Clock, Tracing
from horolog.runtime.settings_error import SettingsError
from schemas.events.workers import Resource
from schemas.isolation import Isolation
from schemas.jobs import JobType
from services.executor.guard import IsolationGuard, RequestGuard, ServingGuard
from services.executor.isolation_settings import GroupUse, IsolationSettings
from services.executor.opening import Opener, OpeningRunner
from services.executor.places import SYSTEM, arranged, python_places
from services.executor.processes import Processes
from services.executor.registered import names_registered_by
from services.executor.runner import Runner
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner, FunctionSettings
from services.executor.runners.http import HttpRunner
from services.executor.settings import Hosted, WorkerSettings
from services.executor.trial import (
    TRIAL_CPUS,
    TRIAL_MEMORY_MB,
    TRIAL_PROCESS_COUNT,
    TRIAL_TMP_MB,
    Way,
    bound_shortcoming,
    shortcoming,
)
from services.executor.worker import Worker

PASSED_ON = ("PATH", "LANG", "TZ")
"""Of the worker's own environment, what programs and functions may see; and what begins with LC_."""
PASSED_TO_ENGINE = (
    *("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_CERT_PATH"),
    *("DOCKER_TLS_VERIFY", "CONTAINER_HOST", "DBUS_SESSION_BUS_ADDRESS"),
)
"""What the engine's executable sees of it: where the engine is, and as whom to speak to it."""
FILE_BYTES_MAX = 1 << 30
OPEN_FILE_COUNT_MAX = 1024

FindGroups = Callable[[], Sequence[Hierarchy]]
"""Finds where control groups may be made."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Apartness:
    """How attempts are kept apart on this machine, as a trial run has shown. `limits` are named as in `Program`.

    `bounded` are the resources that control groups bound for each attempt; `unbounded` says why it is not all of them.
    With an `engine`, it makes the groups as it makes the containers, and there is nothing in `cells`.
    """

    way: Way
    cells: Cells
    limits: Mapping[str, int]
    engine: Engine | None = None
    bounded: tuple[Resource, ...] = ()
    unbounded: str | None = None
    shortcomings: Sequence[str] = ()

    @property
    def level(self) -> Isolation:
        """The level that is reached."""
        return self.way.level

    def processes(self) -> Processes:
        """What starts programs so."""
        return _processes(self.cells, self.engine)

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
        engine = _engine(settings, way, readable, hidden)
        if engine is not None and (count := await Containers(engine).remove_leftovers()):
            _logger.warning("removed the containers of executors that are no more: %d", count)
        processes = _processes(Cells(box, way.accounts), engine)
        try:
            wrong = await shortcoming(processes, way, limits)
        finally:
            await processes.close()
        if wrong is None:
            found = Apartness(way, Cells(box, way.accounts), limits, engine, shortcomings=tuple(shortcomings))
            return await _bounded(settings, found, box, find)
        shortcomings.append(f"{way}: {wrong}")
    wanted = settings.demanded or Isolation.PROCESS
    raise SettingsError(f"programs cannot be isolated on this machine by {wanted}: {'; '.join(shortcomings)}")


def open_worker(
    log: Log,
    clock: Clock,
    settings: WorkerSettings,
    apartness: Apartness,
    opener: Opener | None = None,
    tracing: Tracing | None = None,
) -> Worker:
    """A worker with all three runners, ready to `run`; call it in the loop that runs it.

    Without an `opener` attempts that need secrets fail, without `tracing` there are no traces.
    """
    _tell(apartness)
    processes = apartness.processes()
    functions = FunctionRunner(processes, _function_settings(settings, apartness))
    functions.warm_up()
    runners: dict[JobType, Runner] = {
        JobType.HTTP: HttpRunner(settings.capacity, clock, settings.http_allowed),
        JobType.FUNCTION: functions,
        JobType.COMMAND: CommandRunner(
            processes, settings.capacity, _environment(apartness), settings.directory, apartness.limits
        ),
    }
    opening = {type_: OpeningRunner(runner, opener or Opener()) for type_, runner in runners.items()}
    settings = replace(settings, isolation=apartness.level, control_groups=apartness.bounded)
    images = () if apartness.engine is None else apartness.engine.images
    served = None if settings.hosted is None else frozenset(settings.hosted.names)
    judging = ServingGuard(served, IsolationGuard(apartness.level, RequestGuard(), images))
    return Worker(log, clock, opening, settings, guard=judging, tracing=tracing)


async def find_registered(target: str, settings: WorkerSettings, apartness: Apartness) -> Hosted:
    """The functions that the worker at `module:attribute` has registered; it is imported in a process of its own.

    Raises:
        SettingsError: it cannot be, or there are none.
    """
    processes = apartness.processes()
    try:
        runner = FunctionRunner(processes, _function_settings(settings, apartness))
        return Hosted(target, await names_registered_by(target, runner))
    finally:
        await processes.close()


def _function_settings(settings: WorkerSettings, apartness: Apartness) -> FunctionSettings:
    is_contained = apartness.engine is not None
    return FunctionSettings(
        process_count=settings.function_process_count,
        kept_count=settings.kept_function_process_count,
        paths=settings.function_paths,
        environment=_environment(apartness),
        directory=settings.directory,
        limits=apartness.limits,
        python="python3" if is_contained else sys.executable,
        are_contained=is_contained,
        worker=None if settings.hosted is None else settings.hosted.target,
    )


def _environment(apartness: Apartness) -> dict[str, str]:
    # A container has those of its image.
    return passed_on(os.environ) if apartness.engine is None else {}


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What programs and functions see of an executor's environment."""
    return {name: value for name, value in environment.items() if name in PASSED_ON or name.startswith("LC_")}


def _ways(settings: IsolationSettings) -> list[Way]:
    """From the best to the least. Where accounts are wanted, namespaces without them would be less than that."""
    ways = [] if settings.containers is None else [Way(Isolation.CONTAINER, settings.accounts)]
    ways += [Way(Isolation.NAMESPACES, settings.accounts), Way(Isolation.PROCESS, settings.accounts)]
    if settings.accounts:
        ways.append(Way(Isolation.PROCESS))
    return [way for way in ways if settings.demanded in (None, way.level)]


async def _bounded(settings: IsolationSettings, found: Apartness, box: Box | None, find: FindGroups) -> Apartness:
    """The same, in control groups as far as a trial has shown them to hold.

    Raises:
        SettingsError: they are required, and do not.
    """
    if settings.group_use is GroupUse.OFF:
        return found
    wanted = [resource for resource in Resource if resource is not Resource.CPU or settings.cpus is not None]
    if found.engine is not None:
        wrong = await _engine_trial(found.engine, found.way, wanted)
        bounded = replace(found, bounded=() if wrong else tuple(wanted), unbounded=wrong)
    else:
        bounded = await _in_groups(settings, found, box, _useful(find(), wanted), wanted)
    if bounded.unbounded is not None and settings.group_use is GroupUse.REQUIRED:
        raise SettingsError(
            f"HOROLOG_CONTROL_GROUPS is required, but attempts cannot be bounded on this machine: {bounded.unbounded}; "
            "give the executor a group of its own to divide (systemd: Delegate=yes), or say auto"
        )
    return bounded


def _useful(hierarchies: Sequence[Hierarchy], wanted: Sequence[str]) -> list[Hierarchy]:
    """Each group that a program has to enter costs it time."""
    only = (
        replace(one, controllers=tuple(name for name in one.controllers if RESOURCES[name] in wanted))
        for one in hierarchies
    )
    return [one for one in only if one.controllers]


async def _in_groups(
    settings: IsolationSettings,
    found: Apartness,
    box: Box | None,
    hierarchies: Sequence[Hierarchy],
    wanted: Sequence[Resource],
) -> Apartness:
    # One process more in a box, its first.
    process_count = settings.process_count_max + (box is not None)
    groups = Groups(hierarchies, Bounds(settings.memory_in_all_mb, process_count, settings.cpus))
    if count := groups.remove_leftovers():
        _logger.warning("removed the control groups of executors that are no more: %d", count)
    missing = " and ".join(resource for resource in wanted if resource not in groups.resources)
    why = f"no group can be made here that bounds {missing}" if missing else None
    if not groups.resources:
        return replace(found, unbounded=why)
    trial = groups.with_bounds(Bounds(TRIAL_MEMORY_MB, TRIAL_PROCESS_COUNT, TRIAL_CPUS))
    spawner = Spawner(Cells(box, found.way.accounts, trial))
    try:
        failed = await bound_shortcoming(spawner, found.way, groups.resources)
    finally:
        await spawner.close()
    if failed is not None:
        return replace(found, unbounded=failed)
    bounded = tuple(Resource(resource) for resource in groups.resources)
    return replace(found, cells=Cells(box, found.way.accounts, groups), bounded=bounded, unbounded=why)


async def _engine_trial(engine: Engine, way: Way, wanted: Sequence[Resource]) -> str | None:
    memory_mb = TRIAL_MEMORY_MB - TRIAL_TMP_MB
    bounds = replace(engine, memory_mb=memory_mb, tmp_mb=TRIAL_TMP_MB, process_count=TRIAL_PROCESS_COUNT)
    containers = Containers(replace(bounds, cpus=TRIAL_CPUS))
    try:
        return await bound_shortcoming(containers, way, wanted)
    finally:
        await containers.close()


def _processes(cells: Cells, engine: Engine | None) -> Processes:
    return Spawner(cells) if engine is None else Containers(engine)


def _engine(settings: IsolationSettings, way: Way, readable: Sequence[str], hidden: Sequence[str]) -> Engine | None:
    containers = settings.containers
    if way.level is not Isolation.CONTAINER or containers is None:
        return None
    shown = (*readable, *(path for path, may_write in settings.paths if not may_write))
    places, _ = arranged(shown, (path for path, may_write in settings.paths if may_write), hidden)
    return Engine(
        executable=containers.engine,
        images=containers.images,
        network=containers.network,
        memory_mb=settings.memory_mb,
        tmp_mb=settings.tmp_mb,
        process_count=settings.process_count_max,
        cpus=settings.cpus,
        places=places,
        accounts=way.accounts,
        environment={name: os.environ[name] for name in PASSED_TO_ENGINE if name in os.environ},
    )


def _box(settings: IsolationSettings, way: Way, readable: Sequence[str], hidden: Sequence[str]) -> Box | None:
    if way.level is not Isolation.NAMESPACES:
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
    # In a container the engine counts them.
    if way.level is Isolation.NAMESPACES or (way.level is Isolation.PROCESS and way.has_accounts):
        limits["NPROC"] = settings.process_count_max
    return limits


def _tell(apartness: Apartness) -> None:
    for text in apartness.shortcomings:
        _logger.warning("programs of jobs are not isolated as well as they could be; %s", text)
    if apartness.unbounded is not None:
        _logger.warning("attempts of jobs are not bounded as a whole as they could be; %s", apartness.unbounded)
    _logger.info("programs of jobs are isolated by %s", apartness)
    if os.geteuid() == 0 and not apartness.way.has_accounts and apartness.engine is None:
        _logger.warning("programs of jobs run as root; give them accounts with HOROLOG_JOB_UID_RANGE")
