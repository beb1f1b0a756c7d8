"""From an archive into an empty log.

Guarantee: nothing is written before the whole archive was found authentic and the log empty, with as many partitions.
The first thing written, in every partition, are checkpoints that keep every owner away (`OwnerCheckpointed.restoring`);
the last are the owners' own, after everything else was read back and found to be what the archive holds, and nobody
else's. So whatever interrupts a restore, nobody begins to work on half a log, and a second restore is refused.

Of the checkpoints the newest of each role and partition are restored, as compaction would leave them. Records get the
time of the restore as their timestamps, by which nothing is decided but how long a topic keeps them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from horolog.backup.archive import Entry, PartBegan, PartEnded, Piece, read_archive
from horolog.backup.keys import BackupKey
from horolog.backup.records import place_of, places_in_order, unpacked
from horolog.backup.sealing import ArchiveError
from horolog.backup.survey import Survey, survey
from horolog.backup.translation import PlaceReading, Translation, verbatim
from horolog.log.port import Log, Outgoing, Place, Record
from schemas.codec import headers_of
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS, DLQ, TOPICS

OWNER_ROLES = ("ticker", "dispatcher")
"""Who owns partitions: none of them may begin before the end."""
SOURCE = "horolog/restore"
APPEND_RECORD_COUNT_MAX = 500
APPEND_BYTES_MAX = 1024 * 1024
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN = frozenset(topic.name for topic in TOPICS)


class RestoreRefused(Exception):
    """The archive is not restored into this log; the message says why, `advice` what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored; checkpoints are counted as they were written."""

    made_at: datetime
    partition_count: int
    record_counts: dict[str, int]


async def restore(log: Log, file: BinaryIO, key: BackupKey) -> RestoreReport:
    """Write everything in the archive to the log; topics that are missing are created.

    Raises:
        ArchiveError: it is not whole or not authentic; nothing was written.
        RestoreRefused: before anything was written, or because somebody else writes to the log.
        LogError: the log could not be written; begin anew with an empty one.
    """
    return await restore_surveyed(log, survey(file, key), file, key)


async def restore_surveyed(log: Log, found: Survey, file: BinaryIO, key: BackupKey) -> RestoreReport:
    """As `restore`, of an archive that was surveyed already."""
    refuse_unfit(found, log.partition_count)
    await log.create_topics()
    await refuse_written(log)
    restoring = _Restoring(log, found)
    await restoring.keep_owners_away()
    file.seek(0)
    await restoring.write(read_archive(file, key))
    checkpoint_count = await restoring.let_owners_begin()
    counts = {**found.record_counts, CHECKPOINTS.name: checkpoint_count}
    return RestoreReport(found.manifest.made_at, log.partition_count, counts)


async def refuse_written(log: Log) -> None:
    """Refuse a log that has ever been written to.

    Raises:
        RestoreRefused: it has.
    """
    ends = await log.ends(places_in_order(log.partition_count))
    written = [place for place, end in ends.items() if end > 0]
    if not written:
        return
    if await _is_unfinished(log):
        raise RestoreRefused(
            "An earlier restore into this log was interrupted, so it holds only a part of a backup",
            "Remove it, and restore into an empty log: another directory, or another HOROLOG_TOPIC_PREFIX.",
        )
    place = written[0]
    raise RestoreRefused(
        f"The log is not empty: {place.topic}/{place.partition} has been written to",
        "Restore into an empty log: another directory, or another HOROLOG_TOPIC_PREFIX.",
    )


async def _is_unfinished(log: Log) -> bool:
    for partition in range(log.partition_count):
        for role in OWNER_ROLES:
            record = await log.latest(Place(CHECKPOINTS.name, partition), role.encode())
            if record is not None and b'"restoring":true' in (record.value or b""):
                return True
    return False


def refuse_unfit(found: Survey, partition_count: int) -> None:
    """Refuse an archive that does not fit into a log with so many partitions, or that holds more than a log.

    Raises:
        RestoreRefused: it does.
        ArchiveError: it contradicts itself.
    """
    strange = sorted({*found.other_parts, *({place.topic for place in found.places} - _KNOWN)})
    if strange:
        raise RestoreRefused(
            f"The backup holds what this version cannot restore: {', '.join(strange)}",
            "Restore it with the version of Horolog that made it, or a newer one.",
        )
    wanted = found.manifest.partition_count
    if wanted != partition_count:
        raise RestoreRefused(
            f"The backup is of a log with {wanted} partitions, but this one has {partition_count}",
            f"Tenants would move otherwise: restore into a new log with HOROLOG_PARTITIONS={wanted}.",
        )
    if any(place.partition >= wanted for place in found.places):
        raise ArchiveError("the backup has parts of more partitions than it says")


class _Restoring:
    """One restore under way."""

    def __init__(self, log: Log, found: Survey) -> None:
        self._log = log
        self._found = found
        self._translation = Translation()
        self._ends: dict[Place, int] = {}

    async def keep_owners_away(self) -> None:
        """Write the checkpoints that nobody owns a partition by."""
        guards = [_blank(role, partition, restoring=True) for role, partition in self._owners()]
        await self._log.append(guards)
        for partition in range(self._log.partition_count):
            digest = _Digest()
            for guard in guards:
                if guard.partition == partition:
                    digest.add(guard)
            await self._read_back(Place(CHECKPOINTS.name, partition), digest, frozenset())

    async def write(self, pieces: Iterable[Piece]) -> None:
        """Write every place but the checkpoints', each read back when it is there."""
        place: Place | None = None
        reading, batch = PlaceReading(()), _Batch(self._log)
        for piece in pieces:
            match piece:
                case PartBegan(name):
                    place = place_of(name)
                    assert place is not None
                    reading, batch = PlaceReading(self._found.named.get(place, ())), _Batch(self._log)
                case Entry(body) if place is not None and place.topic != CHECKPOINTS.name:
                    record = unpacked(place, body)
                    reading.note(record.offset)
                    await batch.add(self._here(record))
                case PartEnded() if place is not None and place.topic != CHECKPOINTS.name:
                    await batch.flush()
                    found = reading.end()
                    offsets = await self._read_back(place, batch.digest, frozenset(found.before.values()))
                    self._translation.learn(place, found, offsets)

    async def let_owners_begin(self) -> int:
        """Write the owners' checkpoints, if nobody else has written anything meanwhile; returns how many."""
        checkpoints = list(self._checkpoints())
        now = await self._log.ends(list(self._ends))
        for place, end in self._ends.items():
            if now[place] != end:
                raise _disturbed(place)
        await self._log.append(checkpoints)
        return len(checkpoints)

    def _owners(self) -> list[tuple[str, int]]:
        roles = {*OWNER_ROLES, *(role for _, role in self._found.checkpoints)}
        return [(role, partition) for partition in range(self._log.partition_count) for role in sorted(roles)]

    def _checkpoints(self) -> Iterator[Outgoing]:
        for role, partition in self._owners():
            kept = self._found.checkpoints.get((partition, role))
            if kept is None:
                # It stands for none: it names no position and no watermark, and the latest time that it knows is past.
                yield _blank(role, partition, restoring=False)
            else:
                yield self._translation.checkpoint(kept.message, kept.headers)

    def _here(self, record: Record) -> Outgoing:
        return self._translation.letter(record) if record.topic == DLQ.name else verbatim(record)

    async def _read_back(self, place: Place, written: "_Digest", indices: frozenset[int]) -> Mapping[int, int]:
        """The offsets of the records with these indices; the index after the last stands for the place's end.

        Raises:
            RestoreRefused: what lies there is not what was written.
        """
        start, end = (await self._log.starts([place]))[place], (await self._log.ends([place]))[place]
        digest, offsets, position = _Digest(), {}, start
        async for records in self._log.scan(place, start, end):
            for record in records:
                if digest.count in indices:
                    offsets[digest.count] = record.offset
                digest.add(record)
                position = record.offset + 1
        if (digest.count, digest.value()) != (written.count, written.value()):
            raise _disturbed(place)
        self._ends[place] = end
        return {**offsets, digest.count: position}


