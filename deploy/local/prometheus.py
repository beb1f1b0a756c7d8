"""A private Prometheus of the operating system's packages, and its promtool; one on PATH is preferred."""

import os
import shutil
import signal
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from deploy.local.ports import LOOPBACK, free_ports, is_free
from deploy.local.unpacked_packages import unpacked
from horolog.adapters.servers.child import Child, Launch
from horolog.adapters.servers.errors import ServerUnavailable

SERVER = "Prometheus"
PACKAGE = "prometheus"
START_TIMEOUT_S = 60.0
STOP_LADDER = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, slots=True)
class Binaries:
    """The server, and the tool that checks and tests its rules."""

    prometheus: Path
    promtool: Path


def prometheus_binaries() -> Binaries:
    """The programs on PATH, else those of the package, fetched when the cache has none.

    Raises:
        ServerUnavailable: neither can be had.
    """
    server, tool = shutil.which("prometheus"), shutil.which("promtool")
    if server is not None and tool is not None:
        return Binaries(Path(server), Path(tool))
    folder = unpacked(PACKAGE, SERVER) / "usr" / "bin"
    return Binaries(folder / "prometheus", folder / "promtool")


class PrivatePrometheus:
    """One server on 127.0.0.1, with its data in `directory`, by the configuration at `config`. Main thread only.

    Without a port it takes a free one.
    """

    def __init__(self, directory: Path, config: Path, port: int | None = None) -> None:
        self._home = directory.resolve()
        self._config = config.resolve()
        self._port = port
        self._child: Child | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._child is not None and self._child.alive

    def start(self) -> str:
        """Start the server and return its URL once it is ready. Raises ServerUnavailable."""
        binaries = prometheus_binaries()
        (port,) = free_ports(1) if self._port is None else (self._port,)
        if not is_free(port):
            raise ServerUnavailable(SERVER, f"Somebody listens at {LOOPBACK}:{port}.", "Choose another port.")
        url = f"http://{LOOPBACK}:{port}"
        argv = [str(binaries.prometheus), f"--config.file={self._config}", f"--web.listen-address={LOOPBACK}:{port}"]
        argv += [f"--storage.tsdb.path={self._home / 'data'}", "--log.level=warn"]
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        launch = Launch(SERVER, argv, self._home / "server.log", signal.SIGTERM, None, environment)
        self._child = Child.start(launch)
        self._child.await_ready(lambda: is_ready(url), START_TIMEOUT_S)
        return url

    def stop(self) -> None:
        """End the server; may be repeated."""
        child, self._child = self._child, None
        if child is not None:
            child.stop(STOP_LADDER)

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def is_ready(url: str) -> bool:
    """Whether a server of Prometheus' kind at this address takes requests."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/-/ready", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
