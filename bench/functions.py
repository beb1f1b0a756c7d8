"""What the benchmarks run."""

import os
import time

from horolog.function import FunctionContext

_files: dict[str, int] = {}


def nothing() -> None:
    """Do nothing."""


def fired(context: FunctionContext, directory: str, schedule: str, hold_s: float) -> None:
    """Write down that the schedule fired: a line of its name, the nominal and the present instant (ms)."""
    _write(directory, f"{schedule} {context.scheduled_for.timestamp() * 1000:.0f} {time.time() * 1000:.1f}\n")
    if hold_s:
        time.sleep(hold_s)
        _write(directory, f"E {schedule} 0 {time.time() * 1000:.1f}\n")


def _write(directory: str, line: str) -> None:
    # A plain write: what was written survives the end of the process.
    if directory not in _files:
        path = f"{directory}/fires.{os.getpid()}"
        _files[directory] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    os.write(_files[directory], line.encode())
