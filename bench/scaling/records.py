"""What an execution leaves in the log, and how much of it is kept for how long."""

from dataclasses import dataclass
from functools import lru_cache

from bench.lives import life, stored_bytes
from bench.scaling.costs import COPIES
from bench.scaling.scale import Scale
from schemas.topics import DAY_MS, EXECUTIONS, KEEP_FOR_EVER, TOPICS


@dataclass(frozen=True, slots=True)
class Written:
    """`fact_count` of them are on the ledger.

    `ever_bytes` stay; `limited_byte_days` are bytes, each times the days that it is kept.
    """

    record_count: int
    fact_count: int
    byte_count: int
    ever_bytes: int
    limited_byte_days: float


@lru_cache
def per_execution() -> Written:
    """Of one HTTP execution with one attempt."""
    kept = {topic.name: topic.retention_ms for topic in TOPICS}
    sizes = [(stored_bytes(record), kept[record.topic]) for record in life()]
    return Written(
        record_count=len(sizes),
        fact_count=sum(record.topic == EXECUTIONS.name for record in life()),
        byte_count=sum(size for size, _ in sizes),
        ever_bytes=sum(size for size, kept_ms in sizes if kept_ms == KEEP_FOR_EVER),
        limited_byte_days=sum(size * kept_ms / DAY_MS for size, kept_ms in sizes if kept_ms != KEEP_FOR_EVER),
    )


def kept_tb(scale: Scale, days: float) -> float:
    """Of all copies, once topics with a retention are full, and others are so many days old."""
    written = per_execution()
    return COPIES * scale.executions_per_day * (written.limited_byte_days + days * written.ever_bytes) / 1e12
