"""Rows that nobody will ask for any more go away by themselves, a bounded number at a time."""

import asyncio
from datetime import datetime, timedelta

from horolog.adapters.system import SystemClock
from horolog.limits import OUTCOME_ROW_KEPT_S, PRUNE_INTERVAL_S, PRUNE_PAUSE_S, PRUNED_ROW_COUNT_MAX, WORKER_ROW_KEPT_S
from projections.projector import Projector, ProjectorSettings
from projections.pruning import Pruner
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, World, project
from tests.unit.projections.facts import START, TENANT, accepted, at, beat, uuid_of

_MANY = """insert into command_outcomes (command_id, tenant_id, accepted, request_hash, at)
select gen_random_uuid(), $1::uuid, true, '', $2::timestamptz - number * interval '1 second'
from generate_series(1, $3::int) as number"""


class LaterClock(SystemClock):
    """Some seconds after the facts, wherever the test puts it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


async def left(world: World) -> tuple[list[str], list[str]]:
    """The outcomes and the workers that are still there."""
    outcomes = await world.rows("command_outcomes", "command_id::text")
    workers = await world.rows("workers", "worker_id")
    return [row["command_id"] for row in outcomes], [row["worker_id"] for row in workers]


async def test_outcomes_go_with_their_commands_and_workers_a_day_after_they_fell_silent(world: World) -> None:
    clock = LaterClock(0)
    pruner = Pruner(clock)
    await project(world, accepted(1), accepted(2, at=at(60)), beat("a"), beat("b", 60))
    for seconds, expected in (
        (0.0, ([uuid_of(1), uuid_of(2)], ["a", "b"])),
        (WORKER_ROW_KEPT_S + 30, ([uuid_of(1), uuid_of(2)], ["b"])),
        (OUTCOME_ROW_KEPT_S + 30, ([uuid_of(2)], [])),
    ):
        clock.seconds = seconds
        await pruner.look(world.eye)
        assert await left(world) == expected


async def test_many_old_rows_go_in_bounded_steps_soon_after_each_other(world: World) -> None:
    clock = LaterClock(OUTCOME_ROW_KEPT_S)
    pruner = Pruner(clock)
    await world.eye.execute(_MANY, TENANT, START, 2 * PRUNED_ROW_COUNT_MAX + 1)
    removed = []
    for seconds in (0.0, PRUNE_PAUSE_S / 2, PRUNE_PAUSE_S, PRUNE_PAUSE_S, PRUNE_INTERVAL_S / 2, PRUNE_INTERVAL_S):
        clock.seconds += seconds
        removed.append(await pruner.look(world.eye))
    assert removed == [PRUNED_ROW_COUNT_MAX, 0, PRUNED_ROW_COUNT_MAX, 1, 0, 0]
    assert await left(world) == ([], [])


async def test_projector_prunes_by_itself(world: World) -> None:
    await world.eye.execute(_MANY, TENANT, START, 10)
    stop = asyncio.Event()
    clock = LaterClock(OUTCOME_ROW_KEPT_S)
    projector = Projector(world.log, clock, ProjectorSettings("a", world.dsn))
    running = asyncio.create_task(projector.run(stop))
    async with asyncio.timeout(DEADLINE_S):
        while await left(world) != ([], []):
            await asyncio.sleep(PAUSE_S)
    stop.set()
    await running
    assert projector.counters.pruned == 10
