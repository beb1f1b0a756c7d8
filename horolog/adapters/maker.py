"""Who made what outlives a process: a name that tells later whether its maker is still there.

Guarantee: what has the name of a maker that lives, or that was not on this machine and in this process id namespace, is
never taken for a leftover. A process id alone would not do: it is given out again.
"""

import hashlib
import os
import re
import socket

_NAME = re.compile(r"horolog-[0-9a-f]{8}-\d+-\d+-\d+")
_STATE, _START = 0, 19
"""Of the fields of /proc/<pid>/stat that come after the name (proc(5))."""


def maker_name() -> str:
    """The name of this process; no other one has it, before or after."""
    pid = os.getpid()
    return f"{_place()}-{pid}-{_start_of(pid)}"


def maker_in(name: str) -> str | None:
    """The maker that the name of something begins with, or None when no maker of ours gave it."""
    found = _NAME.match(name)
    return found[0] if found else None


def is_gone(maker: str) -> bool:
    """Whether this maker was here, and is no more."""
    place, pid, start = maker.rsplit("-", 2)
    return place == _place() and _start_of(int(pid)) != start


def _place() -> str:
    """This machine, and the namespace in which its process ids mean something."""
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    return f"horolog-{host}-{os.stat('/proc/self/ns/pid').st_ino}"


def _start_of(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in (b"Z", b"X") else fields[_START].decode()
