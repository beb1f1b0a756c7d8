"""What is inside an archive: a manifest, then named parts, one after the other, each with its entries.

Guarantee: a part that ends has all of its entries, and no part comes twice. A part's entries are bytes to this module,
so that later versions can add parts of other kinds; whoever restores refuses the parts that it does not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, BinaryIO

from pydantic import Field, ValidationError

from horolog.backup.keys import BackupKey
from horolog.backup.sealing import ArchiveError, SealingWriter, opened_chunks
from schemas.base import UtcTime, Value

ENTRY_BYTES_MAX = 3 * 1024 * 1024
_MANIFEST, _BEGIN, _ENTRY, _END = 1, 2, 3, 4
_HEAD_BYTES = 5


class Manifest(Value):
    """What the archive is. `partition_count` is that of the log."""

    made_at: UtcTime
    partition_count: Annotated[int, Field(ge=1)]
    format: int = 1


@dataclass(frozen=True, slots=True)
class PartBegan:
    """The entries that follow are this part's."""

    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the part that began last."""

    body: bytes


@dataclass(frozen=True, slots=True)
class PartEnded:
    """The part has had all its entries."""

    name: str
    entry_count: int


Piece = Manifest | PartBegan | Entry | PartEnded


class ArchiveWriter:
    """Writes an archive; parts may not overlap. Without `finish` it is worth nothing."""

    def __init__(self, file: BinaryIO, key: BackupKey, salt: bytes) -> None:
        self._stream = SealingWriter(file, key, salt)
        self._part: str | None = None
        self._entry_count = 0

    def manifest(self, partition_count: int, made_at: datetime) -> None:
        """Say what the archive is; the first thing in it."""
        self._write(_MANIFEST, Manifest(made_at=made_at, partition_count=partition_count).to_json())

    def begin(self, name: str) -> None:
        """Begin a part."""
        assert self._part is None
        self._part, self._entry_count = name, 0
        self._write(_BEGIN, name.encode())

    def entry(self, body: bytes) -> None:
        """Add an entry of at most `ENTRY_BYTES_MAX` to the part."""
        assert self._part is not None
        assert len(body) <= ENTRY_BYTES_MAX
        self._write(_ENTRY, body)
        self._entry_count += 1

    def end(self) -> None:
        """End the part."""
        assert self._part is not None
        self._write(_END, self._entry_count.to_bytes(8, "big") + self._part.encode())
        self._part = None

    def finish(self) -> None:
        """End the archive."""
        assert self._part is None
        self._stream.finish()

    def _write(self, kind: int, body: bytes) -> None:
        self._stream.write(bytes([kind]) + len(body).to_bytes(4, "big") + body)


def read_archive(file: BinaryIO, key: BackupKey) -> Iterator[Piece]:
    """The pieces of an archive, the manifest first; only when all came, it was whole.

    Raises:
        ArchiveError: as `opened_chunks`, or it does not keep this module's order.
    """
    pieces = (piece for chunk in opened_chunks(file, key) for piece in _pieces(chunk))
    manifest = next(pieces, None)
    if not isinstance(manifest, Manifest):
        raise ArchiveError("the backup does not begin with what it is")
    yield manifest
    part: str | None = None
    seen: set[str] = set()
    count = 0
    for piece in pieces:
        match piece:
            case PartBegan(name) if part is None and name not in seen:
                part, count = name, 0
                seen.add(name)
            case Entry() if part is not None:
                count += 1
            case PartEnded(name, entry_count) if part == name and count == entry_count:
                part = None
            case _:
                raise ArchiveError("the backup's parts are not in order")
        yield piece
    if part is not None:
        raise ArchiveError(f"the backup ends in the middle of its part {part}")


def _pieces(chunk: bytes) -> Iterator[Piece]:
    at = 0
    while at < len(chunk):
        kind, size = chunk[at], int.from_bytes(chunk[at + 1 : at + _HEAD_BYTES], "big")
        body = chunk[at + _HEAD_BYTES : at + _HEAD_BYTES + size]
        if at + _HEAD_BYTES + size > len(chunk):
            raise ArchiveError("a piece of the backup is not whole")
        yield _piece(kind, body)
        at += _HEAD_BYTES + size


def _piece(kind: int, body: bytes) -> Piece:
    try:
        match kind:
            case 1:
                return Manifest.model_validate_json(body)
            case 2:
                return PartBegan(body.decode())
            case 3:
                return Entry(body)
            case 4 if len(body) >= 8:
                return PartEnded(body[8:].decode(), int.from_bytes(body[:8], "big"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise ArchiveError("a piece of the backup cannot be understood") from error
    raise ArchiveError(f"the backup holds a piece of an unknown kind ({kind})")
