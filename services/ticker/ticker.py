"""The ticker as a service: the owners' loop over partitions, fed with the job table."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import orjson

from horolog.domain.cron import ZoneData, packaged_zone_data
from horolog.log.owner import Owner, OwnerSettings
from horolog.log.port import Log, Outgoing, Place, Record
from horolog.ports import Clock
from schemas.codec import RecordError, type_of
from schemas.events.fires import FireDue, FireMissed
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import JOB_TABLE
from services.ticker.partition import TickerPartition
from services.ticker.segments import floor_s
from services.ticker.watch import TickerWatch
from services.ticker.zone_data import first_use, further_use

_logger = logging.getLogger(__name__)

Emitted = Callable[[str, float], None]
"""Told of each fire that was committed: its tenant, and how many seconds after its instant (before it: negative)."""
CaughtUp = Callable[[str, int], None]
"""Told what became of instants for which nobody was there: `fired` late after all, or `missed`, and how many."""


class TickerRole:
    """How a ticker takes a partition: the job table up to the checkpoint as of the watermark, the rest as news.

    So every schedule is planned anew after the watermark, by the time zone data that is installed.
    """

    name = "ticker"
    inputs: Sequence[str] = (JOB_TABLE.name,)

    def __init__(self, zone_data: ZoneData | None = None) -> None:
        self._zone_data = zone_data or packaged_zone_data()

    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[TickerPartition, Mapping[str, int]]:
        """The schedules as they were at the checkpoint. Newer versions come as input and owe their own past."""
        place = Place(JOB_TABLE.name, partition)
        start = (await log.starts([place]))[place]
        if checkpoint is None or checkpoint.watermark is None:
            state = TickerPartition(partition, None, log.partition_count, first_use(self._zone_data))
            return state, {place.topic: start}
        watermark_s = floor_s(checkpoint.watermark)
        zone_data = further_use(self._zone_data, checkpoint, checkpoint.watermark)
        state = TickerPartition(partition, watermark_s, log.partition_count, zone_data)
        position = checkpoint.positions.get(place.topic, start)
        async for records in log.scan(place, start, position):
            _restore(state, records, watermark_s)
        return state, {place.topic: position}


def _restore(state: TickerPartition, records: Sequence[Record], watermark_s: int) -> None:
    for record in records:
        try:
            state.take_in(record, watermark_s)
        except RecordError as error:
            # The turn that met it first has written its dead letter.
            _logger.warning("skipped a job: %s", error, extra={"topic": record.topic, "offset": record.offset})


class Ticker:
    """Emits the fires of every partition that it owns."""

    def __init__(
        self,
        log: Log,
        clock: Clock,
        settings: OwnerSettings,
        emitted: Emitted | None = None,
        caught_up: CaughtUp | None = None,
    ) -> None:
        self._clock = clock
        self._emitted = emitted
        self._caught_up = caught_up
        self.owner = Owner(log, clock, TickerRole(), settings, on_commit=self._tell)
        self.watch = TickerWatch(log, clock, self.owner)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; the watch over it runs beside, and ends with it."""
        watching = asyncio.create_task(self.watch.run())
        try:
            await self.owner.run(stop)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def behind_s(self) -> dict[int, float]:
        """By partition held, how long ago the oldest instant came that is owed and not emitted: 0 where none is."""
        now_s, behind = self._clock.now().timestamp(), {}
        for partition, holding in self.owner.holdings.items():
            assert isinstance(holding.state, TickerPartition)
            next_s = holding.state.next_s
            behind[partition] = 0.0 if next_s is None else max(0.0, now_s - next_s)
        return behind

    def _tell(self, outputs: Sequence[Outgoing]) -> None:
        if self._emitted is None:
            return
        now = self._clock.now()
        for output in outputs:
            type_ = type_of(output.headers)
            if type_ == FireDue.TYPE:
                told = orjson.loads(output.value or b"{}")
                lateness = now - datetime.fromisoformat(told["scheduledFor"])
                self._emitted(told["tenantId"], lateness.total_seconds())
                if "catchUp" in told:
                    self._tell_caught_up("fired", 1)
            elif type_ == FireMissed.TYPE:
                self._tell_caught_up("missed", orjson.loads(output.value or b"{}")["count"])

    def _tell_caught_up(self, outcome: str, count: int) -> None:
        if self._caught_up is not None:
            self._caught_up(outcome, count)
