"""Functions for function jobs. Each runs in a process of its own; what it returns becomes the execution's result.

Parameters come from the job's config as keyword arguments. A function that has a parameter named `context` is
given the run itself: `context.progress(percent)` reports how far it is.
"""

import math
import re
import shutil
import time
from collections import Counter
from typing import Protocol


class Progress(Protocol):
    """The part of the context that these functions use."""

    def progress(self, percent: int) -> None:
        """Report how far the run is, in percent."""


def word_count(text: str, most_frequent_count: int = 3) -> dict[str, object]:
    """How many words a text has, and its most frequent ones."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    frequent = Counter(words).most_common(most_frequent_count)
    return {"words": len(words), "distinct": len(set(words)), "most_frequent": dict(frequent)}


def disk_report(path: str = "/", warn_percent: float = 90.0) -> dict[str, object]:
    """How full the disk below a path is; `warning` says whether that is beyond `warn_percent`."""
    usage = shutil.disk_usage(path)
    used_percent = round(100 * usage.used / usage.total, 1) if usage.total else 0.0
    return {
        "path": path,
        "total_gb": round(usage.total / 1e9, 1),
        "free_gb": round(usage.free / 1e9, 1),
        "used_percent": used_percent,
        "warning": used_percent > warn_percent,
    }


def largest_prime(below: int = 20_000) -> dict[str, int]:
    """The largest prime number below a bound, by the sieve of Eratosthenes, and how many there are."""
    if below <= 2:
        raise ValueError("there is no prime number below 2")
    sieve = bytearray([0, 0]) + bytearray([1]) * (below - 2)
    for number in range(2, math.isqrt(below - 1) + 1):
        if sieve[number]:
            multiples = range(number * number, below, number)
            sieve[multiples.start :: number] = bytes(len(multiples))
    return {"prime": sieve.rindex(1), "count": sum(sieve)}


def slow_report(context: Progress, steps: int = 5, step_ms: int = 200) -> dict[str, int]:
    """Takes its time, and reports its progress after every step."""
    for step in range(1, steps + 1):
        time.sleep(step_ms / 1000)
        context.progress(100 * step // steps)
    return {"steps": steps}
