"""A log with a history of every kind, its archive, and logs to restore into: with gaps, failing, disturbed."""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

from horolog.adapters.system import SystemClock
from horolog.backup.archive import ArchiveWriter
from horolog.backup.backing_up import BackupReport, Source, back_up
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log, LogUnavailable, Outgoing, Place, Record
from horolog.log.refusals import dead_letter
from schemas.base import Message
from schemas.topics import COMMANDS, DAY_MS, DLQ, FIRES, JOB_TABLE, RESULTS, TENANTS, WORKERS
from tests.unit.backup.test_sealing import KEY, SALT
from tests.unit.projections.facts import HOME, PARTITIONS, START, admitted, beat, changed, checkpoint, job, outgoing

MADE_AT = datetime(2026, 3, 1, tzinfo=UTC)
KEPT = Outgoing(FIRES.name, HOME, b"kept", b"{}", (("twice", b"1"), ("twice", b"\xff"), ("empty", b"")))
INPUTS = {COMMANDS.name: 2, FIRES.name: 4, RESULTS.name: 0}


class OddLog(EmbeddedLog):
    """A log whose offsets have gaps, as Kafka's have: every second one, from 1 on."""

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return {place: 2 * start for place, start in (await super().starts(places)).items()}

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return {place: 2 * end for place, end in (await super().ends(places)).items()}

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        async for records in super().scan(place, start // 2, (end + 1) // 2):
            yield [
                Record(*place, 2 * r.offset + 1, r.key, r.value, r.headers, r.timestamp_ms)
                for r in records
                if start <= 2 * r.offset + 1 < end
            ]


class FailingLog(EmbeddedLog):
    """A log that takes so many appends, and then none any more."""

    append_count_left = 1_000_000

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.append_count_left == 0:
            raise LogUnavailable("the machine is gone")
        self.append_count_left -= 1
        await super().append(records)


class DisturbedLog(EmbeddedLog):
    """A log that a stranger writes to, right before the append of that number."""

    stranger: Outgoing
    before = 0
    append_count = 0

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.append_count == self.before:
            await super().append([self.stranger])
        self.append_count += 1
        await super().append(records)


async def empty(kind: type[EmbeddedLog] = EmbeddedLog, partition_count: int = PARTITIONS) -> EmbeddedLog:
    log = kind.open(None, SystemClock(), partition_count)
    await log.create_topics()
    return log


async def history() -> EmbeddedLog:
    """A log whose fires begin at 3, with letters about records that are there and gone, and tombstones."""
    log = await empty()
    await log.append([Outgoing(FIRES.name, HOME, b"old", b"{}") for _ in range(3)])
    await log.append([Outgoing(WORKERS.name, 0, b"old", b"{}")])
    now_ms = int(SystemClock().now().timestamp() * 1000)
    await log.sweep(now_ms + 40 * DAY_MS)
    await log.append([Outgoing(TENANTS.name, 1, b"gone", None), KEPT, Outgoing(FIRES.name, HOME, b"next", b"\x00")])
    await log.append([outgoing(changed(job())), Outgoing(JOB_TABLE.name, HOME, b"a", b"{")])
    await log.append([outgoing(admitted(number)) for number in range(1200)])
    await log.append([outgoing(beat())])
    await log.append([Outgoing(COMMANDS.name, HOME, b"%d" % number, b"{}") for number in range(3)])
    for place, offset in ((Place(JOB_TABLE.name, HOME), 0), (Place(FIRES.name, HOME), 1), (Place(FIRES.name, HOME), 4)):
        bad = Record(*place, offset, b"a", b"{", (), 0)
        await log.append([dead_letter(bad, "it is not JSON", "horolog/projections", START, 0)])
    await log.append([Outgoing(DLQ.name, 0, b"stranger", b"?")])
    for seconds in range(3):
        await log.append([outgoing(told) for told in owners(seconds)])
    return log


def owners(seconds: int) -> list[Message]:
    """Checkpoints of both roles."""
    table = {JOB_TABLE.name: min(seconds, 1)}
    return [
        checkpoint(5 + seconds, seconds, positions=table, watermark=START),
        checkpoint(7 + seconds, seconds, role="dispatcher", positions=INPUTS, replay_from=1000 + seconds),
    ]


async def archived(source: Source) -> tuple[io.BytesIO, BackupReport]:
    """The archive of a log."""
    file = io.BytesIO()
    report = await back_up(source, ArchiveWriter(file, KEY, SALT), MADE_AT)
    return io.BytesIO(file.getvalue()), report


async def content(log: Log, place: Place) -> list[Record]:
    """What the place holds."""
    start, end = (await log.starts([place]))[place], (await log.ends([place]))[place]
    return [record async for records in log.scan(place, start, end) for record in records]


async def from_position(log: Log, place: Place, position: int) -> list[tuple[bytes, bytes | None]]:
    """What somebody reads who begins there."""
    end = (await log.ends([place]))[place]
    return [(r.key, r.value) async for records in log.scan(place, position, end) for r in records]
