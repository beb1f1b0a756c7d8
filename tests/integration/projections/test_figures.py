"""The metrics hear of a fact when its batch is committed: once, by whoever committed it, and never from a rebuild."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from horolog.log.port import LogUnavailable, Outgoing
from projections.applier import Applier
from projections.figures import Teller
from projections.rebuild import rebuild, rebuild_copy
from projections.writer import PositionsMoved
from schemas.events.executions import AttemptDispatched, AttemptProgressed, AttemptStarted, ExecutionCompleted
from tests.integration.projections.world import StillClock, World, applying, catch_up, unread
from tests.unit.projections.facts import TENANT, admitted, at, changed, event, job
from tests.unit.projections.figures import Told

DISPATCHED = event(AttemptDispatched, 1, 2, 0.75, attempt=1, worker_id="w")
STARTED = event(AttemptStarted, 1, 3, attempt=1, worker_id="w", started_at=at(1.25))
COMPLETED = event(ExecutionCompleted, 1, 4, attempt=1, worker_id="w", started_at=at(1.25), completed_at=at(3))
STORY = (changed(job()), admitted(), DISPATCHED, STARTED, COMPLETED)
POISON = Outgoing("jobs.v1", 0, b"key", b"{", ())
ALL_TOLD = Told([-0.25], [0.25], [("function", "completed", 1)], [("function", 1.75)], {TENANT}, [2])


@asynccontextmanager
async def telling(world: World, figures: Told) -> AsyncIterator[Applier]:
    """An applier that tells, where the positions are now."""
    async with applying(world) as applier:
        applier.teller = Teller(figures)
        yield applier


async def test_committed_story_is_told_once(world: World) -> None:
    figures = Told()
    await world.write(*STORY)
    async with telling(world, figures) as applier:
        await catch_up(world, applier)
        await catch_up(world, applier)
    assert figures == ALL_TOLD
    assert len(figures.ages) == applier.counters.batches


@pytest.mark.parametrize("cut", range(1, len(STORY)))
async def test_story_is_told_once_by_two_that_take_turns(world: World, cut: int) -> None:
    figures = Told()
    for part in (STORY[:cut], STORY[cut:]):
        await world.write(*part)
        async with telling(world, figures) as applier:
            await catch_up(world, applier)
    assert figures == ALL_TOLD


async def test_batch_that_somebody_else_has_applied_is_not_told(world: World) -> None:
    first, second = Told(), Told()
    await world.write(*STORY)
    async with telling(world, first) as applier, telling(world, second) as late:
        records = await unread(world, late)
        await catch_up(world, applier)
        with pytest.raises(PositionsMoved):
            await late.apply(records)
    assert (first, second) == (ALL_TOLD, Told())


async def test_batch_that_could_not_be_committed_is_told_when_it_is(world: World) -> None:
    figures = Told()
    await world.write(*STORY)
    await world.log.append([POISON])
    async with telling(world, figures) as applier:
        world.log.fails_before = True
        with pytest.raises(LogUnavailable):
            await catch_up(world, applier)
        assert figures == Told()
        await catch_up(world, applier)
    assert figures == ALL_TOLD


async def test_record_that_the_database_refuses_keeps_nothing_from_being_told_once(world: World) -> None:
    figures = Told()
    refused = event(AttemptProgressed, 9, 2**40, attempt=1, progress=1)
    await world.write(*STORY[:3], refused, *STORY[3:])
    async with telling(world, figures) as applier:
        await catch_up(world, applier)
    assert len(await world.letters()) == 1
    assert figures == ALL_TOLD


async def test_rebuild_tells_nothing_and_the_projector_goes_on_telling(world: World) -> None:
    figures = Told()
    await world.write(*STORY[:4])
    async with telling(world, figures) as applier:
        await catch_up(world, applier)
    before = Told(list(figures.dispatched), list(figures.started), [], [], set(figures.tenants))
    await rebuild_copy(world.log, world.dsn, StillClock(), "copy")
    await rebuild(world.log, world.dsn, StillClock())
    assert figures == before
    await world.write(*STORY[4:])
    async with telling(world, figures) as applier:
        await catch_up(world, applier)
    assert figures == ALL_TOLD
