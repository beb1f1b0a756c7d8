"""`python -m tests`: every test, in two sessions side by side, since half of the time is spent waiting for servers.

Guarantee: together they run each test once; what either says is shown in full, and one that fails fails the whole.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import BinaryIO

WITH_SERVERS = ("tests/campaign", "tests/faults", "tests/contract", "tests/integration/servers", "tests/e2e")
"""What mostly waits: for brokers, processes and their deaths."""
PART_BYTES = 64 * 1024


def sessions() -> list[list[str]]:
    """What each session is asked to run."""
    return [list(WITH_SERVERS), ["tests", *(f"--ignore={folder}" for folder in WITH_SERVERS)]]


def main() -> int:
    """Run all; the exit code of the first session that fails, or 0."""
    with tempfile.TemporaryFile() as kept:
        waiting, working = (_started(arguments) for arguments in sessions())
        copying = threading.Thread(target=_copy, args=(waiting, kept))
        copying.start()
        _copy(working, sys.stdout.buffer)
        copying.join()
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
        sys.stdout.flush()
        return next((code for code in (working.wait(), waiting.wait()) if code), 0)


def _started(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _copy(session: "subprocess.Popen[bytes]", target: BinaryIO) -> None:
    assert session.stdout is not None
    while part := os.read(session.stdout.fileno(), PART_BYTES):
        target.write(part)
        target.flush()


if __name__ == "__main__":
    sys.exit(main())
