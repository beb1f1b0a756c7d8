"""A private Alertmanager of the operating system's packages, and its amtool; one on PATH is preferred."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.prometheus import START_TIMEOUT_S, STOP_LADDER, is_ready
from deploy.local.unpacked_packages import unpacked
from horolog.adapters.servers.child import Child, Launch

SERVER = "Alertmanager"
PACKAGE = "prometheus-alertmanager"


@dataclass(frozen=True, slots=True)
class Binaries:
    """How the server is started, and the tool that checks its configuration."""

    alertmanager: Sequence[str]
    amtool: Path


def alertmanager_binaries() -> Binaries:
    """The programs on PATH, else those of the package, fetched when the cache has none.

    Raises:
        ServerUnavailable: neither can be had.
    """
    server, tool = shutil.which("alertmanager") or shutil.which(PACKAGE), shutil.which("amtool")
    if server is not None and tool is not None:
        return Binaries([server], Path(tool))
    files = unpacked(PACKAGE, SERVER) / "usr"
    # It looks for its templates where the package would have put them, so that place is another one for it alone.
    elsewhere = [
        "/usr/bin/unshare",
        "--map-root-user",
        "--mount",
        "/bin/sh",
        "-c",
        'mount --bind "$0" /usr/share && exec "$@"',
    ]
    return Binaries([*elsewhere, str(files / "share"), str(files / "bin" / PACKAGE)], files / "bin" / "amtool")


@contextmanager
def private_alertmanager(directory: Path, config: Path) -> Iterator[str]:
    """One server on 127.0.0.1 while the block runs, by the configuration at `config`; its address. Main thread only.

    Raises:
        ServerUnavailable: it cannot be had, or does not start.
    """
    (port,) = free_ports(1)
    argv = [*alertmanager_binaries().alertmanager, f"--config.file={config}"]
    argv += [f"--storage.path={directory / 'alertmanager'}", f"--web.listen-address={LOOPBACK}:{port}"]
    argv += ["--cluster.listen-address=", "--log.level=warn"]
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    child = Child.start(Launch(SERVER, argv, directory / "alertmanager.log", signal.SIGTERM, None, environment))
    try:
        child.await_ready(lambda: is_ready(f"http://{LOOPBACK}:{port}"), START_TIMEOUT_S)
        yield f"{LOOPBACK}:{port}"
    finally:
        child.stop(STOP_LADDER)
