"""Files that only their owner may read.

Guarantee: what is written is never readable for others, not even for a moment, and a reader sees the old text or the
new one, never a part of it.
"""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace the file's text.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    aside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
