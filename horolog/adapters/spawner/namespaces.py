"""A program in namespaces of its own, with a small first process that stays beside it.

The first process is a fork of the spawner. It makes the file system, starts the program, reaps what is orphaned,
tells how the program ended, and ends once all others have.

Guarantee: when the first process is gone, nothing that the program started is left: the kernel sees to that
(pid_namespaces(7)). The first process holds nothing of the executor's, and is closed to the program: it has
privileges, be it in its user namespace alone, so that a program without any may not look into it (ptrace(2)).

SIGTERM to its group reaches the program; the first process itself, which must be in the group for that, ends by it only
as long as there is no program. SIGKILL ends everything.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from horolog.adapters.spawner import kernel
from horolog.adapters.spawner.box import enter_box

LINGER_S = 0.25
"""How long the rest of a tree may go on after its program exited by itself."""
NOBODY = 65_534

_ALWAYS = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS


def clone_flags(request: Mapping[str, Any]) -> int:
    """Which namespaces the program of `request` is to have.

    With an account of its own it needs no user namespace: in one, it could only gain what it does not have now.
    """
    flags = _ALWAYS if request["network"] else _ALWAYS | kernel.CLONE_NEWNET
    return flags if request["account"] is not None else flags | kernel.CLONE_NEWUSER


def is_child_of(parent: int) -> bool:
    """Whether the parent is still the one that forked, read from the /proc of the machine: here it has no number."""
    with open("/proc/self/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1]) == parent


def lead(
    request: Mapping[str, Any], ids: tuple[int, int], told_fd: int, step: list[str], start: Callable[[], int]
) -> None:
    """Be the first process: prepare, `start` the program, and stay until all others have ended. Never returns.

    `ids` are the executor's user and group. `start` forks what becomes the program, and returns its process id.

    Raises:
        OSError: the step that `step` names failed, and no program runs.
    """
    stops: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stops.append(number))
    step[0] = "account"
    if request["account"] is None:
        _keep_account(*ids)
    step[0] = "box"
    enter_box(request["box"])
    # It has been blocked since before the fork: what was sent until now is pending, and is for the program to come.
    if signal.SIGTERM in signal.sigpending():
        _tell(told_fd, signal.SIGTERM, 0, 0.0)
        sys.exit()
    step[0] = "fork"
    pid = start()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if stops:
        # Sent a moment before the program was there to get it.
        os.kill(pid, signal.SIGTERM)
    os.closerange(0, told_fd)
    os.closerange(told_fd + 1, os.sysconf("SC_OPEN_MAX"))
    _reap_until(pid, told_fd)
    _linger(stops)


def _keep_account(user_id: int, group_id: int) -> None:
    """The program has the executor's account, without its privileges; in its own namespace it is never root."""
    with open("/proc/self/setgroups", "w") as file:
        file.write("deny")
    for name, id_ in (("gid_map", group_id), ("uid_map", user_id)):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(f"{id_ or NOBODY} {id_} 1")


def _reap_until(pid: int, told_fd: int) -> None:
    while True:
        ended, status, usage = os.wait4(-1, 0)
        if ended == pid:
            _tell(told_fd, status, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
            return


def _tell(told_fd: int, status: int, peak_kib: int, cpu_s: float) -> None:
    os.write(told_fd, f"ended {status} {peak_kib} {round(cpu_s * 1000)}\n".encode())


def _linger(stops: Sequence[int]) -> None:
    """Reap until nobody is left. What was told to stop may take the grace that it was given, nobody else long."""
    if not stops:
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, LINGER_S)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(0)
