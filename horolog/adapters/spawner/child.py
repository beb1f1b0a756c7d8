"""From the fork to the exec: everything that a new process is given before the program takes over.

Guarantee: the program runs in a session of its own, dies with the spawner, holds no descriptor but those meant
for it, and cannot gain privileges; or it does not run, and the step that failed is told with its errno.
"""

import ctypes
import errno
import fcntl
import os
import resource
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38  # linux/prctl.h
_SAFE_FD_MIN = 10
_HANDLED = (signal.SIGTERM, signal.SIGCHLD)
_RESET = tuple(number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP))
"""What a process ignores, its children ignore: Python does some, and a service that nohup(1) started does others."""
"""By the spawner, or by Python itself; what is ignored would stay so across exec."""
NOT_STARTED_STATUS = 127

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def prctl(option: int, value: int) -> None:
    """prctl(2) with one value.

    Raises:
        OSError: the kernel refused.
    """
    if _prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def become_reaper() -> None:
    """Adopt orphaned descendants, give up gaining privileges, and be told when the parent dies."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.umask(0o077)


def fork_child(request: Mapping[str, Any], files: Sequence[int]) -> tuple[int, int]:
    """Start the program of `request`; `files` become its descriptors 1, 2, 3 …, its input is empty.

    Returns its process id and a descriptor that gives "<step> <errno>" should it not have become the program.
    """
    status_read, status_write = os.pipe()
    parent = os.getpid()
    # Held back until the child has the default actions: ours would swallow what is meant to end it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork()
        if pid:
            os.close(status_write)
            return pid, status_read
        _forget_handlers()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    step = ["session"]
    try:
        _become(request, files, parent, step)
    except OSError as error:
        os.write(status_write, f"{step[0]} {error.errno or 0}".encode())
    except ValueError:
        os.write(status_write, f"{step[0]} {errno.EINVAL}".encode())
    finally:
        os._exit(NOT_STARTED_STATUS)


def _forget_handlers() -> None:
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)


def _become(request: Mapping[str, Any], files: Sequence[int], parent: int, step: list[str]) -> None:
    os.setsid()
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()
    step[0] = "files"
    _set_files(files)
    step[0] = "limits"
    for name, value in request["limits"].items():
        _set_limit(getattr(resource, f"RLIMIT_{name}"), value)
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


def _set_limit(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (bound, bound))
