"""Mutants of the ticker: where it goes on after a takeover, and what a clock that is turned back shows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from horolog.domain.cron import Zone, ZoneData, tzdata_version, zone
from horolog.domain.cron.zone import Stretch
from horolog.log.owner import Turn
from horolog.log.port import Log, Record
from schemas.codec import type_of
from schemas.events.fires import FireDue
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


class _StutteringPartition(TickerPartition):
    def turn(self, records: Sequence[Record], now: datetime, is_behind: bool = False) -> Turn:
        turn = super().turn(records, now, is_behind)
        fires = [output for output in turn.outputs if type_of(output.headers) == FireDue.TYPE]
        return replace(turn, outputs=[*turn.outputs, *fires])


class _Stuttering(TickerRole):
    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[TickerPartition, Mapping[str, int]]:
        right, positions = await super().rebuild(log, partition, checkpoint, now)
        stuttering = _StutteringPartition(partition, right.watermark_s, log.partition_count)
        vars(stuttering).update(vars(right))
        return stuttering, positions


def with_each_fire_twice(ticker: Ticker) -> Ticker:
    """The ticker, which writes each fire twice from now on."""
    ticker.owner.role = _Stuttering()
    return ticker
