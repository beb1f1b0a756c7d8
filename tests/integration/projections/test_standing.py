"""A projector tells how far behind it is while PostgreSQL holds it up, and that it is not once it has caught up."""

import asyncio
from collections.abc import Callable

from horolog.adapters.system import SystemClock
from horolog.log.lag import Standing
from projections.projector import Projector
from tests.integration.projections.test_projector import running
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, World
from tests.unit.projections.facts import HOME, PARTITIONS, admitted, changed, job


async def at_home(projector: Projector, holds: Callable[[Standing], bool]) -> Standing:
    """How the facts' partition stands, once it stands so."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = [standing for standing in projector.standings() if standing.partition == HOME]
            if found and holds(found[0]):
                return found[0]
            await asyncio.sleep(PAUSE_S)


async def test_what_waits_for_the_database_is_told_with_its_age(world: World) -> None:
    async with running(world, clock=SystemClock()) as projector:
        await at_home(projector, lambda standing: standing.lag_record_count == 0)
        assert len(projector.standings()) == PARTITIONS
        async with world.eye.transaction():
            await world.eye.execute("LOCK TABLE projection_offsets IN EXCLUSIVE MODE")
            await world.write(changed(job()), admitted())
            held = await at_home(projector, lambda standing: standing.lag_s > 0.1)
            assert (held.lag_record_count, held.epoch) == (2, None)
        await at_home(projector, lambda standing: standing.lag_record_count == 0 and standing.lag_s == 0)
