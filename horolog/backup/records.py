"""A record of the log as an entry of an archive, byte for byte, and the parts that such entries are in."""

import struct

from horolog.backup.archive import ENTRY_BYTES_MAX
from horolog.backup.sealing import ArchiveError
from horolog.log.port import Place, Record
from schemas.codec import Headers
from schemas.topics import CHECKPOINTS, DLQ, RECORD_BYTES_MAX, TOPICS

_PREFIX = "log"
_HEAD = struct.Struct(">qqiiI")
_SIZES = struct.Struct(">II")
_NO_VALUE = -1

_LAST = (DLQ, CHECKPOINTS)
TOPICS_IN_ORDER = (*(topic for topic in TOPICS if topic not in _LAST), *_LAST)
"""What names positions comes after what it names, and checkpoints, which let owners begin, at the end."""


def places_in_order(partition_count: int) -> list[Place]:
    """Every place of a log, in the order of an archive."""
    return [Place(topic.name, partition) for topic in TOPICS_IN_ORDER for partition in range(partition_count)]


def part_of(place: Place) -> str:
    """The name of the part that holds the place's records."""
    return f"{_PREFIX}/{place.topic}/{place.partition}"


def place_of(part: str) -> Place | None:
    """The place whose records are in the part; None for a part of another kind."""
    match part.split("/"):
        case [prefix, topic, partition] if prefix == _PREFIX and partition.isdecimal():
            return Place(topic, int(partition))
    return None


def is_oversized(record: Record) -> bool:
    """Whether the record is a stranger's that no log of ours would take, and that every reader refuses."""
    size = _HEAD.size + len(record.key) + sum(_SIZES.size + len(n.encode()) + len(v) for n, v in record.headers)
    return len(record.value or b"") > RECORD_BYTES_MAX or size > ENTRY_BYTES_MAX - RECORD_BYTES_MAX


def packed(record: Record) -> bytes:
    """The record as bytes."""
    value_bytes = _NO_VALUE if record.value is None else len(record.value)
    parts = [_HEAD.pack(record.offset, record.timestamp_ms, len(record.key), value_bytes, len(record.headers))]
    parts += [record.key, record.value or b""]
    for name, content in record.headers:
        encoded = name.encode()
        parts += [_SIZES.pack(len(encoded), len(content)), encoded, content]
    return b"".join(parts)


def unpacked(place: Place, body: bytes) -> Record:
    """The record in an entry.

    Raises:
        ArchiveError: there is none.
    """
    cursor = _Cursor(body)
    try:
        offset, timestamp_ms, key_bytes, value_bytes, header_count = _HEAD.unpack(cursor.take(_HEAD.size))
        key = cursor.take(key_bytes)
        value = None if value_bytes == _NO_VALUE else cursor.take(value_bytes)
        headers: Headers = tuple(_header(cursor) for _ in range(header_count))
    except (struct.error, UnicodeDecodeError, EOFError) as error:
        raise ArchiveError(f"an entry of {part_of(place)} is not a record") from error
    if cursor.at != len(body):
        raise ArchiveError(f"an entry of {part_of(place)} is more than a record")
    return Record(*place, offset, key, value, headers, timestamp_ms)


def _header(cursor: "_Cursor") -> tuple[str, bytes]:
    name_bytes, content_bytes = _SIZES.unpack(cursor.take(_SIZES.size))
    return cursor.take(name_bytes).decode(), cursor.take(content_bytes)


class _Cursor:
    """Takes bytes from the front, never more than there are."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._body) - self.at:
            raise EOFError
        self.at += count
        return self._body[self.at - count : self.at]
