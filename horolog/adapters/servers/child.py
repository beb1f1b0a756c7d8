"""A server as a supervised child: it starts in a session of its own and never outlives its supervisor.

Guarantee on Linux: when the supervisor ends in any way, kill -9 included, the kernel signals the child. The
signal follows the *thread* that started the child (prctl(2)), so `Child.start` insists on the main thread.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from horolog.adapters.servers.errors import ServerUnavailable
from horolog.adapters.servers.process import POLL_S, Identity, identify

LAUNCH_SCRIPT = Path(__file__).with_name("launch.py")
LOG_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class RunAs:
    """The account a server runs under when the supervisor is root; it must have a passwd entry."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run: `argv[0]` is an absolute path, `log` receives stdout and stderr, appended."""

    server: str
    argv: Sequence[str]
    log: Path
    death_signal: signal.Signals
    run_as: RunAs | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """One running server process, owned by this supervisor."""

    def __init__(self, launch: Launch, process: subprocess.Popen[bytes], identity: Identity) -> None:
        self._launch = launch
        self._process = process
        self.identity = identity

    @classmethod
    def start(cls, launch: Launch) -> "Child":
        """Start the server; it is not ready yet. Raises ServerUnavailable off Linux or off the main thread."""
        if sys.platform != "linux":
            raise ServerUnavailable(
                launch.server,
                "Private servers need Linux.",
                "Point the setting for this server's address at one that you run yourself.",
            )
        if threading.current_thread() is not threading.main_thread():
            raise ServerUnavailable(
                launch.server,
                "It was started from a side thread, and would be killed when that thread ends.",
                "Start private servers from the main thread.",
            )
        with open(launch.log, "ab", opener=open_no_follow) as log:
            process = subprocess.Popen(
                _launch_argv(launch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=dict(launch.environment),
                start_new_session=True,
            )
        identity = identify(process.pid)
        if identity is None:
            raise ServerUnavailable(launch.server, _last_words(launch, process.wait()), "Read its log.")
        return cls(launch, process, identity)

    def await_ready(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Poll `is_ready` until it holds. Raises ServerUnavailable when the server exits or time runs out."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            code = self._process.poll()
            if code is not None:
                raise ServerUnavailable(self._launch.server, _last_words(self._launch, code), "Read its log.")
            if time.monotonic() >= deadline:
                self.stop([(signal.SIGKILL, 5.0)])
                reason = f"It was not ready after {timeout_s:g} s. {_log_tail(self._launch.log)}"
                raise ServerUnavailable(self._launch.server, reason, "Look for an overloaded machine or disk.")
            time.sleep(POLL_S)

    def await_success(self, timeout_s: float) -> None:
        """Wait for a one-shot command to exit with 0. Raises ServerUnavailable otherwise."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.stop([(signal.SIGKILL, 5.0)])
            code = self._process.returncode
        if code != 0:
            raise ServerUnavailable(self._launch.server, _last_words(self._launch, code), "Read its log.")

    def notify(self, number: signal.Signals) -> None:
        """Send a signal; without effect when the server has already exited."""
        self._process.send_signal(number)

    def stop(self, ladder: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send each signal in turn and wait its seconds, until the server has exited and is reaped."""
        for number, timeout_s in ladder:
            self._process.send_signal(number)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                continue
            return
        raise ServerUnavailable(
            self._launch.server,
            f"Process {self._process.pid} ignores {ladder[-1][0].name}.",
            "Look at its state in /proc; it may wait for a dead disk.",
        )

    @property
    def alive(self) -> bool:
        """Whether the server still runs; reaps it when it has exited."""
        return self._process.poll() is None


class DirectoryLock:
    """At most one supervisor per data directory, held by flock(2) and so released by any death."""

    def __init__(self, server: str, path: Path) -> None:
        self._server = server
        self._path = path
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock. Raises ServerUnavailable at once when another supervisor holds it."""
        descriptor = open_no_follow(str(self._path), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ServerUnavailable(
                self._server,
                f"Another supervisor already serves {self._path.parent}.",
                "Stop that one first, or choose another data directory.",
            ) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; without effect when it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def open_no_follow(path: str, flags: int) -> int:
    """Open a file, never a link: root writes here into directories that belong to a lesser account."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o644)


def _launch_argv(launch: Launch) -> list[str]:
    account = (launch.run_as.uid, launch.run_as.gid) if launch.run_as else (-1, -1)
    numbers = [str(value) for value in (os.getpid(), int(launch.death_signal), *account)]
    return [sys.executable, "-I", "-S", str(LAUNCH_SCRIPT), *numbers, *launch.argv]


def _last_words(launch: Launch, code: int) -> str:
    return f"It exited with code {code}. {_log_tail(launch.log)}"


def _log_tail(log: Path) -> str:
    tail = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
    return f"The end of {log}:\n{tail}\n"
