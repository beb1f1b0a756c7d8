"""The ticker as a service: the owners' loop over partitions, fed with the job table."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from horolog.log.owner import Owner, OwnerSettings
from horolog.log.port import Log, Place, Record
from horolog.ports import Clock
from schemas.codec import RecordError
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import JOB_TABLE
from services.ticker.partition import TickerPartition
from services.ticker.segments import floor_s

_logger = logging.getLogger(__name__)


class TickerRole:
    """How a ticker takes a partition: the job table up to the checkpoint as of the watermark, the rest as news."""

    name = "ticker"
    inputs: Sequence[str] = (JOB_TABLE.name,)

    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[TickerPartition, Mapping[str, int]]:
        """The schedules as they were at the checkpoint. Newer versions come as input and owe their own past."""
        place = Place(JOB_TABLE.name, partition)
        start = (await log.starts([place]))[place]
        if checkpoint is None or checkpoint.watermark is None:
            return TickerPartition(partition, None, log.partition_count), {place.topic: start}
        watermark_s = floor_s(checkpoint.watermark)
        state = TickerPartition(partition, watermark_s, log.partition_count)
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

    def __init__(self, log: Log, clock: Clock, settings: OwnerSettings) -> None:
        self.owner = Owner(log, clock, TickerRole(), settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set."""
        await self.owner.run(stop)
