"""How much memory and CPU this process uses, from the kernel.

Guarantee: asking costs microseconds and never fails. Source: proc(5), /proc/pid/statm, second field.
"""

import resource
import time
from collections.abc import Callable
from pathlib import Path

_STATM = Path("/proc/self/statm")
_LOOK_S_MIN = 1.0


def resident_bytes() -> int:
    """The resident set in bytes; where there is no /proc, the largest it ever was."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class CpuShare:
    """The share of one core that this process had between two looks, in percent; looks too close together are one."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, used_s: Callable[[], float] = time.process_time
    ) -> None:
        self._monotonic = monotonic
        self._used_s = used_s
        self._looked_at, self._had_s = monotonic(), used_s()
        self._percent = 0.0

    def percent(self) -> float:
        """Since the last look; 100 is one core."""
        now, used_s = self._monotonic(), self._used_s()
        elapsed_s = now - self._looked_at
        if elapsed_s >= _LOOK_S_MIN:
            self._percent = 100 * (used_s - self._had_s) / elapsed_s
            self._looked_at, self._had_s = now, used_s
        return self._percent
