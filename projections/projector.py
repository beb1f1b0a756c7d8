"""The projector: reads facts of the partitions that fall to it, and applies them batch by batch.

Guarantee: exactly once, in order within each place; see `applier`. It writes at once when idle; under load the next
batch grows while the last one is being written. Without PostgreSQL or the log it waits, and goes on by itself.

Facts that the log no longer keeps are never passed over in silence. Where the topic keeps for a while only, the
projector says so and goes on with the oldest that is left; where it keeps for ever, it refuses to go on. So it does
where it has taken in more than there is: its tables are those of another log, which a restored one is, too.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg

from horolog.limits import PROJECTION_BATCH_COUNT_MAX
from horolog.log.lag import Standing
from horolog.log.port import Log, LogError, Membership, Place, PlaceError, PositionLost, Reader
from horolog.ports import Clock
from projections.applier import Applier, Notify, OnViolation, ProjectorCounters, Silence
from projections.connections import UNAVAILABLE, connect
from projections.copies import Copies, NoCopies
from projections.figures import Figures, Teller
from projections.fold import SOURCES
from projections.letters import DeadLetters
from projections.partitions import drop_partitions, ensure_partitions, kept_since, month_of
from projections.polling import first_of, poll
from projections.pruning import Pruner
from projections.replanning import Replanner
from projections.standing import Standings
from projections.writer import PositionsMoved, Writer
from schemas.topics import KEEP_FOR_EVER

__all__ = ["Notify", "Projector", "ProjectorCounters", "ProjectorSettings", "Silence"]

_logger = logging.getLogger(__name__)

ROLE = "projections"
RETRY_S = 0.5
FAILED_RETRY_S = 2.0
UPKEEP_S = 3600.0

_REPLACEABLE = frozenset(t.name for t in SOURCES if t.compacted or t.retention_ms != KEEP_FOR_EVER)


@dataclass(frozen=True, slots=True)
class ProjectorSettings:
    """`linger_s` is the least time between two writes: under load it folds more events into one row change.

    `ledger_months_kept` is how many whole months before the present one stay in the ledger; None keeps all.
    """

    member: str
    dsn: str
    linger_s: float = 0.01
    batch_count_max: int = PROJECTION_BATCH_COUNT_MAX
    ledger_months_kept: int | None = None


@dataclass(slots=True)
class Projector:
    """Applies the facts of its share of the partitions."""

    log: Log
    clock: Clock
    settings: ProjectorSettings
    notify: Notify = field(default_factory=Silence)
    counters: ProjectorCounters = field(default_factory=ProjectorCounters)
    figures: Figures | None = None
    on_violation: OnViolation = lambda _: None
    copies: Copies = field(default_factory=NoCopies)
    _pruner: Pruner = field(init=False)
    _is_applying: bool = field(init=False, default=False)
    _standings: Standings = field(default_factory=Standings)

    def __post_init__(self) -> None:
        self._pruner = Pruner(self.clock)

    def is_ready(self) -> bool:
        """Whether it reads its share of the log and reaches the database."""
        return self._is_applying

    def standings(self) -> list[Standing]:
        """Of each partition of its share, how far it is behind the log."""
        return self._standings.told(self.clock.now().timestamp())

    async def run(self, stop: asyncio.Event) -> None:
        """Apply until `stop` is set."""
        membership = await self.log.join(ROLE, self.settings.member)
        try:
            while not stop.is_set():
                try:
                    await self._connected(membership, stop)
                except PositionsMoved as error:
                    _logger.info("positions were moved by another projector: %s", error)
                except PlaceError as error:
                    _logger.error("facts are missing from the log; the read models stay as they are: %s", error)
                    await self.clock.sleep(RETRY_S)
                except (*UNAVAILABLE, LogError, TimeoutError) as error:
                    _logger.warning("the read models cannot be written, trying again: %s", error)
                    await self.clock.sleep(RETRY_S)
                except Exception:
                    # A defect. Whoever asks must not be answered from read models that have silently stood still.
                    self.counters.failures += 1
                    _logger.exception("the projector failed, beginning anew")
                    await self.clock.sleep(FAILED_RETRY_S)
        finally:
            await membership.leave()

    async def _connected(self, membership: Membership, stop: asyncio.Event) -> None:
        connection = await connect(self.settings.dsn, "horolog-projections")
        reader = self.log.reader()
        try:
            while not stop.is_set():
                await self._keep_months(connection)
                await self._apply_share(membership, connection, reader, stop)
        finally:
            await reader.close()
            with contextlib.suppress(*UNAVAILABLE, TimeoutError):
                await connection.close(timeout=2)

    async def _keep_months(self, connection: asyncpg.Connection) -> None:
        now, kept = self.clock.now(), self.settings.ledger_months_kept
        await ensure_partitions(connection, now)
        if kept is not None:
            await drop_partitions(connection, month_of(kept_since(now, kept)))

    async def _apply_share(
        self, membership: Membership, connection: asyncpg.Connection, reader: Reader, stop: asyncio.Event
    ) -> None:
        """Apply the records of the partitions owned now, until that changes or the months are to be looked after."""
        generation = membership.generation
        writer, replanner = Writer(connection), Replanner(self.log.partition_count)
        positions = await self._positions(writer, membership.owned)
        letters = DeadLetters(self.log, self.clock)
        count = self.log.partition_count
        # With the share its memory begins anew: what others applied meanwhile it has not heard of.
        teller = None if self.figures is None else Teller(self.figures)
        applier = Applier(writer, letters, self.clock, count, positions, self.notify, self.counters, teller)
        applier.on_violation, applier.copies = self.on_violation, self.copies
        reader.assign({})
        reader.assign(positions)
        self._standings.begin(positions, self.clock.now().timestamp())
        until = self.clock.monotonic() + UPKEEP_S
        over = asyncio.create_task(first_of(stop.wait(), membership.changed(generation)))
        self._is_applying = generation > 0
        try:
            while not over.done() and self.clock.monotonic() < until:
                self.counters.pruned += await self._pruner.look(connection)
                await replanner.look(connection)
                await self.copies.look()
                records = await poll(reader, self.settings.batch_count_max, over)
                if records:
                    turn_began = self.clock.monotonic()
                    self._standings.in_hand = records
                    await applier.apply(records)
                    await self.clock.sleep(self.settings.linger_s - (self.clock.monotonic() - turn_began))
                self._standings.look(reader, self.clock.now().timestamp())
        finally:
            self._is_applying = False
            self._standings.end()
            over.cancel()

    async def _positions(self, writer: Writer, owned: frozenset[int]) -> dict[Place, int]:
        """Where to go on in the owned partitions.

        Raises:
            PositionLost: facts that are to be kept for ever are gone.
            PlaceError: a position lies after the log's end, so these read models are another log's.
        """
        places = [Place(topic.name, partition) for topic in SOURCES for partition in sorted(owned)]
        if not places:
            return {}
        starts = await self.log.starts(places)
        positions = await writer.positions(starts)
        # Asked for afterwards, so that no end is older than a position.
        _refuse_another_log(positions, await self.log.ends(places))
        gone = {place: starts[place] for place in places if positions[place] < starts[place]}
        lost = [place for place in gone if place.topic not in _REPLACEABLE]
        if lost:
            place = lost[0]
            raise PositionLost(place, f"begins at {gone[place]}, after {positions[place]}")
        if gone:
            await self._skip(writer, positions, gone)
        return {**positions, **gone}

    async def _skip(self, writer: Writer, positions: Mapping[Place, int], gone: Mapping[Place, int]) -> None:
        for place, start in gone.items():
            self.counters.skipped += 1
            _logger.warning("%s/%s kept nothing before %s; going on there from %s", *place, start, positions[place])
        await writer.skip(gone)


def _refuse_another_log(positions: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
    for place, end in ends.items():
        if positions[place] > end:
            raise PlaceError(place, f"ends at {end}, before {positions[place]}: the read models are of another log")