class _Digest:
    """What identifies a sequence of records, but for their offsets and timestamps."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, record: Record | Outgoing) -> None:
        """Go on with this record."""
        self._hash.update(repr((record.key, record.value, record.headers)).encode())
        self.count += 1

    def value(self) -> bytes:
        """The digest of all that came."""
        return self._hash.digest()


class _Batch:
    """Records of one place on their way into the log, many at a time."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: list[Outgoing] = []
        self._bytes = 0
        self.digest = _Digest()

    async def add(self, record: Outgoing) -> None:
        """Write the record now or with a later one."""
        self._waiting.append(record)
        self._bytes += len(record.value or b"")
        self.digest.add(record)
        if len(self._waiting) >= APPEND_RECORD_COUNT_MAX or self._bytes >= APPEND_BYTES_MAX:
            await self.flush()

    async def flush(self) -> None:
        """Write what was not written yet."""
        if self._waiting:
            await self._log.append(self._waiting)
        self._waiting, self._bytes = [], 0


def _blank(role: str, partition: int, restoring: bool) -> Outgoing:
    checkpoint = OwnerCheckpointed(
        role=role,
        partition=partition,
        owner="restore",
        epoch=0,
        acquired_at=_LONG_AGO,
        at=_LONG_AGO,
        positions={},
        restoring=restoring,
    )
    headers = headers_of(checkpoint, SOURCE, _LONG_AGO)
    return Outgoing(CHECKPOINTS.name, partition, role.encode(), checkpoint.to_json(), headers)


def _disturbed(place: Place) -> RestoreRefused:
    return RestoreRefused(
        f"{place.topic}/{place.partition} does not hold what was restored: somebody else writes to this log",
        "Stop every service that uses it, and restore again into an empty log.",
    )
