"""What records say of positions, said of the positions in another log.

Guarantee: a position is that of the same record again, or, where it was in a gap, of the record after it; the end stays
the end. Which fields name positions: `positions` and `replay_from` of a checkpoint, and of a dead letter the `offset`,
with the key and the two headers that repeat it. A dead letter about a record that is not in the backup any more gets
the offset -1: its old one may be another record's now, whose own letter would be taken for written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from horolog.log.port import Outgoing, Place, Record
from schemas.base import Message
from schemas.codec import Headers, RecordError, decode
from schemas.events.owners import OwnerCheckpointed, RecordRefused
from schemas.topics import CHECKPOINTS, EXECUTIONS

NOT_KEPT = -1


@dataclass(slots=True)
class PlaceMap:
    """How many records of a place come before each position that is named; `exact` are records' own positions."""

    before: dict[int, int] = field(default_factory=dict)
    exact: set[int] = field(default_factory=set)


class PlaceReading:
    """Finds the named positions of one place among its records' old offsets, which come in order."""

    def __init__(self, named: Iterable[int]) -> None:
        self._waiting = sorted(named, reverse=True)
        self._count = 0
        self.found = PlaceMap()

    @property
    def count(self) -> int:
        """How many records came."""
        return self._count

    def note(self, offset: int) -> None:
        """The next record had this offset."""
        while self._waiting and self._waiting[-1] <= offset:
            position = self._waiting.pop()
            self.found.before[position] = self._count
            if position == offset:
                self.found.exact.add(position)
        self._count += 1

    def end(self) -> PlaceMap:
        """No more records come; what is still waited for lies at the end or after it."""
        while self._waiting:
            self.found.before[self._waiting.pop()] = self._count
        return self.found


@dataclass(slots=True)
class Translation:
    """Old positions to new ones, as far as they were named and their places are written."""

    positions: dict[Place, dict[int, int]] = field(default_factory=dict)
    records: dict[Place, set[int]] = field(default_factory=dict)

    def learn(self, place: Place, found: PlaceMap, offset_of_index: Mapping[int, int]) -> None:
        """Take note of a place that is written; `offset_of_index` gives the new position at each of its indices."""
        self.positions[place] = {position: offset_of_index[index] for position, index in found.before.items()}
        self.records[place] = found.exact

    def checkpoint(self, message: OwnerCheckpointed, headers: Headers) -> Outgoing:
        """The record of the checkpoint in the new log. Topics that are not in it are not read there, either."""
        partition = message.partition
        places = {topic: Place(topic, partition) for topic in message.positions}
        moved = {
            topic: self.positions[place][message.positions[topic]]
            for topic, place in places.items()
            if place in self.positions
        }
        ledger = self.positions.get(Place(EXECUTIONS.name, partition), {})
        replay_from = None if message.replay_from is None else ledger.get(message.replay_from, 0)
        here = message.model_copy(update={"positions": moved, "replay_from": replay_from})
        return Outgoing(CHECKPOINTS.name, partition, message.role.encode(), here.to_json(), _renamed(headers, here))

    def letter(self, record: Record) -> Outgoing:
        """A record of the dead-letter topic in the new log; one that is no letter stays as it is."""
        letter = letter_in(record)
        if letter is None:
            return verbatim(record)
        place = Place(letter.topic, letter.partition)
        is_kept = letter.offset in self.records.get(place, ())
        offset = self.positions[place][letter.offset] if is_kept else NOT_KEPT
        here = letter.model_copy(update={"offset": offset})
        headers = _renamed(record.headers, here)
        return Outgoing(record.topic, record.partition, here.subject().encode(), here.to_json(), headers)


def verbatim(record: Record) -> Outgoing:
    """The record as it is."""
    return Outgoing(record.topic, record.partition, record.key, record.value, record.headers)


def letter_in(record: Record) -> RecordRefused | None:
    """The dead letter in a record, if there is one."""
    try:
        return cast("RecordRefused", decode(record.topic, record.headers, record.value))
    except RecordError:
        return None


def _renamed(headers: Headers, message: Message) -> Headers:
    """The headers, with those that follow from the message as they are for this one."""
    told = {"ce_type": message.TYPE, "ce_id": message.message_id(), "ce_subject": message.subject()}
    return tuple((name, told[name].encode() if name in told else content) for name, content in headers)
