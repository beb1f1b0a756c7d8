"""`python -m tests`: every test but those on demand, in sessions side by side: half of the time is spent waiting.

Guarantee: together they run each test once; what either says is shown in full, and one that fails fails the whole.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import BinaryIO

WITH_SERVERS = (
    "tests/campaign",
    "tests/faults",
    "tests/contract",
    "tests/documents",
    "tests/integration/servers",
    "tests/integration/upgrade",
)
"""What mostly waits: for brokers, processes and their deaths."""
WITH_DATABASES = (
    "tests/e2e",
    "tests/integration/api",
    "tests/integration/cli",
    "tests/integration/executor",
    "tests/integration/projections",
)
"""What waits now and then."""
ON_DEMAND = ("tests/compose",)
"""What takes more than Python and Java: `make compose` runs it."""
PART_BYTES = 64 * 1024


def sessions() -> list[list[str]]:
    """What each session is asked to run."""
    left_out = [f"--ignore={folder}" for folder in (*WITH_SERVERS, *WITH_DATABASES, *ON_DEMAND)]
    return [["tests", *left_out], list(WITH_DATABASES), list(WITH_SERVERS)]


def main() -> int:
    """Run all; the exit code of the first session that fails, or 0."""
    with ExitStack() as stack:
        shown, *others = (_started(arguments) for arguments in sessions())
        kept = [stack.enter_context(tempfile.TemporaryFile()) for _ in others]
        copying = [threading.Thread(target=_copy, args=pair) for pair in zip(others, kept, strict=True)]
        for thread in copying:
            thread.start()
        _copy(shown, sys.stdout.buffer)
        for thread, file in zip(copying, kept, strict=True):
            thread.join()
            file.seek(0)
            sys.stdout.buffer.write(file.read())
            sys.stdout.flush()
        return next((code for session in (shown, *others) if (code := session.wait())), 0)


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
