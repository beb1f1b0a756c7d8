"""`python -m tests.campaign.mourner FOLDER`: ends what a campaign leaves behind when it is killed itself.

The kernel kills the services with the campaign, but it only asks the servers to end, and one that a fault has frozen
hears nothing. The mourner waits for the end of its input, which closes however the campaign ends. Then it kills every
process that works in the folder or names it, and removes the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from horolog.adapters.servers.process import Identity, await_end, identify, send
from tests.campaign.services import REPOSITORY

ENDED_S_MAX = 10.0
PRIVATE_PREFIX = "horolog-campaign-"


@contextmanager
def mourned(folder: Path) -> Iterator[None]:
    """Have somebody see to it that nothing in this folder outlives this process."""
    argv = [sys.executable, "-m", "tests.campaign.mourner", str(folder)]
    # In a session of its own: what is sent to the campaign's process group must not reach it.
    mourner = subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        mourner.communicate()


def bury(folder: Path) -> None:
    """Kill everybody of this folder until nobody is left, and remove it with what is mounted there."""
    deadline = time.monotonic() + ENDED_S_MAX
    while (left := _belonging_to(str(folder))) and time.monotonic() < deadline:
        for identity in left:
            send(identity, signal.SIGKILL)
        for identity in left:
            await_end(identity, deadline - time.monotonic())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[1].startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _belonging_to(folder: str) -> list[Identity]:
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()]
    # Identified before it is looked at: if the pid has passed on in between, nobody is killed.
    candidates = [(identify(pid), pid) for pid in pids]
    return [identity for identity, pid in candidates if identity is not None and _names(pid, folder)]


def _names(pid: int, folder: str) -> bool:
    try:
        cwd = os.readlink(f"/proc/{pid}/cwd")
        told = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return cwd == folder or cwd.startswith(f"{folder}/") or f"{folder}/".encode() in told


if __name__ == "__main__":
    sys.stdin.buffer.read()
    if not Path(sys.argv[1]).name.startswith(PRIVATE_PREFIX):
        sys.exit(f"{sys.argv[1]} is no campaign's folder")
    bury(Path(sys.argv[1]))
