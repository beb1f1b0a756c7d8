"""Tenants of uneven size, drawn again and again and laid on the real partitions: what the busiest of these meets.

Guarantee: pure, and the same on every machine: sizes follow from a hash of the draw's number and the tenant's, never
from a generator. A draw is a population of tenants; what is told of several is their median, and the worst of them.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from uuid import NAMESPACE_URL, uuid5

from bench.scaling.costs import (
    BROKER_TB,
    BROKER_WRITE_MB_S,
    COPIES,
    CPU_LIMIT,
    FACT_READ_US,
    JOB_READ_US,
    POSTGRES_TABLE_BYTES_MAX,
    POSTGRES_WAL_MB_S,
    ROW_BYTES,
    ROW_WAL_BYTES,
    owner_rate,
)
from bench.scaling.records import kept_tb, per_execution
from bench.scaling.scale import BILLION, DAY_S, Scale, some, whole
from horolog.limits import CHECKPOINT_IDLE_S
from horolog.log.kafka.settings import KafkaSettings
from schemas.topics import partition_of

DRAW_COUNT = 25
PARTITION_COUNTS = (16, 64, 256)
CROWD_SHARE = 0.5
"""Of all fires, so many are those of a full minute: assumed."""
MONTH_DAYS, YEAR_DAYS = 30.4, 365
SESSION_S = KafkaSettings("broker:9092").session_timeout_ms / 1000
_FIFTH = 0.2
"""Of the tenants, the largest: what they have together says how uneven a draw is."""


@dataclass(frozen=True, slots=True)
class Skew:
    """How uneven tenants are: Pareto's exponent, the smaller the more uneven; None when all are alike.

    With 1.76 the largest fifth has half of everything, and with 1.16 four fifths, among tenants without end; of those
    that are drawn it has less, for the largest are rare.
    """

    exponent: float | None

    def __str__(self) -> str:
        """How it is told."""
        return "all alike" if self.exponent is None else f"Pareto, {self.exponent}"


ALIKE, UNEVEN, VERY_UNEVEN = Skew(None), Skew(1.76), Skew(1.16)


def report(scale: Scale = BILLION) -> Iterator[str]:
    """Everything that is told."""
    drawn = (
        f"{whole(scale.tenant_count)} tenants drawn {DRAW_COUNT} times, {whole(scale.peak)} executions/s in the peak"
    )
    yield f"{drawn}: median, and worst"
    yield (
        f"{'':<16}{'a fifth has':>11}{'partitions':>12}{'largest tenant/s':>20}{'busiest partition/s':>22}"
        f"{'beyond an owner':>18}"
    )
    for skew in (ALIKE, UNEVEN, VERY_UNEVEN):
        for count in PARTITION_COUNTS:
            yield _crowded(scale, skew, count)
    yield ""
    yield f"seconds until the fires of a full minute, {CROWD_SHARE:.0%} of all, are decided, in the median draw"
    yield f"{'':<16}{'partitions':>10}{'mean: median, busiest':>24}{'peak: median, busiest':>24}"
    for skew in (ALIKE, UNEVEN, VERY_UNEVEN):
        for count in PARTITION_COUNTS:
            yield _waited(scale, skew, count)
    yield ""
    yield from takeover(scale)
    yield ""
    yield f"what is reached first, {scale.partition_count} partitions{'executions a day, millions':>43}"
    yield from (f"{name:<58}{some(limit / 1e6):>14}" for name, limit in limits(scale))


def weights(skew: Skew, tenant_count: int, draw: int) -> list[float]:
    """The part of everything that each tenant has, by Pareto's distribution. They add up to 1."""
    if skew.exponent is None:
        return [1 / tenant_count] * tenant_count
    sizes = [(1 - _chance(draw, number)) ** (-1 / skew.exponent) for number in range(tenant_count)]
    total = sum(sizes)
    return [size / total for size in sizes]


def fifth_of(parts: Sequence[float]) -> float:
    """What the largest fifth of the tenants has of everything."""
    return sum(sorted(parts, reverse=True)[: int(len(parts) * _FIFTH)])


def partition_loads(parts: Sequence[float], partition_count: int) -> list[float]:
    """What of everything falls to each partition."""
    loads = [0.0] * partition_count
    for home, part in zip(_homes(len(parts), partition_count), parts, strict=True):
        loads[home] += part
    return loads


def crowd_s(rate: float, capacity: float = owner_rate(), share: float = CROWD_SHARE) -> float:
    """How long the fires of a full minute keep an owner, who has all others to decide on meanwhile.

    Endless where more comes in a minute than it decides in one.
    """
    return math.inf if rate >= capacity else 60 * rate * share / (capacity - rate * (1 - share))


