"""What keeps the records beneath the embedded log: the interface of `memory` and `sqlite`, and the rules of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from horolog.log.port import LogError, Outgoing, Place, Record
from schemas.topics import CHECKPOINTS, DAY_MS, RECORD_BYTES_MAX, TOPICS, Topic

SUPERSEDED_KEPT_MS = DAY_MS
"""How long a compacted topic keeps a record after a newer one with its key: readers follow the recent history."""
CHECKPOINT_SUPERSEDED_KEPT_MS = 600_000
"""Of checkpoints only the last is ever read, and there are many."""

_TOPIC_OF_NAME = {topic.name: topic for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Fence:
    """Who writes: only the newest epoch of a role and partition may."""

    role: str
    partition: int
    epoch: int


@dataclass(frozen=True, slots=True)
class ColdRead:
    """Records from the engine, the position after them, and the place's start when they were read."""

    records: Sequence[Record]
    position: int
    start: int


class Engine(Protocol):
    """Keeps records. What it has made durable it publishes to the tails before the call returns."""

    async def write(self, records: Sequence[Outgoing], fence: Fence | None) -> None:
        """Append all records, or none.

        Raises:
            Fenced: there is a newer epoch; nothing was written.
            LogError: it could not be written.
        """

    async def raise_epoch(self, role: str, partition: int) -> int:
        """Begin a new epoch; older ones can no longer write."""
        ...

    async def read(self, place: Place, position: int, count_max: int) -> ColdRead:
        """Records that the tail no longer holds."""
        ...

    async def latest(self, place: Place, key: bytes) -> Record | None:
        """The last record with this key."""
        ...

    async def create_topics(self, topics: Sequence[Topic], partition_count: int) -> Sequence[str]:
        """Remember the topics; returns the names of new ones.

        Raises:
            LogError: one exists with another number of partitions.
        """
        ...

    async def sweep(self, now_ms: int) -> int:
        """Remove what need not be kept; returns the number of records removed."""
        ...

    async def close(self) -> None:
        """Finish what is under way and release everything."""


def check(records: Sequence[Outgoing], partition_count: int) -> None:
    """Refuse what no log takes, before anything is written.

    Raises:
        ValueError: a partition that does not exist, or a value above `RECORD_BYTES_MAX`.
    """
    for record in records:
        if not 0 <= record.partition < partition_count:
            raise ValueError(f"there is no partition {record.partition} of {record.topic}")
        if record.value is not None and len(record.value) > RECORD_BYTES_MAX:
            raise ValueError(f"a value of {len(record.value)} bytes; at most {RECORD_BYTES_MAX} are allowed")


def is_compacted(topic: str) -> bool:
    """Whether a topic keeps the last record of each key only."""
    known = _TOPIC_OF_NAME.get(topic)
    return known is not None and known.compacted


def superseded_kept_ms(topic: str) -> int:
    """How long a record of a compacted topic stays after it was superseded."""
    return CHECKPOINT_SUPERSEDED_KEPT_MS if topic == CHECKPOINTS.name else SUPERSEDED_KEPT_MS


def expiry_ms(topic: str, now_ms: int) -> int | None:
    """Records of the topic written before this instant are to go; None when age does not matter."""
    known = _TOPIC_OF_NAME.get(topic)
    if known is None or known.compacted or known.retention_ms < 0:
        return None
    return now_ms - known.retention_ms


def same_count(topic: str, found: int, wanted: int) -> None:
    """Partition counts are for ever: tenants would move otherwise.

    Raises:
        LogError: they differ.
    """
    if found != wanted:
        raise LogError(f"the topic {topic} has {found} partitions, but {wanted} are configured")
