"""A private Prometheus of the operating system's packages, and its promtool; nothing is installed.

The package is downloaded with apt-get and unpacked into a cache, which needs no root and starts no service. A
Prometheus on PATH is preferred. A cache directory appears by rename, so its existence means that it is whole.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from deploy.local.ports import LOOPBACK, free_ports, is_free
from horolog.adapters.servers.child import Child, Launch
from horolog.adapters.servers.errors import ServerUnavailable

SERVER = "Prometheus"
PACKAGE = "prometheus"
FETCH_TIMEOUT_S = 600
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
    folder = _unpacked() / "usr" / "bin"
    return Binaries(folder / "prometheus", folder / "promtool")


def _unpacked() -> Path:
    """The package's files."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = cache_home / "horolog" / PACKAGE
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{cache.name}.", dir=cache.parent) as aside:
        download = ["apt-get", "download", PACKAGE]
        # A fresh machine has no package lists yet; only root can fetch those.
        if not _succeeds(download, aside) and not (
            _succeeds(["apt-get", "update"], aside) and _succeeds(download, aside)
        ):
            raise ServerUnavailable(SERVER, "Its package cannot be downloaded.", f"Install the package {PACKAGE}.")
        (package,) = Path(aside).glob("*.deb")
        files = Path(aside) / "files"
        if not _succeeds(["dpkg-deb", "--extract", str(package), str(files)], aside):
            raise ServerUnavailable(SERVER, "Its package cannot be unpacked.", f"Install the package {PACKAGE}.")
        try:
            files.rename(cache)
        except OSError:
            # Another fetch came first.
            if not cache.is_dir():
                raise
    return cache


def _succeeds(command: list[str], directory: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    done = subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=FETCH_TIMEOUT_S,
    )
    return done.returncode == 0


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
        self._child.await_ready(lambda: _is_ready(url), START_TIMEOUT_S)
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


def _is_ready(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/-/ready", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
