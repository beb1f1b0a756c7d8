"""Which account a server runs under, and what that account can reach.

PostgreSQL refuses to run as root and needs a passwd entry for its uid ("could not look up effective user ID"),
so root steps down to `postgres`, else `nobody`. Anybody else keeps their own identity.
"""

import os
import pwd
import stat
from pathlib import Path

from horolog.adapters.servers.child import RunAs
from horolog.adapters.servers.errors import ServerUnavailable

ACCOUNTS = ("postgres", "nobody")


def unprivileged_account() -> RunAs | None:
    """Return the account to step down to, or None when this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return RunAs(name, entry.pw_uid, entry.pw_gid)
    raise ServerUnavailable(
        "PostgreSQL",
        f"It does not run as root, and none of the accounts {', '.join(ACCOUNTS)} exists.",
        "Create one of them, or run as an ordinary user.",
    )


def is_reachable(path: Path, run_as: RunAs | None) -> bool:
    """Tell from the mode bits whether the account may enter `path` and all directories above it."""
    if run_as is None:
        return os.access(path, os.X_OK)
    return all(_may_enter(directory, run_as) for directory in (path, *path.parents))


def _may_enter(directory: Path, run_as: RunAs) -> bool:
    status = directory.stat()
    if status.st_uid == run_as.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == run_as.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
