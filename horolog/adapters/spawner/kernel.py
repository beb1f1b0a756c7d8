"""The calls of Linux that Python has no names for, each with the errno of a refusal.

Numbers of system calls are those of the two architectures that are served; on another, `clone_process` is refused
with ENOSYS, and a worker finds out by its trial that it has no namespaces.
"""

import ctypes
import errno
import os

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000  # linux/sched.h
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18  # linux/mount.h
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38  # linux/prctl.h

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2  # linux/seccomp.h
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_SIGCHLD = 17
_MOUNT_SETATTR = 442
_CLONE_AND_PIVOT_ROOT = {"x86_64": (56, 155), "aarch64": (220, 41)}
_CLONE, _PIVOT_ROOT = _CLONE_AND_PIVOT_ROOT.get(os.uname().machine, (-1, -1))

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd"))


def prctl(option: int, value: int) -> None:
    """prctl(2) with one value.

    Raises:
        OSError: the kernel refused; so do all that follow.
    """
    _check(_libc.prctl(option, value, 0, 0, 0), f"prctl {option}")


def filter_calls(program: int) -> None:
    """Have every further system call judged by the filter (struct sock_fprog) at this address."""
    _check(_libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.c_void_p(program), 0, 0), "filter")


def clone_process(flags: int) -> int:
    """A fork into the new namespaces that `flags` name; returns as fork(2) does. For a process of one thread only.

    The first process of a new process id namespace has number 1 in it, and all others there die with it.
    """
    return _check(_libc.syscall(_CLONE, ctypes.c_ulong(flags | _SIGCHLD), None, None, None, None), "clone")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    words = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    _check(_libc.mount(*words, ctypes.c_ulong(flags), options.encode()), f"mount {target}")


def bind(source: str, target: str) -> None:
    """Let what is mounted at and below `source` be seen at `target`, too."""
    mount(source, target, None, MS_BIND | MS_REC)


def restrict(target: str, attributes: int, *, recursively: bool) -> None:
    """Take possibilities away from a mount, or from all mounts at and below it (mount_setattr(2), Linux 5.12)."""
    change = _MountAttributes(attributes, 0, 0, 0)
    how = ctypes.c_uint(_AT_RECURSIVE if recursively else 0)
    place = (ctypes.c_int(_AT_FDCWD), os.fsencode(target))
    size = ctypes.c_size_t(ctypes.sizeof(change))
    _check(_libc.syscall(_MOUNT_SETATTR, *place, how, ctypes.byref(change), size), f"mount_setattr {target}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    _check(_libc.syscall(_PIVOT_ROOT, os.fsencode(new), os.fsencode(old)), "pivot_root")


def unmount(target: str) -> None:
    """Take a mount, and those below it, out of sight."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def _check(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno() or errno.EINVAL, what)
    return result
