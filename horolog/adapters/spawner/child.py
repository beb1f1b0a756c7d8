"""From the fork to the exec: everything that a new process is given before the program takes over.

Guarantee: the program runs in a session of its own, dies with the spawner, holds no descriptor but those meant
for it, and cannot gain privileges; where it has an account of its own it has no other's, where it has a box it has
namespaces of its own, and where it has a control group it is in it before anything else is done; or it does not run,
and the step that failed is told with its errno.
"""

import errno
import fcntl
import os
import resource
import signal
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from horolog.adapters.groups import group
from horolog.adapters.spawner import kernel, namespaces, syscalls

_SAFE_FD_MIN = 10
_HANDLED = (signal.SIGTERM, signal.SIGCHLD)
"""By the spawner, or by Python itself; what is ignored would stay so across exec."""
_RESET = tuple(number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP))
"""What a process ignores, its children ignore: Python does some, and a service that nohup(1) started does others."""
NOT_STARTED_STATUS = 127

Step = list[str]
"""The step that is being taken, in its only element."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new process comes from: who forked it, with which user and group id; and where it tells of itself."""

    parent: int
    ids: tuple[int, int]
    told_fd: int


def become_reaper() -> None:
    """Adopt orphaned descendants, give up gaining privileges, and be told when the parent dies."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
    os.umask(0o077)


def fork_child(request: Mapping[str, Any], files: Sequence[int]) -> tuple[int, int]:
    """Start the program of `request`; `files` become its descriptors 1, 2, 3 …, its input is empty.

    Returns the process id of its tree's first process, and a descriptor that gives the line "<step> <errno>" should
    it not have become the program; of a program in a box, "ended <status> <peak KiB> <CPU ms>" once it has ended.

    Raises:
        OSError: there is no further process, or it cannot have namespaces.
    """
    status_read, status_write = os.pipe()
    parent, ids = os.getpid(), (os.getuid(), os.getgid())
    # Held back until the child has the default actions: ours would swallow what is meant to end it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork() if request["box"] is None else kernel.clone_process(namespaces.clone_flags(request))
    except OSError:
        os.close(status_read)
        raise
    else:
        if pid == 0:
            begin = _begin if request["box"] is None else _begin_in_box
            _run(status_write, lambda step: begin(request, files, Origin(parent, ids, status_write), step))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(status_write)
    return pid, status_read


def _run(told_fd: int, become: Callable[[Step], None]) -> NoReturn:
    """Become something else, or tell why not; whatever happens, this process does not go on as the spawner."""
    step = ["signals"]
    try:
        told_fd = fcntl.fcntl(told_fd, fcntl.F_DUPFD_CLOEXEC, _SAFE_FD_MIN)
        _forget_handlers()
        become(step)
    except OSError as error:
        os.write(told_fd, f"{step[0]} {error.errno or 0}\n".encode())
    except ValueError:
        os.write(told_fd, f"{step[0]} {errno.EINVAL}\n".encode())
    finally:
        os._exit(NOT_STARTED_STATUS)


def _forget_handlers() -> None:
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)


def _begin(request: Mapping[str, Any], files: Sequence[int], origin: Origin, step: Step) -> None:
    step[0] = "session"
    os.setsid()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != origin.parent:
        sys.exit()
    step[0] = "group"
    group.enter(request["groups"])
    step[0] = "files"
    _set_files(files)
    if request["account"] is not None:
        _hand_over_pipes(request["account"])
    _become(request, origin.parent, step)


def _begin_in_box(request: Mapping[str, Any], files: Sequence[int], origin: Origin, step: Step) -> None:
    step[0] = "session"
    os.setsid()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if not namespaces.is_child_of(origin.parent):
        sys.exit()
    step[0] = "group"
    group.enter(request["groups"])
    step[0] = "files"
    told_fd = fcntl.fcntl(origin.told_fd, fcntl.F_DUPFD_CLOEXEC, _SAFE_FD_MIN + len(files))
    _set_files(files)
    if request["account"] is not None:
        _hand_over_pipes(request["account"])

    def start() -> int:
        leader = os.getpid()
        pid = os.fork()
        if pid == 0:
            _run(told_fd, lambda step: _become(request, leader, step))
        return pid

    namespaces.lead(request, origin.ids, told_fd, step, start)


def _become(request: Mapping[str, Any], parent: int, step: Step) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    step[0] = "limits"
    for name, value in request["limits"].items():
        _set_limit(getattr(resource, f"RLIMIT_{name}"), value)
    step[0] = "account"
    if (account := request["account"]) is not None:
        os.setgroups(())
        os.setresgid(account, account, account)
        os.setresuid(account, account, account)
        # The kernel has forgotten it with the account (prctl(2)).
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit()
    if request["box"] is not None:
        step[0] = "calls"
        syscalls.narrow()
    step[0] = "directory"
    if request["directory"] is not None:
        os.chdir(request["directory"])
    step[0] = "program"
    argv = [text.encode() for text in request["argv"]]
    environment = {name.encode(): value.encode() for name, value in request["environment"].items()}
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - without a shell is how it is meant


def _set_files(files: Sequence[int]) -> None:
    # Moved out of the way first: a descriptor may already have the number that another one is to get.
    empty = os.open(os.devnull, os.O_RDONLY)
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _SAFE_FD_MIN) for fd in (empty, *files)]
    for number, fd in enumerate(moved):
        os.dup2(fd, number)


def _hand_over_pipes(account: int) -> None:
    # `echo > /dev/stderr` opens the pipe anew, which only its owner may.
    for fd in (1, 2):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.fchown(fd, account, account)


def _set_limit(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (bound, bound))