def takeover(scale: Scale, skew: Skew = UNEVEN) -> Iterator[str]:
    """How long a partition stands still whose owner was killed in the peak, by what its successor reads.

    That is all jobs of the partition, and the facts since the ledger's end was last asked for before the oldest
    execution was admitted that has not ended.
    """
    loads = _loads(skew, scale.tenant_count, scale.partition_count)
    usual = statistics.median(statistics.median(one) for one in loads)
    busiest = statistics.median(max(one) for one in loads)

    def line(name: str, seconds: Callable[[float], float]) -> str:
        return f"{name:<54}{some(seconds(usual)):>18}{some(seconds(busiest)):>20}"

    def facts_s(part: float, attempt_s: float) -> float:
        since_s = attempt_s + CHECKPOINT_IDLE_S
        return part * scale.peak * since_s * per_execution().fact_count * FACT_READ_US / 1e6 / CPU_LIMIT

    drawn = f"{scale.partition_count} partitions, {skew}"
    yield f"{f'seconds without an owner, {drawn}':<54}{'usual partition':>18}{'busiest partition':>20}"
    yield line("  until its death is noticed", lambda _: SESSION_S)
    yield line("  for its jobs", lambda part: part * scale.job_count * JOB_READ_US / 1e6 / CPU_LIMIT)
    yield line(f"  for facts, attempts of {scale.attempt_s:g} s", lambda part: facts_s(part, scale.attempt_s))
    yield line("  for facts, one attempt of an hour", lambda part: facts_s(part, 3600))


def limits(scale: Scale) -> list[tuple[str, float]]:
    """How many executions a day reach each bound, the lowest first; peaks as in the scale."""
    a_day = DAY_S / scale.peak_factor
    written, one = per_execution(), Scale(1, 1, 1, 1)
    largest = statistics.median(max(parts) for parts in _draws(VERY_UNEVEN, scale.tenant_count))
    busiest, alike = (
        statistics.median(max(one) for one in _loads(skew, scale.tenant_count, scale.partition_count))
        for skew in (VERY_UNEVEN, ALIKE)
    )
    found = {
        f"owner of the busiest partition, {VERY_UNEVEN}": owner_rate() * a_day / busiest,
        f"owner of the largest tenant, {VERY_UNEVEN}": owner_rate() * a_day / largest,
        f"owner of the busiest partition, {ALIKE}": owner_rate() * a_day / alike,
        f"disks of {COPIES} brokers after a year": COPIES * BROKER_TB / kept_tb(one, YEAR_DAYS),
        f"writes of {COPIES} brokers": BROKER_WRITE_MB_S * 1e6 * a_day / written.byte_count,
        "write-ahead log of one PostgreSQL (assumed)": POSTGRES_WAL_MB_S * 1e6 * a_day / ROW_WAL_BYTES,
        "one table for a month": POSTGRES_TABLE_BYTES_MAX / (MONTH_DAYS * ROW_BYTES),
    }
    return sorted(found.items(), key=lambda pair: pair[1])


def _crowded(scale: Scale, skew: Skew, partition_count: int) -> str:
    largest = [max(parts) * scale.peak for parts in _draws(skew, scale.tenant_count)]
    loads = _loads(skew, scale.tenant_count, partition_count)
    busiest = [max(one) * scale.peak for one in loads]
    beyond = [sum(load * scale.peak > owner_rate() for load in one) for one in loads]
    cells = [_median_and_worst(figures) for figures in (largest, busiest, beyond)]
    fifth = statistics.median(fifth_of(parts) for parts in _draws(skew, scale.tenant_count))
    return f"{skew!s:<16}{fifth:>11.0%}{partition_count:>12}{cells[0]:>20}{cells[1]:>22}{cells[2]:>18}"


def _waited(scale: Scale, skew: Skew, partition_count: int) -> str:
    loads = _loads(skew, scale.tenant_count, partition_count)
    usual = statistics.median(statistics.median(one) for one in loads)
    busiest = statistics.median(max(one) for one in loads)
    mean, peak = (f"{_s(usual * rate)}, {_s(busiest * rate)}" for rate in (scale.mean, scale.peak))
    return f"{skew!s:<16}{partition_count:>10}{mean:>24}{peak:>24}"


def _s(rate: float) -> str:
    waited = crowd_s(rate)
    return "never" if math.isinf(waited) else some(waited)


def _median_and_worst(figures: Sequence[float]) -> str:
    return f"{whole(statistics.median(figures))}, {whole(max(figures))}"


@lru_cache
def _draws(skew: Skew, tenant_count: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(weights(skew, tenant_count, draw)) for draw in range(DRAW_COUNT))


@lru_cache
def _loads(skew: Skew, tenant_count: int, partition_count: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(partition_loads(parts, partition_count)) for parts in _draws(skew, tenant_count))


@lru_cache
def _homes(tenant_count: int, partition_count: int) -> tuple[int, ...]:
    ids = (str(uuid5(NAMESPACE_URL, f"tenant {number}")) for number in range(tenant_count))
    return tuple(partition_of(tenant_id, partition_count) for tenant_id in ids)


def _chance(draw: int, number: int) -> float:
    """From 0 up to 1, without 1; evenly spread."""
    return int.from_bytes(blake2b(b"%d/%d" % (draw, number), digest_size=6).digest()) / 2**48
