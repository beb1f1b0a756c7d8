"""`python -m bench.sampling FILE ARGUMENTS…`: the `horolog` command, with its CPU time sampled.

SIGUSR1 begins and SIGUSR2 ends the sampling; the samples are written to FILE, as JSON. The kernel's timer counts the
process's CPU time, not the wall clock, so waiting costs nothing and a busy machine distorts nothing. A sample is
taken at the next Python instruction: C code is told as whatever it calls or returns to (validation as the validator
that it calls), and other threads as whatever the main thread stands at.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from horolog.cli.__main__ import main as horolog

INTERVAL_S = 0.004


class Sampler:
    """Counts where the main thread is, every `INTERVAL_S` of CPU time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own: Counter[str] = Counter()
        self._total: Counter[str] = Counter()
        self._count = 0

    def begin(self, _number: int, _frame: FrameType | None) -> None:
        """Sample from now on."""
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)

    def end(self, _number: int, _frame: FrameType | None) -> None:
        """Stop sampling, and write down what was seen."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        found = {"count": self._count, "own": self._own, "total": self._total}
        aside = self._path.with_suffix(".new")
        aside.write_text(json.dumps(found))
        aside.replace(self._path)

    def take(self, _number: int, frame: FrameType | None) -> None:
        """One sample."""
        self._count += 1
        if frame is not None:
            self._own[_name(frame)] += 1
        callers = set()
        while frame is not None:
            callers.add(_name(frame))
            frame = frame.f_back
        self._total.update(callers)


def _name(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"


def main() -> int:
    """Run the command; its exit code."""
    sampler = Sampler(Path(sys.argv[1]))
    signal.signal(signal.SIGUSR1, sampler.begin)
    signal.signal(signal.SIGUSR2, sampler.end)
    signal.signal(signal.SIGPROF, sampler.take)
    return horolog(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
