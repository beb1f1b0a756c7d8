"""A reader's terminal: a shell in a folder like the repository, in which blocks of documents are run as they stand.

Guarantee: a command that fails is told, unless the test says with which code it ends; each block has a deadline; what a
block left running in the background ends with the terminal.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from tests.tidy.tree import ROOT

DEADLINE_S = 120.0
END_S = 60.0
TOLD_CHARACTER_COUNT = 3000
LINKED = ("docs", "examples", "Makefile")
NOTHING: Mapping[str, int] = MappingProxyType({})
_PREPARED = """set -o pipefail -E
trap 'echo "$? ${BASH_COMMAND//$'"'\\n'"'/ }" >&"$TOLD"' ERR
"""
_END = "kill $(jobs -p) 2>/dev/null; wait\nexit 0\n"
_FAILED = re.compile(r"(\d+) (.*)")


class Terminal:
    """One shell; what blocks export and leave running is there for the next ones. Not safe for concurrent use."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._count = 0
        self._told, told = os.pipe()
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**environment, "TOLD": str(told)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=(told,),
            start_new_session=True,
        )
        os.close(told)
        self._type(_PREPARED)

    def run(self, text: str, *, typed: str = "", failing: Mapping[str, int] = NOTHING) -> str:
        """What the lines of `text` print, once they are through; `typed` is what they read.

        `failing` are the commands that end with another code than 0, by what they begin with.

        Raises:
            AssertionError: another command fails, or one of these does not.
            TimeoutError: it takes too long.
        """
        self._count += 1
        lines, typing, printed = (self.folder / f".{self._count}.{name}" for name in ("sh", "in", "out"))
        # What the last line fails with is not to be told once more, as what the file fails with.
        lines.write_text(f"{text}\ntrue\n", encoding="utf-8")
        typing.write_text(typed, encoding="utf-8")
        self._type(f'source {lines} < {typing} > {printed} 2>&1\necho through >&"$TOLD"\n')
        failed = [_FAILED.fullmatch(line) for line in self._until_through(printed)]
        codes = {match[2]: int(match[1]) for match in failed if match is not None}
        expected = {told: code for told in codes for begin, code in failing.items() if told.startswith(begin)}
        said = printed.read_text(encoding="utf-8", errors="replace")
        assert codes == expected, f"{codes}\n{said[-TOLD_CHARACTER_COUNT:]}"
        assert len(expected) == len(failing), f"not all of {failing} failed: {codes}"
        return said

    def close(self) -> None:
        """End what runs in the background, and the shell."""
        try:
            self._type(_END)
            self._shell.wait(END_S)
        except (OSError, subprocess.TimeoutExpired):
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        finally:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            os.close(self._told)

    def _type(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()

    def _until_through(self, printed: Path) -> list[str]:
        told = b""
        while not told.endswith(b"through\n"):
            ready, _, _ = select.select([self._told], [], [], DEADLINE_S)
            more = os.read(self._told, 65_536) if ready else b""
            if not more:
                words = printed.read_text(encoding="utf-8", errors="replace")[-TOLD_CHARACTER_COUNT:]
                raise TimeoutError(f"nothing for {DEADLINE_S:g} s, or the shell has ended: {words}")
            told += more
        return told.decode(errors="replace").splitlines()[:-1]


@contextmanager
def terminal(environment: Mapping[str, str]) -> Iterator[Terminal]:
    """A terminal in a folder of its own, which has the documents, the examples, and `.venv/bin` with our programs."""
    # pytest's own folders are closed to the accounts that servers and jobs run as.
    with tempfile.TemporaryDirectory(prefix="horolog-documents-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for path in LINKED:
            (folder / path).symlink_to(ROOT / path)
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        program(programs / "python", f'exec "{sys.executable}" "$@"')
        program(programs / "horolog", f'exec "{sys.executable}" -m horolog.cli "$@"')
        path = f"{programs}:{os.environ.get('PATH', '')}"
        shell = Terminal(folder, {**environment, "PATH": path, "PYTHONPATH": f"{ROOT}:{folder}"})
        try:
            yield shell
        finally:
            shell.close()


def program(path: Path, lines: str) -> None:
    """Write a program of the shell."""
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)
