"""A directory for a unix socket whose path fits into sockaddr_un: 107 bytes on Linux (unix(7))."""

import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from horolog.adapters.servers.account import is_reachable
from horolog.adapters.servers.child import RunAs
from horolog.adapters.servers.errors import ServerUnavailable

SOCKET_PATH_BYTES_MAX = 107


def socket_directory(server: str, home: Path, file_name: str, run_as: RunAs | None) -> Path:
    """Return `home`, or when the socket's path would be too long there, a short private directory.

    The short one is named after `home`, so it is the same for every start, and is refused unless it belongs to
    the server's account with mode 0700. Raises ServerUnavailable when no place is usable.
    """
    if _fits(home, file_name):
        return home
    name = f"horolog-{zlib.crc32(os.fsencode(home)):08x}"
    owner = os.geteuid() if run_as is None else run_as.uid
    for base in _bases():
        directory = base / name
        if _fits(directory, file_name) and is_reachable(base, run_as) and _own(directory, owner):
            return directory
    raise ServerUnavailable(
        server,
        f"The socket path {home / file_name} is longer than {SOCKET_PATH_BYTES_MAX} bytes.",
        "Choose a shorter data directory.",
    )


def _fits(directory: Path, file_name: str) -> bool:
    return len(os.fsencode(directory / file_name)) <= SOCKET_PATH_BYTES_MAX


def _bases() -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        yield Path(runtime)
    yield Path(tempfile.gettempdir())


def _own(directory: Path, owner: int) -> bool:
    try:
        directory.mkdir(mode=0o700)
        os.chown(directory, owner, -1)
    except FileExistsError:
        # Somebody else may have put a directory or a link there first.
        status = directory.lstat()
        return stat.S_ISDIR(status.st_mode) and status.st_uid == owner and not status.st_mode & 0o077
    return True
