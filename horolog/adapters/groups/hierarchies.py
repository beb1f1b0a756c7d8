"""Where control groups may be made: below this process's own, in each hierarchy that has a controller of use.

A controller is in one hierarchy only: that of version 2, or one of version 1. Machines with both are called hybrid.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RESOURCES = {"memory": "memory", "pids": "processes", "cpu": "cpu"}
"""What each controller bounds, by the controller's name."""
_ROOT, _MOUNT_POINT = 3, 4
"""Of the fields of a line of /proc/self/mountinfo (proc(5)); after the dash come the type, the source, the options."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One tree of groups. `base` is this process's own group in it; `controllers` are those that are of use."""

    version: int
    base: str
    controllers: tuple[str, ...]


def found_here() -> list[Hierarchy]:
    """The hierarchies of this machine that bound anything."""
    try:
        with open("/proc/self/cgroup") as memberships, open("/proc/self/mountinfo") as mounts:
            return [one for one in hierarchies_in(memberships.read(), mounts.read()) if one.controllers]
    except OSError:
        return []


def hierarchies_in(memberships: str, mounts: str) -> Iterator[Hierarchy]:
    """The hierarchies that /proc/self/cgroup and /proc/self/mountinfo tell of, those of no use included."""
    for line in memberships.splitlines():
        _, names, path = line.split(":", 2)
        wanted = [name for name in names.split(",") if name in RESOURCES]
        for version, root, point, has in _mounted(mounts):
            if (version == 2 and not names) or (version == 1 and wanted and set(wanted) <= has):
                base = _below(root, point, path)
                yield Hierarchy(version, base, tuple(wanted) if names else _offered(base))
                break


def _mounted(mounts: str) -> Iterator[tuple[int, str, str, set[str]]]:
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            fields = before.split(" ")
            yield 2 if kind == "cgroup2" else 1, fields[_ROOT], fields[_MOUNT_POINT], set(options.split(","))


def _below(root: str, point: str, path: str) -> str:
    """Where the group at `path` is seen, with the group `root` mounted at `point`."""
    shown = path.removeprefix(root) if root != "/" and f"{path}/".startswith(f"{root}/") else path
    return os.path.normpath(f"{point}/{shown}")


def _offered(base: str) -> tuple[str, ...]:
    try:
        with open(f"{base}/cgroup.controllers") as file:
            return tuple(name for name in file.read().split() if name in RESOURCES)
    except OSError:
        return ()


def resources_of(hierarchies: Iterable[Hierarchy]) -> tuple[str, ...]:
    """What groups in all of these bound."""
    have = {name for hierarchy in hierarchies for name in hierarchy.controllers}
    return tuple(resource for name, resource in RESOURCES.items() if name in have)
