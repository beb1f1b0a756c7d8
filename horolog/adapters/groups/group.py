"""One control group, named by its directories: one in version 2, one for each controller in version 1.

Guarantee: what is asked of a group that is gone is answered as of an empty one.
"""

import contextlib
import os
import signal
from collections.abc import Iterable, Sequence

_PROCESSES = "cgroup.procs"
_NEARLY_BYTES = 1 << 20
"""What was refused does not count as used."""


def enter(directories: Iterable[str]) -> None:
    """Move this process there, and with it whatever it will start.

    Raises:
        OSError: a group cannot be entered.
    """
    for directory in directories:
        # Not its number: in a process id namespace of its own it has another one.
        write(directory, _PROCESSES, "0")


def members(directories: Iterable[str]) -> list[int]:
    """The processes that are in any of the directories."""
    found: set[int] = set()
    for directory in directories:
        # What is in another process id namespace is listed as 0.
        found.update(int(line) for line in _read(directory, _PROCESSES).split() if line != "0")
    return sorted(found)


def kill(directories: Sequence[str]) -> None:
    """SIGKILL to everything that is there now: by the kernel at once in version 2, one by one in version 1."""
    for directory in directories:
        try:
            write(directory, "cgroup.kill", "1")
        except OSError:
            _kill_each(members([directory]))


def ran_out_of_memory(directories: Iterable[str]) -> bool:
    """Whether something there was killed for want of memory, and the group had reached its own bound."""
    for directory in directories:
        told = _told(directory, "memory.events")
        if told.get("oom", 0) and told.get("oom_kill", 0):
            return True
        if _told(directory, "memory.oom_control").get("oom_kill", 0):
            # Not `memory.failcnt`: newer kernels leave it at 0.
            most, bound = (int(_read(directory, f"memory.{name}_in_bytes") or "0") for name in ("max_usage", "limit"))
            return most > bound - _NEARLY_BYTES
    return False


def remove(directories: Iterable[str]) -> bool:
    """Remove the directories, and those within; whether nothing of them is left."""
    is_gone = True
    for directory in directories:
        for place, _, _ in os.walk(directory, topdown=False):
            try:
                os.rmdir(place)
            except FileNotFoundError:
                continue
            except OSError:
                is_gone = False
    return is_gone


def write(directory: str, name: str, text: str) -> None:
    """Write to one of a group's files; none is made where there is none.

    Raises:
        OSError: it is not there, or the kernel refuses.
    """
    fd = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _kill_each(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _told(directory: str, name: str) -> dict[str, int]:
    lines = (line.split() for line in _read(directory, name).splitlines())
    return {line[0]: int(line[1]) for line in lines}


def _read(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name)) as file:
            return file.read()
    except OSError:
        return ""
