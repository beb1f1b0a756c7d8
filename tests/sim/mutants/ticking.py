"""Mutants of the ticker: where it goes on after a takeover, what a clock that is turned back shows, and misfires."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from horolog.domain.cron import CronSpec, Zone, ZoneData, tzdata_version, zone
from horolog.domain.cron.zone import Stretch
from horolog.log.owner import Turn
from horolog.log.port import Log, Record
from schemas.codec import type_of
from schemas.events.fires import FireDue
from schemas.events.owners import OwnerCheckpointed
from schemas.jobs import Misfire
from services.ticker import partition as ticker_partition
from services.ticker.partition import TickerPartition
from services.ticker.ticker import Ticker, TickerRole
from tests.sim.checks.fires import every_owed_instant_is_decided_once
from tests.sim.checks.policies import misfires_keep_the_policy
from tests.sim.mutants.mutant import Mutant, Swap
from tests.sim.plan import Plan, draw_plan, with_outage
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


def _the_whole_gap(misfire: Misfire, spec: CronSpec, place: Zone, gap: tuple[int, int], now_s: int) -> int | None:
    return gap[0]


class MisfirePolicyIgnored(Mutant):
    """Every instant that nobody was there to fire fires later, whatever the policy of its job is."""

    swaps = (Swap(ticker_partition, "caught_up_from", _the_whole_gap),)
    caught_by = (misfires_keep_the_policy,)

    def plan(self, seed: int) -> Plan:
        return with_outage(draw_plan(seed))


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
