"""Every record is applied once, whoever applies it and however often it is delivered."""

import asyncio
from collections.abc import Sequence

import pytest

from horolog.log.port import Record
from projections.applier import Applier
from projections.connections import UNAVAILABLE, is_refusal
from projections.fold import fold
from projections.writer import PositionsMoved
from schemas.events.executions import AttemptStarted, ExecutionCompleted, ExecutionSkipped, LateResultRecorded
from schemas.topics import EXECUTIONS, JOBS
from tests.integration.projections.world import World, applying, catch_up, project, unread
from tests.unit.projections.facts import PARTITIONS, accepted, admitted, at, beat, changed, checkpoint, event, job

STARTED = event(AttemptStarted, 1, 2, attempt=1, worker_id="w", started_at=at(1))
COMPLETED = event(ExecutionCompleted, 1, 3, attempt=1, worker_id="w", started_at=at(1), completed_at=at(2))
LATE = event(LateResultRecorded, 1, 0, attempt=1, worker_id="w", reported="success")
EVERYTHING = (changed(job()), admitted(), STARTED, COMPLETED, LATE, accepted(5), beat(), checkpoint())
COUNTED = "execution_count, last_execution_at"


async def write_and_crash(applier: Applier, records: Sequence[Record]) -> None:
    """Write the rows and the positions, and break off before the commit."""
    moves = {place: (start, start + 1) for place, start in applier.positions.items()}
    async with applier.writer.batch(moves):
        await applier.writer.write(fold(records, PARTITIONS).changes)
        raise ConnectionResetError


async def test_records_delivered_again_to_the_same_applier_are_refused_and_change_nothing(world: World) -> None:
    await world.write(*EVERYTHING)
    async with applying(world) as applier:
        records, before = await unread(world, applier), dict(applier.positions)
        await applier.apply(records)
        once = await world.snapshot()
        applier.positions.update(before)
        with pytest.raises(PositionsMoved):
            await applier.apply(records)
    assert await world.snapshot() == once


async def test_applier_whose_positions_have_moved_has_no_effect(world: World) -> None:
    await world.write(changed(job()), admitted(1))
    async with applying(world) as zombie, applying(world) as owner:
        stale = await unread(world, zombie)
        await catch_up(world, owner)
        await world.write(admitted(2))
        await catch_up(world, owner)
        once = await world.snapshot()
        with pytest.raises(PositionsMoved, match="2 of 2 places"):
            await zombie.apply(stale)
        assert await world.snapshot() == once


async def test_batch_of_which_one_place_has_moved_has_no_effect_on_the_others(world: World) -> None:
    await world.write(changed(job()))
    async with applying(world) as zombie, applying(world) as owner:
        await catch_up(world, owner)
        await world.write(admitted(1))
        once = await world.snapshot()
        with pytest.raises(PositionsMoved, match="1 of 2 places"):
            await zombie.apply(await unread(world, zombie))
        assert await world.snapshot() == once


async def test_crash_after_the_rows_leaves_neither_rows_nor_positions(world: World) -> None:
    await world.write(*EVERYTHING)
    async with applying(world) as applier:
        before = await world.snapshot()
        with pytest.raises(ConnectionResetError):
            await write_and_crash(applier, await unread(world, applier))
        assert await world.snapshot() == before
    async with applying(world) as successor:
        await catch_up(world, successor)
    assert await world.row("job_executions", "status, late_count") == ("completed", 1)
    assert await world.row("scheduled_jobs", COUNTED) == (1, at(1))


async def test_connection_that_dies_is_no_fault_of_the_data(world: World) -> None:
    await world.write(*EVERYTHING)
    async with applying(world) as applier:
        query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'test-applier/%'"
        await world.eye.fetch(query)
        with pytest.raises(UNAVAILABLE) as died:
            await catch_up(world, applier)
    assert isinstance(died.value, Exception)
    assert not is_refusal(died.value)
    assert await world.rows("job_executions") == []


async def test_late_report_is_counted_when_it_comes_in_a_later_batch(world: World) -> None:
    for message in EVERYTHING:
        await project(world, message)
    await project(world, LATE)
    assert await world.row("job_executions", "status, seq, late_count") == ("completed", 3, 2)


async def test_late_report_of_an_unknown_execution_makes_no_row(world: World) -> None:
    await project(world, LATE)
    assert await world.rows("job_executions") == []


async def test_what_stood_in_the_way_is_kept_when_the_skip_comes_in_a_later_batch(world: World) -> None:
    blocker = admitted(2).execution_id
    why = {"trigger_type": "scheduled", "job_version": 1, "job_type": "function", "reason": "overlap"}
    await project(world, changed(job()), admitted())
    await project(world, event(ExecutionSkipped, 1, 2, 0, **why, blocked_by=blocker))
    assert await world.row("job_executions", "status, reason, blocked_by::text") == ("skipped", "overlap", blocker)
    assert await world.row("scheduled_jobs", COUNTED) == (0, None)


@pytest.mark.parametrize("order", ["job first", "job between", "job last"])
async def test_job_counts_its_executions_whichever_topic_is_read_first(world: World, order: str) -> None:
    told = [changed(job()), admitted(), STARTED, COMPLETED, admitted(2)]
    place = {"job first": 0, "job between": 2, "job last": 4}[order]
    told.insert(place, told.pop(0))
    for message in told:
        await project(world, message)
    assert await world.row("scheduled_jobs", COUNTED) == (1, at(1))


async def test_transactions_of_one_partition_never_overlap(world: World) -> None:
    """Else a job would miss the executions of a transaction that is still open, and they the job."""
    await world.write(changed(job()), admitted(), STARTED)
    async with applying(world) as leaving, applying(world) as coming:
        records = await unread(world, leaving)
        executions = [record for record in records if record.topic == EXECUTIONS.name]
        jobs = [record for record in records if record.topic == JOBS.name]
        place = next(p for p in leaving.positions if p.topic == EXECUTIONS.name and p.partition == jobs[0].partition)
        async with leaving.writer.batch({place: (0, 2)}):
            await leaving.writer.write(fold(executions, PARTITIONS).changes)
            applied = asyncio.create_task(coming.apply(jobs))
            await world.locked_out()
        await applied
    assert await world.row("scheduled_jobs", COUNTED) == (1, at(1))


async def test_positions_of_a_place_never_seen_begin_where_the_log_begins(world: World) -> None:
    async with applying(world) as applier:
        (place, *_) = applier.positions
        assert set(applier.positions.values()) == {0}
        assert (await applier.writer.positions({place: 17}))[place] == 0
        await applier.writer.skip({place: 17})
        await applier.writer.skip({place: 3})
        assert (await applier.writer.positions({place: 0}))[place] == 17
