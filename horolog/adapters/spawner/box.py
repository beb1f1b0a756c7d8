"""The file system that an attempt sees: a small tree of its own, with some of the machine's directories in it.

Guarantee: nothing of the machine's files is there but what the request names, and of that nothing can be written to
but what it names as writable; `/tmp`, `/job`, `/var/tmp` and `/dev/shm` are the attempt's own, empty at its begin,
no larger together than `size_mb`, and gone when it ends; `/proc` shows the processes of the attempt alone.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from horolog.adapters.spawner import kernel

JOB = "/job"
"""Where a program runs that names no directory."""

_OLD = "/.old"
_OWN = ("/tmp", "/var/tmp", "/dev/shm", JOB)  # noqa: S108 - of a tree in which nobody else is
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "/dev/null"}
_FILES_PER_MB = 64
_READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
_WRITABLE = kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV


def enter_box(box: Mapping[str, Any]) -> None:
    """Make the tree, and make it the root of this process, which has mount and process id namespaces of its own.

    `box` has `places`, `links` and `size_mb`, as in `Box`.

    Raises:
        OSError: the kernel refused a step.
    """
    before = os.umask(0o022)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    size = f"mode=0755,size={box['size_mb']}m,nr_inodes={_FILES_PER_MB * box['size_mb']}"
    # Any directory would do: this mount becomes the root, and what it covers is seen again below the old one.
    kernel.mount("tmpfs", "/proc", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, size)
    os.chdir("/proc")
    os.mkdir(_OLD[1:])
    kernel.pivot_root(".", _OLD[1:])
    os.chdir("/")
    _make_own()
    _make_devices()
    _make_places(box["places"])
    _make_links(box["links"])
    os.mkdir("/proc")
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    kernel.unmount(_OLD)
    os.rmdir(_OLD)
    kernel.restrict("/", _READ_ONLY, recursively=False)
    os.umask(before)


def _make_own() -> None:
    for path in _OWN:
        os.makedirs(path)
        os.chmod(path, 0o1777)  # noqa: S103 - as on any machine; nobody else is here
        # A mount of its own stays writable when the root no longer is.
        kernel.bind(path, path)


def _make_devices() -> None:
    for name in _DEVICES:
        path = f"/dev/{name}"
        _touch(path)
        kernel.bind(_OLD + path, path)
    for name, target in _LINKS.items():
        os.symlink(target, f"/dev/{name}")


def _make_places(places: Iterable[Sequence[str]]) -> None:
    hidden = []
    for path, kind in places:
        if kind == "hidden":
            os.makedirs(path, exist_ok=True)
            kernel.mount("tmpfs", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755,size=64k")
            hidden.append(path)
        else:
            _show(path, _WRITABLE if kind == "writable" else _READ_ONLY)
    for path in hidden:
        kernel.restrict(path, _READ_ONLY, recursively=False)


def _show(path: str, attributes: int) -> None:
    if os.path.isdir(_OLD + path):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _touch(path)
    kernel.bind(_OLD + path, path)
    kernel.restrict(path, attributes, recursively=True)


def _make_links(links: Iterable[Sequence[str]]) -> None:
    for path, target in links:
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)


def _touch(path: str) -> None:
    if not os.path.lexists(path):
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
