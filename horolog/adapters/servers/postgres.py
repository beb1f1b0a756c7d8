"""A private PostgreSQL cluster: created on first start, ready in tens of milliseconds afterwards.

One supervisor at a time. A supervisor or server killed at any point, initdb included, leaves nothing that
prevents the next start; whatever a stale pid file names is signalled only when it serves this very cluster.
Clients connect through a unix socket in a directory closed to other accounts, and over TCP only on request.
"""

import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from horolog.adapters.servers.account import unprivileged_account
from horolog.adapters.servers.child import Child, DirectoryLock, Launch, RunAs
from horolog.adapters.servers.errors import ServerUnavailable
from horolog.adapters.servers.postgres_binaries import PostgresBinaries, find_postgres
from horolog.adapters.servers.postgres_home import readable_binaries, settle_home
from horolog.adapters.servers.process import Identity, await_end, send, working_in
from horolog.adapters.servers.socket_directory import socket_directory

SERVER = "PostgreSQL"
SOCKET_PORT = 5432
INITDB_TIMEOUT_S = 120.0
# Crash recovery replays at most max_wal_size; a slow disk may need minutes for it.
START_TIMEOUT_S = 300.0
# SIGINT disconnects clients and shuts down; SIGQUIT leaves recovery to the next start (postgres(1)).
STOP_LADDER = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))

SMALL_SERVER: Mapping[str, str] = {
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "autovacuum_max_workers": "2",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """How a cluster is served. `tcp_port` opens 127.0.0.1 with a password; `settings` override SMALL_SERVER."""

    tcp_port: int | None = None
    binaries: PostgresBinaries | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


class PrivatePostgres:
    """One cluster in `data_dir`. Start it from the main thread; not safe for concurrent use."""

    def __init__(self, data_dir: Path, options: PostgresOptions | None = None) -> None:
        self._data_dir = data_dir.resolve()
        self._options = options or PostgresOptions()
        self._home = self._data_dir
        self._run_as: RunAs | None = None
        self._lock: DirectoryLock | None = None
        self._child: Child | None = None

    def start(self) -> str:
        """Create the cluster if need be, serve it, and return its URL once it accepts connections.

        Raises ServerUnavailable when there are no binaries, the cluster is of another major version, another
        supervisor serves it, or the server does not get ready.
        """
        if self._child is not None:
            raise ServerUnavailable(SERVER, "It was already started.", "Stop it first.")
        found = self._options.binaries or find_postgres()
        self._run_as = unprivileged_account()
        self._home = settle_home(self._data_dir, self._run_as)
        lock = DirectoryLock(SERVER, self._home / "lock")
        lock.acquire()
        self._lock = lock
        try:
            binaries = readable_binaries(found, self._home, self._run_as)
            self._check_major(binaries)
            self._end_leftovers()
            if not self._cluster.exists():
                self._create_cluster(binaries)
            return self._serve(binaries)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Disconnect all clients, shut down, and give the directory free; may be repeated."""
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
        """The running postmaster, or None when it was not started or has been stopped."""
        return None if self._child is None else self._child.identity

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    @property
    def _password_file(self) -> Path:
        return self._home / "password"

    def _check_major(self, binaries: PostgresBinaries) -> None:
        record = self._cluster / "PG_VERSION"
        if not record.exists():
            return
        major = int(record.read_text())
        if major != binaries.major:
            raise ServerUnavailable(
                SERVER,
                f"{self._cluster} was made by version {major}, the binaries are version {binaries.major}.",
                f"Provide version {major}, or move the directory away and let the projections be rebuilt.",
            )

    def _create_cluster(self, binaries: PostgresBinaries) -> None:
        """Run initdb aside and rename: a half-made cluster never has the real name."""
        for old in self._home.glob("cluster.new.*"):
            shutil.rmtree(old, ignore_errors=True)
        # A name of its own, because an orphaned initdb may still write to the previous one.
        aside = self._home / f"cluster.new.{os.getpid()}"
        self._write_password()
        # The builtin provider sorts alike on every libc; it exists since version 17.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        argv = [str(binaries.directory / "initdb"), "-D", str(aside), "-U", "postgres", "-E", "UTF8"]
        argv += builtin if binaries.major >= 17 else ["--locale=C.UTF-8"]
        argv += ["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", str(self._password_file)]
        argv += ["--no-instructions"]
        self._launch(argv, signal.SIGTERM).await_success(INITDB_TIMEOUT_S)
        aside.rename(self._cluster)

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        descriptor = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
            if self._run_as is not None:
                os.fchown(descriptor, self._run_as.uid, self._run_as.gid)

    def _serve(self, binaries: PostgresBinaries) -> str:
        sockets = socket_directory(SERVER, self._home, f".s.PGSQL.{SOCKET_PORT}.lock", self._run_as)
        for name in (f".s.PGSQL.{SOCKET_PORT}.lock", f".s.PGSQL.{SOCKET_PORT}"):
            (sockets / name).unlink(missing_ok=True)
        tcp_port = self._options.tcp_port
        settings = {
            **SMALL_SERVER,
            # With a worker pool, which version 18 brought, idle workers are processes to no avail here.
            **({"io_method": "sync"} if binaries.major >= 18 else {}),
            **self._options.settings,
            "listen_addresses": "" if tcp_port is None else "127.0.0.1",
            "port": str(SOCKET_PORT if tcp_port is None else tcp_port),
            "unix_socket_directories": str(sockets) if tcp_port is None else "",
            "unix_socket_permissions": "0700",
        }
        argv = [str(binaries.directory / "postgres"), "-D", str(self._cluster)]
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        child = self._launch(argv, signal.SIGINT)
        self._child = child
        child.await_ready(lambda: self._says_ready(child.identity.pid), START_TIMEOUT_S)
        if tcp_port is None:
            return f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='/')}"
        return f"postgresql://postgres:{self._password_file.read_text()}@127.0.0.1:{tcp_port}/postgres"

    def _launch(self, argv: list[str], death_signal: signal.Signals) -> Child:
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        log = self._home / "server.log"
        return Child.start(Launch(SERVER, argv, log, death_signal, self._run_as, environment))

    def _says_ready(self, pid: int) -> bool:
        """Line 1 of postmaster.pid is the pid, line 8 the status (src/include/utils/pidfile.h)."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _end_leftovers(self) -> None:
        """End what still serves this cluster, then remove its pid file, whoever has that pid by now."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            leftovers = working_in(self._cluster, "postgres")
            for process in leftovers:
                send(process, number)
            for process in leftovers:
                await_end(process, 5.0)
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
