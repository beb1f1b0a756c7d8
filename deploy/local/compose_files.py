"""Compose files as Docker Compose understands them, by the library of the Compose Specification; no engine is asked.

`compose/main.go` is built once and kept in a cache. `compose/go.mod` names the library's version and `compose/go.sum`
the hash of every module that it is made from; Go refuses what differs. A program appears in the cache by rename, so its
existence means that it is whole.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from horolog.adapters.servers.errors import ServerUnavailable

BUILD_TIMEOUT_S = 600
LOAD_TIMEOUT_S = 60
_SOURCE = Path(__file__).parent / "compose"
_NAME = "The Compose Specification's library"


class ComposeRefused(ValueError):
    """The files keep no schema, or do not fit together; the library's words."""


def loaded(files: Sequence[Path], environment: Mapping[str, str]) -> dict[str, Any]:
    """What the files say together, the later ones over the first, with the variables of `environment` filled in.

    Raises:
        ComposeRefused: they are not as the specification has them.
        ServerUnavailable: the library cannot be had.
    """
    command = [str(_program()), *map(str, files)]
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=False, timeout=LOAD_TIMEOUT_S
    )
    if done.returncode != 0:
        raise ComposeRefused(done.stderr.strip())
    project: dict[str, Any] = json.loads(done.stdout)
    return project


def _program() -> Path:
    """The built program."""
    sources = sorted(path for path in _SOURCE.iterdir() if path.is_file())
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = cache_home / "horolog" / f"compose-{digest[:16]}"
    if not program.is_file():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{program.name}.", dir=program.parent) as aside:
            _build(Path(aside) / program.name)
            (Path(aside) / program.name).rename(program)
    return program


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ServerUnavailable(_NAME, "It cannot be built: there is no go on PATH.", "Install Go 1.24 or newer.")
    # Neither another compiler nor another version of anything is fetched.
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-o", str(target), "."],
        cwd=_SOURCE,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise ServerUnavailable(_NAME, f"It cannot be built:\n{done.stderr[-2000:]}", "Check the network and proxy.")
