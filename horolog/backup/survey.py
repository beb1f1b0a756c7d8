"""Reading an archive to its end before anything of it is used.

Guarantee: a survey is of a whole and authentic archive. It holds little: counts, the newest checkpoints, and the
positions that records name; never the records.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from horolog.backup.archive import Entry, Manifest, PartBegan, PartEnded, Piece, read_archive
from horolog.backup.backing_up import newest_of
from horolog.backup.keys import BackupKey
from horolog.backup.records import place_of, unpacked
from horolog.backup.translation import letter_in
from horolog.log.port import Place, Record
from schemas.codec import Headers
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS, DLQ, EXECUTIONS


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """The newest checkpoint of a role and partition, with the headers of its record."""

    message: OwnerCheckpointed
    headers: Headers


@dataclass(slots=True)
class Survey:
    """What is in an archive. `named` are the positions in each place that records of the archive name.

    `other_parts` are parts that are not records of a log, with the numbers of their entries.
    """

    manifest: Manifest
    record_counts: dict[str, int] = field(default_factory=dict)
    other_parts: dict[str, int] = field(default_factory=dict)
    places: set[Place] = field(default_factory=set)
    checkpoints: dict[tuple[int, str], KeptCheckpoint] = field(default_factory=dict)
    named: dict[Place, set[int]] = field(default_factory=lambda: defaultdict(set))


def survey(file: BinaryIO, key: BackupKey) -> Survey:
    """What is in the archive, which is the whole file.

    Raises:
        ArchiveError: it is not whole, not authentic, or not understood.
    """
    file.seek(0)
    pieces = read_archive(file, key)
    manifest = next(pieces)
    assert isinstance(manifest, Manifest)
    found = Survey(manifest)
    _look(pieces, found)
    for (partition, _), kept in found.checkpoints.items():
        for topic, position in kept.message.positions.items():
            found.named[Place(topic, partition)].add(position)
        if kept.message.replay_from is not None:
            found.named[Place(EXECUTIONS.name, partition)].add(kept.message.replay_from)
    return found


def _look(pieces: Iterable[Piece], found: Survey) -> None:
    place: Place | None = None
    for piece in pieces:
        match piece:
            case PartBegan(name):
                place = place_of(name)
            case Entry(body) if place is not None:
                _note(unpacked(place, body), found)
            case PartEnded(name, count) if place is None:
                found.other_parts[name] = count
            case PartEnded(_, count) if place is not None:
                found.places.add(place)
                found.record_counts[place.topic] = found.record_counts.get(place.topic, 0) + count


def _note(record: Record, found: Survey) -> None:
    if record.topic == CHECKPOINTS.name:
        for (partition, _), message in newest_of([record], found.manifest.partition_count).items():
            found.checkpoints[partition, message.role] = KeptCheckpoint(message, record.headers)
    elif record.topic == DLQ.name and (letter := letter_in(record)) is not None:
        found.named[Place(letter.topic, letter.partition)].add(letter.offset)
