"""Events from the topics, one after the other, from a position that the caller keeps.

Guarantee: of each place every record from the position on is handed over, in order. What cannot be decoded is handed
over as such, and what the log no longer keeps is an error: nothing is skipped silently. `position` is after the event
that was handed over last: whoever keeps it once that event is dealt with sees each event at least once, and after a
crash none is missed.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from horolog.log.port import Log, Place, Reader, Record
from schemas.base import Message
from schemas.codec import RecordError, decode, time_of
from schemas.topics import TOPICS, Topic, partition_of

POLL_RECORD_COUNT = 500
POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Position:
    """Which record comes next, for each place; as JSON it may be kept anywhere."""

    offsets: Mapping[Place, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """The position as JSON."""
        told = sorted((place.topic, place.partition, offset) for place, offset in self.offsets.items())
        return json.dumps([{"topic": topic, "partition": number, "offset": at} for topic, number, at in told])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The position that `to_json` wrote.

        Raises:
            ValueError: it is none.
        """
        try:
            return cls(
                {Place(str(one["topic"]), int(one["partition"])): int(one["offset"]) for one in json.loads(text)}
            )
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError("this is not a position that was kept") from error


@dataclass(frozen=True, slots=True)
class Event:
    """A message of `schemas`, where it lies in the log, and when it was written, if it says so."""

    message: Message
    place: Place
    offset: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record that is none of ours, or of a version that this one does not know; `reason` is a sentence."""

    record: Record
    reason: str


class EventConsumer:
    """Reads topics: all partitions, or with a tenant only that of the tenant, and of it only the tenant's events.

    Places that the position does not name are read from the oldest record that is kept.
    """

    def __init__(
        self, log: Log, topics: Sequence[Topic], position: Position | None = None, *, tenant_id: str | None = None
    ) -> None:
        if not topics or any(topic not in TOPICS for topic in topics):
            raise ValueError("topics are those of schemas.topics")
        self._log = log
        self._tenant_id = tenant_id
        count = log.partition_count
        partitions = range(count) if tenant_id is None else (partition_of(tenant_id, count),)
        self._places = [Place(topic.name, partition) for topic in topics for partition in partitions]
        self._offsets = dict(position.offsets) if position is not None else {}

    @property
    def position(self) -> Position:
        """After the event that was handed over last."""
        return Position(dict(self._offsets))

    async def skip_to_end(self) -> None:
        """Begin with what is written from now on.

        Raises:
            LogUnavailable: the log does not say where that is.
        """
        self._offsets.update(await self._log.ends(self._places))

    async def events(self, *, follow: bool = True) -> AsyncGenerator[Event | Undecodable, None]:
        """The events, for ever; without `follow` only up to where the topics end now.

        Raises:
            PositionLost: the log no longer keeps what comes next.
            LogError: it cannot be read; the position stays as it is.
        """
        starts = await self._log.starts([place for place in self._places if place not in self._offsets])
        ends = {} if follow else await self._log.ends(self._places)
        self._offsets.update(starts)
        reader = self._log.reader()
        try:
            reader.assign({place: self._offsets[place] for place in self._places})
            async with aclosing(self._read(reader, ends, follow)) as found:
                async for event in found:
                    yield event
        finally:
            await reader.close()

    async def _read(
        self, reader: Reader, ends: Mapping[Place, int], follow: bool
    ) -> AsyncGenerator[Event | Undecodable, None]:
        while follow or self._left(reader, ends):
            for record in await reader.poll(POLL_RECORD_COUNT, POLL_S):
                place = Place(record.topic, record.partition)
                if not follow and record.offset >= ends[place]:
                    continue
                self._offsets[place] = record.offset + 1
                event = _event_of(record, place)
                if isinstance(event, Undecodable) or self._tenant_id in (None, event.message.tenant_id):
                    yield event

    def _left(self, reader: Reader, ends: Mapping[Place, int]) -> bool:
        # Where marks and not records come last, no record says that the end is reached.
        return any(self._offsets[place] < end and reader.is_behind(place) for place, end in ends.items())


def _event_of(record: Record, place: Place) -> Event | Undecodable:
    try:
        message = decode(record.topic, record.headers, record.value)
    except RecordError as error:
        return Undecodable(record, str(error))
    return Event(message, place, record.offset, time_of(record.headers))
