"""How often something may happen: a bucket that holds `burst` of them and fills by `per_s` a second.

Guarantee: in any span of t seconds at most `burst + per_s * t` are granted, and what is refused takes nothing. A
bucket is one number, its lag: the seconds until it is full again.
Source: the generic cell rate algorithm (ITU-T I.371, annex A), by virtual scheduling.
"""

from dataclasses import dataclass
from math import floor

_ROUNDING_S = 1e-6
"""Clocks and sums are not exact; no bucket holds one more for that."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second on the average, and so many at once."""

    per_s: float
    burst: int

    @property
    def interval_s(self) -> float:
        """The seconds in which one is filled in."""
        return 1 / self.per_s

    @property
    def lag_s_max(self) -> float:
        """The lag of an empty bucket."""
        return self.burst / self.per_s

    def halved(self) -> "Rate":
        """Half of it, and one at once at least."""
        return Rate(self.per_s / 2, max(1, self.burst // 2))


@dataclass(frozen=True, slots=True)
class Demand:
    """`count` of what the bucket named `key` holds."""

    key: str
    rate: Rate
    count: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """What a bucket said: whether it has as many, how many are left, when it is full, when to ask again (seconds)."""

    demand: Demand
    allowed: bool
    remaining: int
    full_in_s: float
    retry_in_s: float


def grant(demand: Demand, lag_s: float) -> Grant:
    """What a bucket with this lag says to the demand."""
    rate = demand.rate
    wanted_s = lag_s + demand.count * rate.interval_s
    allowed = wanted_s <= rate.lag_s_max + _ROUNDING_S
    after_s = wanted_s if allowed else lag_s
    remaining = max(0, floor((rate.lag_s_max - after_s) * rate.per_s + _ROUNDING_S))
    return Grant(demand, allowed, remaining, after_s, 0.0 if allowed else wanted_s - rate.lag_s_max)
