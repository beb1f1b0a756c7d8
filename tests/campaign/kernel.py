"""What the campaign asks the kernel for, directly: namespaces, file systems of a given size, the state of a process.

It needs root. `NotPossibleHere` says what is missing; a fault that meets it counts as not injected.
"""

import ctypes
import errno
import io
import os
import shutil
import subprocess
from pathlib import Path

_CLONE_NEWNS = 0x0002_0000
CLONE_NEWNET = 0x4000_0000
FILL_BYTES = 1 << 20
_libc = ctypes.CDLL(None, use_errno=True)


class NotPossibleHere(Exception):
    """The machine cannot inject this fault."""


def enter_own_mounts() -> bool:
    """Give this process and its children mounts of their own, which end with them; False where that is not allowed."""
    if os.geteuid() != 0 or _libc.unshare(_CLONE_NEWNS) != 0:
        return False
    private = ["mount", "--make-rprivate", "/"]
    return subprocess.run(private, check=False, capture_output=True).returncode == 0


def enter_network_of(pid: int) -> None:
    """Sockets that the calling thread makes from now on belong to the network of that process (setns(2)).

    Raises:
        OSError: the kernel refuses.
    """
    with Path(f"/proc/{pid}/ns/net").open("rb") as namespace:
        if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def mount_memory(path: Path, size_mb: int) -> None:
    """Put a file system of this size at the path.

    Raises:
        subprocess.CalledProcessError: the kernel refuses.
    """
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(path)], check=True)


def fill(folder: Path) -> int:
    """Leave no room in a file system of our own; returns how many bytes that took.

    Raises:
        NotPossibleHere: the folder has no file system of its own, so that others would suffer.
    """
    if not os.path.ismount(folder):
        raise NotPossibleHere("file systems of our own need root and mount(2)")
    written, size = 0, FILL_BYTES
    with _ballast(folder).open("wb", buffering=0) as file:
        while size:
            taken = _taken(file, size)
            written, size = written + taken, size if taken else size // 2
    return written


def relieve(folder: Path) -> None:
    """Give back what `fill` took."""
    _ballast(folder).unlink(missing_ok=True)


def state_of(pid: int) -> str:
    """The state letter of a process (proc(5)); `T` is stopped. Empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def need(*programs: str) -> None:
    """Raises NotPossibleHere without root or one of these programs."""
    if os.geteuid() != 0:
        raise NotPossibleHere("needs root")
    for program in programs:
        if shutil.which(program) is None:
            raise NotPossibleHere(f"needs {program}")


def _taken(file: io.FileIO, size: int) -> int:
    """How much of this size there was room for."""
    try:
        return file.write(b"\0" * size)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return 0


def _ballast(folder: Path) -> Path:
    return folder / "ballast"
