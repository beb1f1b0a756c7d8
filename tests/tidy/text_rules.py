"""Rules on any text file of the repository, and on the names of files.

The forbidden words are put together from halves, so that these rules hold for this file too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

SHRUGS = frozenset({"util", "utils", "common", "helper", "helpers", "manager", "managers", "shared", "misc"})

_HOSTS = ("pypi" + ".org", "python" + "hosted.org", "repo1." + "maven.org", "repo." + "maven.apache.org")
_INDEX_OPTIONS = ("--index" + "-url", "--extra-index" + "-url", "--find" + "-links", "--trusted" + "-host")
_MACHINE_PATH = re.compile(r"(?<![\w.-])/" + r"(?:work|farm|root|opt/wheels)" + r"/")
_LEFT_OVER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")


def machine_traces(text: str) -> list[str]:
    """Package registries and paths that belong to whoever's machine the file was written on."""
    return _matching_lines(text, lambda line: _names_registry(line) or bool(_MACHINE_PATH.search(line)))


def left_overs(text: str) -> list[str]:
    """Work left for later inside the text; it belongs in the issue tracker."""
    return _matching_lines(text, lambda line: bool(_LEFT_OVER.search(line)))


def shrugging_name(path: Path) -> list[str]:
    """A file or folder whose name says nothing about what is in it."""
    words = {word for part in path.parts for word in re.split(r"[_\-.]", part.lower())}
    return [f"{path}: called {word!r}" for word in sorted(words & SHRUGS)]


def _names_registry(line: str) -> bool:
    return any(word in line for word in (*_HOSTS, *_INDEX_OPTIONS))


def _matching_lines(text: str, is_breach: Callable[[str], bool]) -> list[str]:
    return [f"{number}: {line.strip()[:80]}" for number, line in enumerate(text.splitlines(), 1) if is_breach(line)]
