"""The projector: reads facts of the partitions that fall to it, and applies them batch by batch.

Guarantee: exactly once, in order within each place; see `writer`. It writes at once when idle; under load the next
batch grows while the last one is being written. Without PostgreSQL or the log it waits, and goes on by itself.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from horolog.limits import PROJECTION_BATCH_COUNT_MAX
from horolog.log.port import Log, LogError, Membership, Outgoing, Place, Reader, Record
from horolog.ports import Clock
from projections.connections import UNAVAILABLE, connect, is_refusal
from projections.fold import SOURCES, Folded, Refusal, fold
from projections.partitions import ensure_partitions
from projections.writer import PositionsMoved, Writer
from schemas.codec import headers_of
from schemas.events.owners import RecordRefused
from schemas.events.workers import SYSTEM_TENANT
from schemas.topics import DLQ, partition_of

_logger = logging.getLogger(__name__)

ROLE = "projections"
SOURCE = "horolog/projections"
POLL_S = 1.0
RETRY_S = 0.5
MONTHS_CHECK_S = 3600.0
REFUSED_VALUE_BYTES_MAX = 64 * 1024


class Notify(Protocol):
    """Tells whoever waits that commands have taken effect in the read models."""

    async def applied(self, command_ids: Sequence[str]) -> None:
        """Tell it. Never raises: nothing depends on being heard."""


class Silence:
    """Tells nobody; waiters poll."""

    async def applied(self, command_ids: Sequence[str]) -> None:
        """Nothing happens."""


@dataclass(frozen=True, slots=True)
class ProjectorSettings:
    """`linger_s` is the least time between two writes: under load it folds more events into one row change."""

    member: str
    dsn: str
    linger_s: float = 0.01
    batch_count_max: int = PROJECTION_BATCH_COUNT_MAX


@dataclass(slots=True)
class ProjectorCounters:
    """What the metrics report."""

    records: int = 0
    batches: int = 0
    refused: int = 0


@dataclass(slots=True)
class Projector:
    """Applies the facts of its share of the partitions."""

    log: Log
    clock: Clock
    settings: ProjectorSettings
    notify: Notify = field(default_factory=Silence)
    counters: ProjectorCounters = field(default_factory=ProjectorCounters)

    async def run(self, stop: asyncio.Event) -> None:
        """Apply until `stop` is set."""
        membership = await self.log.join(ROLE, self.settings.member)
        try:
            while not stop.is_set():
                try:
                    await self._connected(membership, stop)
                except (*UNAVAILABLE, LogError, TimeoutError) as error:
                    _logger.warning("the read models cannot be written, trying again: %s", error)
                    await self.clock.sleep(RETRY_S)
                except PositionsMoved as error:
                    _logger.info("positions were moved by another projector: %s", error)
        finally:
            await membership.leave()

    async def _connected(self, membership: Membership, stop: asyncio.Event) -> None:
        connection = await connect(self.settings.dsn, "horolog-projections")
        reader = self.log.reader()
        try:
            writer = Writer(connection)
            months_checked = float("-inf")
            while not stop.is_set():
                if self.clock.monotonic() - months_checked > MONTHS_CHECK_S:
                    await ensure_partitions(connection, self.clock.now())
                    months_checked = self.clock.monotonic()
                await self._apply_share(membership, writer, reader, stop)
        finally:
            await reader.close()
            with contextlib.suppress(*UNAVAILABLE, TimeoutError):
                await connection.close(timeout=2)

    async def _apply_share(self, membership: Membership, writer: Writer, reader: Reader, stop: asyncio.Event) -> None:
        """Apply the records of the partitions owned now, until that changes."""
        generation = membership.generation
        places = [Place(t.name, p) for t in SOURCES for p in sorted(membership.owned)]
        positions = await writer.positions(await self.log.starts(places)) if places else {}
        reader.assign({})
        reader.assign(positions)
        started = self.clock.monotonic()
        while membership.generation == generation and not stop.is_set():
            records = await self._poll(reader, stop)
            if not records:
                if self.clock.monotonic() - started > MONTHS_CHECK_S:
                    return
                continue
            turn_began = self.clock.monotonic()
            await self._apply(writer, records, positions)
            await self.clock.sleep(self.settings.linger_s - (self.clock.monotonic() - turn_began))

    async def _poll(self, reader: Reader, stop: asyncio.Event) -> Sequence[Record]:
        poll = asyncio.ensure_future(reader.poll(self.settings.batch_count_max, POLL_S))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((poll, stopping), return_when=asyncio.FIRST_COMPLETED)
            return poll.result() if poll.done() else ()
        finally:
            poll.cancel()
            stopping.cancel()

    async def _apply(self, writer: Writer, records: Sequence[Record], positions: dict[Place, int]) -> None:
        folded = fold(records, self.log.partition_count)
        await self._refuse(folded.refusals)
        try:
            await self._write(writer, folded, records, positions)
        except Exception as error:
            if not is_refusal(error):
                raise
            await self._apply_halves(writer, records, positions, error)
            return
        self.counters.batches += 1
        self.counters.records += len(records)
        if folded.changes.applied:
            await self.notify.applied(folded.changes.applied)

    async def _apply_halves(
        self, writer: Writer, records: Sequence[Record], positions: dict[Place, int], error: Exception
    ) -> None:
        """A record that PostgreSQL refuses is found by halving its batch; it alone is put aside."""
        if len(records) == 1:
            await self._refuse([Refusal(records[0], f"the read models refuse it: {error}")])
            await self._write(writer, fold((), self.log.partition_count), records, positions)
            return
        middle = len(records) // 2
        await self._apply(writer, records[:middle], positions)
        await self._apply(writer, records[middle:], positions)

    async def _write(
        self, writer: Writer, folded: Folded, records: Sequence[Record], positions: dict[Place, int]
    ) -> None:
        after = _positions_after(records)
        moves = {place: (positions[place], position) for place, position in after.items()}
        await writer.prepare(folded.changes.executions)
        async with writer.batch(moves):
            await writer.write(folded.changes)
        positions.update(after)

    async def _refuse(self, refusals: Sequence[Refusal]) -> None:
        if not refusals:
            return
        self.counters.refused += len(refusals)
        now = self.clock.now()
        partition = partition_of(SYSTEM_TENANT, self.log.partition_count)
        letters = []
        for refusal in refusals:
            record = refusal.record
            value = record.value or b""
            letter = RecordRefused(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                reason=refusal.reason.replace("\x00", " ")[:2000],
                refused_by=SOURCE,
                at=now,
                value_base64=base64.b64encode(value[:REFUSED_VALUE_BYTES_MAX]).decode(),
                value_bytes=len(value),
            )
            headers = headers_of(letter, SOURCE, now)
            letters.append(Outgoing(DLQ.name, partition, letter.subject().encode(), letter.to_json(), headers))
        await self.log.append(letters)


def _positions_after(records: Sequence[Record]) -> Mapping[Place, int]:
    return {Place(record.topic, record.partition): record.offset + 1 for record in records}


async def rebuild(log: Log, dsn: str, clock: Clock) -> None:
    """Empty every read model and apply the whole log anew. No projector may run meanwhile."""
    connection = await connect(dsn, "horolog-rebuild")
    try:
        tables = (
            "projection_offsets, scheduled_jobs, job_versions, audit_events, job_executions, workers, "
            "partition_owners, command_outcomes"
        )
        await connection.execute(f"truncate {tables}")
        await ensure_partitions(connection, clock.now())
        writer = Writer(connection)
        places = [Place(topic.name, p) for topic in SOURCES for p in range(log.partition_count)]
        positions = await writer.positions(await log.starts(places))
        ends = await log.ends(places)
        projector = Projector(log, clock, ProjectorSettings("rebuild", dsn))
        for place in places:
            async for records in log.scan(place, positions[place], ends[place]):
                await projector._apply(writer, records, positions)
    finally:
        await connection.close()
