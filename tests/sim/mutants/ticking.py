"""Mutants of the ticker: where it goes on after a takeover, and what a clock that is turned back shows."""

from collections.abc import Mapping
from datetime import datetime

from horolog.domain.cron import Zone, ZoneData, tzdata_version, zone
from horolog.domain.cron.zone import Stretch
from horolog.log.port import Log
from schemas.events.owners import OwnerCheckpointed
from services.ticker.partition import TickerPartition
from services.ticker.ticker import Ticker, TickerRole
from tests.sim.checks.fires import every_owed_instant_is_decided_once
from tests.sim.mutants.mutant import Mutant
from tests.sim.process import Process


class _FromNow(TickerRole):
    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[TickerPartition, Mapping[str, int]]:
        if checkpoint is not None:
            checkpoint = checkpoint.model_copy(update={"watermark": now})
        return await super().rebuild(log, partition, checkpoint, now)


class TickerResumesFromNow(Mutant):
    """A ticker that takes a partition goes on from now, and not from the watermark."""

    caught_by = (every_owed_instant_is_decided_once,)

    def ticker(self, log: Log, process: Process) -> Ticker:
        ticker = super().ticker(log, process)
        ticker.owner.role = _FromNow()
        return ticker


class _ForgetfulZone(Zone):
    """Does not know what the wall clock has shown before it was turned."""

    __slots__ = ()

    def stretch_at(self, epoch_s: int) -> Stretch:
        stretch = super().stretch_at(epoch_s)
        return stretch._replace(shown=stretch.start + stretch.offset)


def _forgetful_zone(name: str) -> Zone:
    return _ForgetfulZone(name, zone(name)._info)


class FixedJobFiresTwice(Mutant):
    """A job of fixed times fires in both of the hours that exist twice when clocks are turned back."""

    caught_by = (every_owed_instant_is_decided_once,)

    def ticker(self, log: Log, process: Process) -> Ticker:
        ticker = super().ticker(log, process)
        ticker.owner.role = TickerRole(ZoneData(tzdata_version(), _forgetful_zone))
        return ticker
