"""Names for processes that stay right when pids are reused, read from proc(5).

A pid alone names a process only while it lives. A pid with its start time (clock ticks since boot, field 22 of
/proc/PID/stat) and the boot id names it for good, so a signal never reaches an innocent successor.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for good: its pid, its start in clock ticks since boot, and the boot it belongs to."""

    pid: int
    started_ticks: int
    boot_id: str


def boot_id() -> str:
    """Return the kernel's random id of this boot (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identify(pid: int) -> Identity | None:
    """Return the identity of the live process `pid`, or None when there is none or it is a zombie."""
    try:
        # The command name may hold spaces and parentheses: count fields after its last one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, started_ticks = fields[0], int(fields[19])
    return None if state in "ZX" else Identity(pid, started_ticks, boot_id())


def is_alive(identity: Identity) -> bool:
    """Tell whether exactly this process still runs."""
    return identify(identity.pid) == identity


def await_end(identity: Identity, timeout_s: float) -> bool:
    """Wait until the process is gone; False when it still runs after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while is_alive(identity):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def send(identity: Identity, number: signal.Signals) -> bool:
    """Signal exactly this process through a pidfd; False when it is already gone (pidfd_send_signal(2))."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        # The descriptor pins whoever has the pid now; the comparison after it says whether that is ours.
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def working_in(directory: Path, executable: str) -> list[Identity]:
    """List live processes of program name `executable` whose working directory is `directory`."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _works_in(entry, str(directory), executable):
            identity = identify(int(entry))
            if identity is not None:
                found.append(identity)
    return found


def _works_in(entry: str, directory: str, executable: str) -> bool:
    try:
        if os.readlink(f"/proc/{entry}/cwd") != directory:
            return False
        # A binary replaced by an upgrade reads "/path/postgres (deleted)".
        program = os.readlink(f"/proc/{entry}/exe").removesuffix(" (deleted)")
    except OSError:
        return False
    return os.path.basename(program) == executable
