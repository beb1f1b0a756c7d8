"""Makes a control group for each program, and removes it after the program's end.

Guarantee: a group has all of its bounds before anything is in it. What was made is undone by `clear`, the executor's
own move included.
"""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from horolog.adapters.groups import group
from horolog.adapters.groups.hierarchies import Hierarchy, resources_of
from horolog.adapters.maker import is_gone, maker_in, maker_name

_SELF = "self"
_CPU_PERIOD_US = 100_000
_REMOVE_S_MAX = 2.0
_REMOVE_STEP_S = 0.01


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all processes of one program together may have. `cpus` are cores, None for as many as there are.

    Memory is what they hold in common and apart, files in memory included; swap there is none.
    """

    memory_mb: int
    process_count: int
    cpus: float | None = None


class Groups:
    """Gives out groups with these bounds, below this process's own in each of the hierarchies."""

    def __init__(self, hierarchies: Sequence[Hierarchy], bounds: Bounds) -> None:
        self._maker = maker_name()
        self._bounds = bounds
        self._hierarchies = [_as_before(hierarchy, self._maker) for hierarchy in hierarchies]
        self._moved: list[tuple[str, list[int]]] = []
        self._is_ready = False

    @property
    def resources(self) -> tuple[str, ...]:
        """What is bounded: of memory, processes and cpu."""
        return resources_of(self._hierarchies)

    @property
    def homes(self) -> list[str]:
        """Where it makes them: one directory in each hierarchy."""
        return [self._home(hierarchy) for hierarchy in self._hierarchies]

    def with_bounds(self, bounds: Bounds) -> "Groups":
        """Others in the same places."""
        return Groups(self._hierarchies, bounds)

    def open(self) -> tuple[str, ...]:
        """The directories of a group that nobody else has.

        Raises:
            OSError: groups cannot be made here, or not with these bounds.
        """
        if not self._is_ready:
            self._prepare()
        made: list[str] = []
        name = None
        try:
            for hierarchy in self._hierarchies:
                home = self._home(hierarchy)
                if name is None:
                    made.append(tempfile.mkdtemp(prefix="", dir=home))
                    name = os.path.basename(made[0])
                else:
                    made.append(os.path.join(home, name))
                    os.mkdir(made[-1])
                for file, text in _files(hierarchy, self._bounds, made[-1]):
                    group.write(made[-1], file, text)
        except OSError:
            group.remove(made)
            raise
        return tuple(made)

    def close(self, directories: Sequence[str]) -> None:
        """Nothing of the program is left, or nothing of it is to be."""
        if not group.remove(directories):
            # Aside: what was killed may take a moment to be gone.
            asyncio.get_running_loop().run_in_executor(None, _end, directories)

    def clear(self) -> None:
        """Undo what was made; there are no programs any more. The next group that is wanted makes it anew."""
        for home in self.homes:
            _end([os.path.join(home, name) for name in _inside(home)])
        self._undo()

    def remove_leftovers(self) -> int:
        """Kill and remove what executors that are no more have left in these places; returns how many did."""
        count = 0
        for hierarchy in self._hierarchies:
            for name in _inside(hierarchy.base):
                if maker_in(name) != name or not is_gone(name):
                    continue
                home = os.path.join(hierarchy.base, name)
                # What the executor itself started besides is not ours to kill.
                _end([os.path.join(home, program) for program in _inside(home)])
                count += group.remove([home])
        return count

    def _home(self, hierarchy: Hierarchy) -> str:
        return os.path.join(hierarchy.base, self._maker)

    def _prepare(self) -> None:
        try:
            for hierarchy in self._hierarchies:
                home = self._home(hierarchy)
                _make(home)
                if hierarchy.version == 2 and hierarchy.controllers:
                    self._turn_on(hierarchy, home)
        except OSError:
            self._undo()
            raise
        self._is_ready = True

    def _turn_on(self, hierarchy: Hierarchy, home: str) -> None:
        change = " ".join(f"+{name}" for name in hierarchy.controllers)
        try:
            group.write(hierarchy.base, "cgroup.subtree_control", change)
        except OSError:
            # With processes in it, a group cannot have controllers for others; the top one alone can.
            self._move_aside(hierarchy, home)
            group.write(hierarchy.base, "cgroup.subtree_control", change)
        group.write(home, "cgroup.subtree_control", change)

    def _move_aside(self, hierarchy: Hierarchy, home: str) -> None:
        own = _own_of(group.members([hierarchy.base]))
        aside = os.path.join(home, _SELF)
        _make(aside)
        self._moved.append((hierarchy.base, own))
        _move(own, aside)

    def _undo(self) -> None:
        self._is_ready = False
        for base, own in self._moved:
            home = os.path.join(base, self._maker)
            hierarchy = next(one for one in self._hierarchies if one.base == base)
            change = " ".join(f"-{name}" for name in hierarchy.controllers)
            for place in (home, base):
                with contextlib.suppress(OSError):
                    group.write(place, "cgroup.subtree_control", change)
            with contextlib.suppress(OSError):
                _move({*own, *group.members([os.path.join(home, _SELF)])}, base)
        self._moved.clear()
        group.remove(self.homes)


