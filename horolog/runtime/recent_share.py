"""Which share of something went wrong lately, from two numbers that only ever rise.

Guarantee: it reaches back `METRICS_ERROR_RATE_WINDOW_S`, give or take one look and `LOOK_S_MIN`; memory is bounded
however often it is looked at.
"""

import time
from collections import deque
from collections.abc import Callable

from horolog.limits import METRICS_ERROR_RATE_WINDOW_S

LOOK_S_MIN = 5.0


class RecentShare:
    """The share of `wrong` in `total`, since the latest look that is older than the window."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._looks: deque[tuple[float, int, int]] = deque([(monotonic(), 0, 0)])

    def now(self, wrong: int, total: int) -> float:
        """From 0 to 1; 0 where there was nothing."""
        now_s = self._monotonic()
        while len(self._looks) > 1 and now_s - self._looks[1][0] >= METRICS_ERROR_RATE_WINDOW_S:
            self._looks.popleft()
        if now_s - self._looks[-1][0] >= LOOK_S_MIN:
            self._looks.append((now_s, wrong, total))
        _, wrong_before, total_before = self._looks[0]
        count = total - total_before
        return (wrong - wrong_before) / count if count else 0.0
