"""The log port: what the services ask of a log, and what each call guarantees.

Topics are named without prefix (`schemas.topics.Topic.name`); adapters add the configured prefix. Offsets may
have gaps: the position after a record is its offset plus one, and nothing else may be computed from offsets.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.codec import Headers


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be written. A `value` of None is a tombstone in a compacted topic."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A committed record. `timestamp_ms` is the writer's wall clock; nothing may be decided by it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers
    timestamp_ms: int


class LogError(Exception):
    """The log cannot do what was asked."""


class LogUnavailable(LogError):
    """The log does not answer; the call had no effect, or is safe to repeat."""


class Fenced(LogError):
    """A newer writer holds this role and partition. Whoever sees it gives the partition up for good."""


class CommitUnknown(LogError):
    """The commit may or may not have taken effect.

    The only way on: drop the writer and all state derived from it, open a new writer, read the committed log.
    """


class PlaceError(LogError):
    """One place cannot be read from where it was to be; `place` says which, and every other is as it was."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{place.topic}/{place.partition} {reason}")
        self.place = place


class PositionLost(PlaceError):
    """The position asked for precedes the oldest record that the log still keeps (invariant: never skip silently)."""


class Reader(Protocol):
    """Reads committed records of many places, each in order. One task at a time may use a reader."""

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read exactly these places from now on; a place that is already read keeps its own position."""

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        """Up to `record_count_max` records; returns as soon as there is one, or empty after `timeout_s`.

        The records of one place are contiguous in the answer and in order. Cancelling a poll loses nothing.

        Raises:
            PositionLost: a place's position precedes the log's start.
            PlaceError: a place cannot be read on for another reason of its own.

            After either, the other places are read on as soon as that one is no longer assigned.
        """
        ...

    def is_behind(self, place: Place) -> bool:
        """Whether more of an assigned place is known to be in the log than was returned, or its end is not known yet.

        What is known is as old as the last exchange with the log.
        """
        ...

    def lag(self, place: Place) -> int:
        """How many positions of an assigned place are known to lie before the log's end; 1 where that is not known.

        For the figures: positions have gaps, and what is known is as old as the last exchange with the log.
        """
        ...

    def pause(self, places: frozenset[Place]) -> None:
        """Do not return records of these places (and only these) until the next call of `pause`."""

    async def close(self) -> None:
        """Release everything; idempotent."""


class Writer(Protocol):
    """The fenced writer of one role and partition. One commit at a time."""

    @property
    def epoch(self) -> int:
        """Rises with every writer opened for this role and partition."""
        ...

    async def commit(self, records: Sequence[Outgoing]) -> None:
        """Append all records atomically, in order within each place; durable and visible when this returns.

        Raises:
            Fenced: nothing was written; a newer writer exists.
            CommitUnknown: whether it was written is unknown.
        """

    async def close(self) -> None:
        """Release everything; idempotent. Closing does not fence."""


class Membership(Protocol):
    """One member's part in sharing out the partitions of a role."""

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that this member may work on now. Fencing, not this, is what makes it safe."""
        ...

    @property
    def generation(self) -> int:
        """Rises with every change of ownership seen by this member."""
        ...

    async def changed(self, generation: int) -> None:
        """Wait until the generation is no longer `generation`."""

    async def leave(self) -> None:
        """Give everything up, so that others take over at once; idempotent."""


class Log(Protocol):
    """A partitioned log."""

    @property
    def partition_count(self) -> int:
        """The same for every topic, fixed when the topics were created."""
        ...

    async def create_topics(self) -> Sequence[str]:
        """Create what is missing of `schemas.topics.TOPICS`; returns the names created. Idempotent.

        Raises:
            LogError: a topic exists with another number of partitions.
        """
        ...

    async def append(self, records: Sequence[Outgoing]) -> None:
        """Append without fencing (commands, reports, beats); durable when this returns.

        Not atomic over several records, and a retry inside may not duplicate: the adapter is idempotent.

        Raises:
            LogUnavailable: some or all may not have been written; repeating may duplicate.
        """

    def reader(self) -> Reader:
        """A new reader with nothing assigned."""
        ...

    async def open_writer(self, role: str, partition: int) -> Writer:
        """A writer that fences every older one of this role and partition, and ends their open commits."""
        ...

    async def join(self, role: str, member: str) -> Membership:
        """Take part in sharing out the role's partitions; `member` is a name for people."""
        ...

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The oldest offset still kept, for each place."""
        ...

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The position after the last committed record, for each place."""
        ...

    def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        """The committed records from `start` up to `end` (exclusive), in batches; ends by itself."""
        ...

    async def latest(self, place: Place, key: bytes) -> Record | None:
        """The last committed record with this key, found from the end backwards (tombstones count)."""
        ...

    async def close(self) -> None:
        """Release everything; idempotent."""
