"""Mutants of ownership: where an owner goes on, and what becomes of a partition that was let go."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from horolog.log.owner import Owner
from horolog.log.port import Log
from schemas.events.owners import OwnerCheckpointed
from services.dispatcher.dispatcher import Dispatcher, DispatcherRole
from services.dispatcher.partition import DispatcherPartition
from services.ticker import ticker
from tests.sim.checks.liveness import partitions_have_owners
from tests.sim.checks.owners import positions_never_go_back
from tests.sim.mutants.mutant import Mutant, Swap
from tests.sim.plan import Plan, draw_plan
from tests.sim.process import Process
from tests.sim.world import OPEN

BEHIND_COUNT = 3


class _Backwards(DispatcherRole):
    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[DispatcherPartition, Mapping[str, int]]:
        state, positions = await super().rebuild(log, partition, checkpoint, now)
        return state, {topic: max(0, position - BEHIND_COUNT) for topic, position in positions.items()}


class GoesOnFromBefore(Mutant):
    """A dispatcher that takes a partition goes on a few records before the place where the last one stood."""

    caught_by = (positions_never_go_back,)

    def dispatcher(self, log: Log, process: Process) -> Dispatcher:
        dispatcher = super().dispatcher(log, process)
        dispatcher.owner.role = _Backwards(defaults=OPEN)
        return dispatcher


class _Discouraged(Owner):
    def _note_failure(self, partition: int, error: Exception) -> float:
        pause_s = super()._note_failure(partition, error)
        if self._share is not None:
            self._ending.add(asyncio.create_task(self._share.membership.leave()))
        return pause_s


class LeavesAfterAFailure(Mutant):
    """A ticker that had to let a partition go leaves its group, and does not come back to it."""

    swaps = (Swap(ticker, "Owner", _Discouraged),)
    caught_by = (partitions_have_owners,)

    def plan(self, seed: int) -> Plan:
        # Who is killed begins anew, and takes part again: here nobody is.
        return replace(draw_plan(seed), faults=frozenset({"unknown_commit"}), rate=0.1)
