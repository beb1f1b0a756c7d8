"""Rate limits of one process alone, in its memory.

Guarantee: either all demands of a call are granted, or none takes anything. No more than `KEPT_COUNT_MAX` buckets are
kept: those that were asked longest ago are forgotten, which is as if they were full.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from horolog.domain.rates import Demand, Grant, grant

KEPT_COUNT_MAX = 20_000


class LocalRates:
    """Buckets in memory, by the machine's monotone clock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def take(self, demands: Sequence[Demand]) -> Sequence[Grant]:
        """What the buckets say."""
        return self.take_now(demands)

    def take_now(self, demands: Sequence[Demand]) -> Sequence[Grant]:
        """What the buckets say, without waiting."""
        now = self._monotonic()
        grants = [grant(demand, max(0.0, self._full_at.get(demand.key, 0.0) - now)) for demand in demands]
        if all(one.allowed for one in grants):
            for one in grants:
                self._full_at[one.demand.key] = now + one.full_in_s
                self._full_at.move_to_end(one.demand.key)
            while len(self._full_at) > KEPT_COUNT_MAX:
                self._full_at.popitem(last=False)
        return grants
