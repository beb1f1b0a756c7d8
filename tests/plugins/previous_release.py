"""The release before this one, as the repository's own history has it, and the gate in front of tests that run it.

A test needs it when it asks for ``previous_release``. Where the history is not there (an export, a shallow clone),
those tests are left out and the summary says how many and why; in CI they fail with that sentence instead.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.plugins.kafka_gate import in_ci

ROOT = Path(__file__).resolve().parents[2]
PREVIOUS = "f0b73b273f64089cd707cecba0ddf371da0037fd"
"""The last commit before this release's: what is at work where an upgrade to it begins."""
PARTS = ("horolog", "services", "projections", "schemas", "examples")
ADVICE = "take a clone with its whole history (`git fetch --unshallow`)"


class HistoryGate:
    """Leaves tests that need the release before out, loudly, where its code cannot be had; in CI lets them fail."""

    def __init__(self, environ: Mapping[str, str], why_not: str | None) -> None:
        self._environ = environ
        self._why_not = why_not
        self._left_out_count = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Deselect what cannot be run; runs after -m and -k made their choice."""
        if self._why_not is None or in_ci(self._environ):
            return
        needing = [item for item in items if "previous_release" in getattr(item, "fixturenames", [])]
        self._left_out_count = len(needing)
        if needing:
            config.hook.pytest_deselected(items=needing)
            items[:] = [item for item in items if item not in needing]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say in one line what was left out, if anything was."""
        if self._left_out_count:
            line = f"UPGRADE NOT TESTED: {self._left_out_count} tests did not run: {self._why_not}"
            terminalreporter.write_line(line, red=True, bold=True)


def pytest_configure(config: pytest.Config) -> None:
    """Put the gate up."""
    config.pluginmanager.register(HistoryGate(os.environ, missing()), "history-gate")


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
