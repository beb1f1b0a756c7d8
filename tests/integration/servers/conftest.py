"""Directories the server account can reach, supervisors to kill, and waiting with a deadline."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horolog.adapters.servers.process import Identity, identify

REPOSITORY = Path(__file__).resolve().parents[3]
PAUSE_S = 0.005
DEADLINE_S = 60.0

HoldServer = Callable[[str, Path], subprocess.Popen[str]]


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory that every account may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="horolog-servers-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def hold_server() -> Iterator[HoldServer]:
    """Start a supervisor process of its own, which the test may kill; it is gone after the test."""
    started: list[subprocess.Popen[str]] = []

    def hold(kind: str, directory: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.integration.servers.holder", kind, str(directory)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        started.append(holder)
        return holder

    yield hold
    for holder in started:
        holder.kill()
        holder.communicate()


def held_process(holder: subprocess.Popen[str]) -> Identity:
    """Return the server that the supervisor reports; fails when it died instead."""
    assert holder.stdout is not None
    identity = identify(int(holder.stdout.readline()))
    assert identity is not None
    return identity


def await_condition(holds: Callable[[], bool]) -> None:
    """Poll until the condition holds; fails after a generous deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "the condition did not come about"
        threading.Event().wait(PAUSE_S)
