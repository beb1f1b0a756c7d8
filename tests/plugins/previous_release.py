"""The release before this one, as the repository's own history has it, and the gate in front of tests that run it.

A test needs it when it asks for ``previous_release``. Where the history is not there (an export, a shallow clone),
those tests are left out and the summary says how many and why: in CI as well, for whoever cloned decided on that.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.plugins.gate import Gate

ROOT = Path(__file__).resolve().parents[2]
PREVIOUS = "f0b73b273f64089cd707cecba0ddf371da0037fd"
"""The last commit before this release's: what is at work where an upgrade to it begins."""
PARTS = ("horolog", "services", "projections", "schemas", "examples")
ADVICE = "take a clone with its whole history (`git fetch --unshallow`)"


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate up."""
    gate = Gate("upgrade", _needs, missing, lambda: f"from {PREVIOUS[:12]}", is_required=False)
    config.pluginmanager.register(gate, "history-gate")


def _needs(item: pytest.Item) -> bool:
    return "previous_release" in getattr(item, "fixturenames", [])


@pytest.fixture(scope="session")
def previous_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code of the release before."""
    archive = _git("archive", PREVIOUS, *PARTS)
    if archive.returncode:
        pytest.fail(f"the release before this one cannot be run: {missing()}", pytrace=False)
    folder = tmp_path_factory.mktemp("previous-release")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def text_of(path: str) -> str:
    """The text of a file of the release before."""
    return _git("show", f"{PREVIOUS}:{path}", check=True).stdout.decode()


def missing(commit: str = PREVIOUS) -> str | None:
    """Why the code of the release before cannot be had; None when it can."""
    try:
        found = _git("cat-file", "-e", f"{commit}^{{tree}}")
    except FileNotFoundError:
        return f"git is not installed; install it, and {ADVICE}"
    if not found.returncode:
        return None
    said = (found.stderr.decode(errors="replace").strip().splitlines() or ["no word"])[0]
    return f"the commit {commit[:12]} is not in this repository ({said}): {ADVICE}"


def _git(*words: str, check: bool = False) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=check)
