"""The files the tidy rules look at: everything that is, or could be, committed.

Guarantee: ignored files are never listed, and a file not yet added to git is. Outside a git checkout (a
source archive) every file below the root counts, except those in hidden or cache folders.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PRODUCT = ("horolog", "services", "projections", "schemas")

_CACHES = frozenset({"__pycache__", "build", "dist", "node_modules", "target"})


def committable_files(root: Path = ROOT) -> list[Path]:
    """Paths relative to ``root`` of every existing file that git tracks or would offer to add, sorted."""
    listed = _listed_by_git(root) if (root / ".git").exists() else _walked(root)
    return sorted(path for path in listed if (root / path).is_file())


def python_files(root: Path = ROOT) -> list[Path]:
    """The Python files among ``committable_files``."""
    return [path for path in committable_files(root) if path.suffix == ".py"]


def read_text(path: Path, root: Path = ROOT) -> str | None:
    """The text of a file, or None when it is not UTF-8 text."""
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _listed_by_git(root: Path) -> list[Path]:
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listing.split("\0") if name]


def _walked(root: Path) -> list[Path]:
    found = (path.relative_to(root) for path in root.rglob("*"))
    return [path for path in found if not any(_is_hidden(part) for part in path.parts[:-1])]


def _is_hidden(folder: str) -> bool:
    return folder in _CACHES or (folder.startswith(".") and folder not in {".ci", ".github"})