def _as_before(hierarchy: Hierarchy, maker: str) -> Hierarchy:
    """The hierarchy as it is seen by an executor that has not moved aside."""
    base = hierarchy.base.removesuffix(f"/{maker}/{_SELF}")
    return Hierarchy(hierarchy.version, base, hierarchy.controllers)


def _files(hierarchy: Hierarchy, bounds: Bounds, directory: str) -> Iterator[tuple[str, str]]:
    """The files of a group that hold its bounds, in the order in which they have to be written."""
    files = _files_of_two(bounds) if hierarchy.version == 2 else _files_of_one(bounds)
    for controller, file, text in files:
        # Swap is bounded where it is counted at all, and older kernels do not know of every file.
        is_needed = file in ("memory.max", "memory.limit_in_bytes", "pids.max") or controller == "cpu"
        if controller in hierarchy.controllers and (is_needed or os.path.exists(os.path.join(directory, file))):
            yield file, text


def _files_of_two(bounds: Bounds) -> Iterator[tuple[str, str, str]]:
    yield "memory", "memory.max", str(bounds.memory_mb << 20)
    yield "memory", "memory.swap.max", "0"
    yield "memory", "memory.oom.group", "1"
    yield "pids", "pids.max", str(bounds.process_count)
    if bounds.cpus is not None:
        yield "cpu", "cpu.max", f"{round(bounds.cpus * _CPU_PERIOD_US)} {_CPU_PERIOD_US}"


def _files_of_one(bounds: Bounds) -> Iterator[tuple[str, str, str]]:
    yield "memory", "memory.limit_in_bytes", str(bounds.memory_mb << 20)
    yield "memory", "memory.memsw.limit_in_bytes", str(bounds.memory_mb << 20)
    yield "pids", "pids.max", str(bounds.process_count)
    if bounds.cpus is not None:
        yield "cpu", "cpu.cfs_period_us", str(_CPU_PERIOD_US)
        yield "cpu", "cpu.cfs_quota_us", str(round(bounds.cpus * _CPU_PERIOD_US))


def _make(directory: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory)


def _inside(directory: str) -> list[str]:
    """The groups in a group, but for what is an executor's own."""
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir() and entry.name != _SELF]
    except OSError:
        return []


def _end(directories: Sequence[str]) -> None:
    """Kill and remove; what is in an uninterruptible wait may stay, for the next executor to remove."""
    until = time.monotonic() + _REMOVE_S_MAX
    while not group.remove(directories) and time.monotonic() < until:
        group.kill(directories)
        time.sleep(_REMOVE_STEP_S)


def _own_of(pids: Iterable[int]) -> list[int]:
    """This process, and of `pids` those that it has started."""
    own = {os.getpid()}
    # Children have larger numbers than their parents, until numbers begin anew: then they are found in the next look.
    for _ in range(2):
        own.update(pid for pid in pids if _parent_of(pid) in own)
    return sorted(own)


def _parent_of(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def _move(pids: Iterable[int], directory: str) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            group.write(directory, "cgroup.procs", str(pid))
