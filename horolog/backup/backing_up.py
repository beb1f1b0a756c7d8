"""From a log into an archive.

Guarantee: the archive is the log as of one moment, whatever topics and partitions there are: all ends are asked for
twice, and once more after the last record was read; if any of them has moved, there is no backup. What the log keeps
is all there, in order; only strangers' records that no log of ours would take are left out, and counted. A log that
cannot be told whole is refused: one that has lost facts that are kept for ever, one whose owners have not told yet of
what was lost before they read it, and one that a restore has left unfinished.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from horolog.backup.archive import ArchiveWriter
from horolog.backup.records import is_oversized, packed, part_of, places_in_order
from horolog.log.port import Place, Record
from horolog.log.refusals import check_home
from schemas.codec import RecordError, decode
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS, KEEP_FOR_EVER, TOPICS

_FOR_EVER = frozenset(t.name for t in TOPICS if t.retention_ms == KEEP_FOR_EVER and not t.compacted)

Positions = Mapping[Place, int]


class Source(Protocol):
    """The part of a log that is needed to back it up.

    `ends` must hide nothing that was committed before it was asked.
    """

    @property
    def partition_count(self) -> int: ...

    async def starts(self, places: Sequence[Place]) -> Positions: ...

    async def ends(self, places: Sequence[Place]) -> Positions: ...

    def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]: ...


class BackupRefused(Exception):
    """There is no backup; the message says why, `advice` what to do."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


@dataclass(slots=True)
class BackupReport:
    """How many records of each topic are in the archive, and how many were left out."""

    record_counts: dict[str, int] = field(default_factory=dict)
    left_out_count: int = 0


async def back_up(source: Source, writer: ArchiveWriter, made_at: datetime) -> BackupReport:
    """Write everything that the log keeps, and finish the archive.

    Raises:
        BackupRefused: what was written is no backup.
        LogError: the log cannot be read.
    """
    places = places_in_order(source.partition_count)
    starts, ends = await source.starts(places), await source.ends(places)
    _refuse_losses(starts)
    await _refuse_moved(source, ends)
    writer.manifest(source.partition_count, made_at)
    report = BackupReport()
    newest: dict[tuple[int, bytes], OwnerCheckpointed] = {}
    for place in places:
        report.record_counts.setdefault(place.topic, 0)
        writer.begin(part_of(place))
        async for records in source.scan(place, starts[place], ends[place]):
            _write(records, writer, report)
            if place.topic == CHECKPOINTS.name:
                newest |= newest_of(records, source.partition_count)
        writer.end()
    await _refuse_moved(source, ends)
    for checkpoint in newest.values():
        _refuse_unfinished(checkpoint, starts)
    writer.finish()
    return report


def newest_of(records: Sequence[Record], partition_count: int) -> dict[tuple[int, bytes], OwnerCheckpointed]:
    """The newest checkpoint of each partition and role among the records, as their owners would understand them."""
    found: dict[tuple[int, bytes], OwnerCheckpointed] = {}
    for record in records:
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, partition_count)
        except RecordError:
            continue
        assert isinstance(message, OwnerCheckpointed)
        found[record.partition, record.key] = message
    return found


def _write(records: Sequence[Record], writer: ArchiveWriter, report: BackupReport) -> None:
    for record in records:
        if is_oversized(record):
            report.left_out_count += 1
            continue
        writer.entry(packed(record))
        report.record_counts[record.topic] += 1


async def _refuse_moved(source: Source, ends: Positions) -> None:
    # Ends never go back. That every one is the same when asked again means that between the two questions there was a
    # moment at which all of them were: the log as of that moment is what is read.
    now = await source.ends(list(ends))
    for place, end in ends.items():
        if now[place] != end:
            reason = f"{place.topic}/{place.partition} still moves: it ended at {end} and now ends at {now[place]}"
            raise BackupRefused(reason, "Stop every service that uses this log, and back it up again.")


def _refuse_losses(starts: Positions) -> None:
    for place, start in starts.items():
        if start > 0 and place.topic in _FOR_EVER:
            reason = f"{place.topic}/{place.partition} begins at {start}: facts that are kept for ever are gone"
            raise BackupRefused(reason, "A log that is restored from this would hide the loss; find an older backup.")


def _refuse_unfinished(checkpoint: OwnerCheckpointed, starts: Positions) -> None:
    if checkpoint.restoring:
        reason = f"a restore into this log was interrupted: partition {checkpoint.partition} is not complete"
        raise BackupRefused(reason, "Restore again into an empty log.")
    for topic, position in checkpoint.positions.items():
        start = starts.get(Place(topic, checkpoint.partition), 0)
        if position < start:
            reason = (
                f"{topic}/{checkpoint.partition} kept nothing before {start}, but its {checkpoint.role} had read only "
                f"up to {position} and has not told of the loss yet"
            )
            raise BackupRefused(reason, "Start the services once, so that they tell of it; then stop and back up.")
