"""What a worker runs, when, how it ends it, and what it says of it."""

import resource
from datetime import timedelta

from horolog.limits import CANCEL_GRACE_S, LEASE_S
from horolog.log.port import Outgoing
from schemas.events.results import (
    AttemptReport,
    CancellationReported,
    FailureReported,
    ProgressReported,
    StartReported,
    SuccessReported,
)
from schemas.events.workers import WorkerState
from schemas.jobs import ErrorType
from schemas.topics import RESULTS, TASKS
from tests.unit.executor.world import ME, NOON, OTHER, TENANT, World, alive, execution, new_world, revoked, task


async def _kinds(world: World) -> list[type[AttemptReport]]:
    return [type(report) for report in await world.reports()]


async def _failure_code(world: World) -> str:
    last = (await world.reports())[-1]
    assert isinstance(last, FailureReported)
    return last.failure.code


async def test_a_worker_beats_before_anything_and_ignores_what_was_sent_before_it_lived() -> None:
    world = new_world(capacity=7, prefetch=9)
    await world.send(task(1))
    async with alive(world):
        (beat,) = await world.beats()
        assert (beat.state, beat.capacity, beat.prefetch, beat.held) == (WorkerState.READY, 7, 9, ())
        await world.pass_time(2)
        assert world.runner.started == []
        assert len(await world.beats()) == 3


async def test_tasks_of_others_and_unreadable_records_are_left_alone() -> None:
    async with alive(new_world()) as world:
        garbage = Outgoing(TASKS.name, 0, ME.encode(), b'{"workerId":"worker-a"', (("ce_type", b"nonsense"),))
        await world.log.append([garbage])
        await world.send(task(1, worker_id=OTHER), task(2, job_name=f"for {ME}", worker_id=OTHER), task(3))
        assert world.runner.started == [execution(3)]
        assert world.worker.refused_count == 1


async def test_nothing_runs_before_its_instant() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, in_s=0.5), task(2, in_s=0.2))
        await world.pass_time(0.15)
        assert world.runner.started == []
        await world.pass_time(0.1)
        assert world.runner.started == [execution(2)]
        await world.pass_time(0.3)
        assert world.runner.started == [execution(2), execution(1)]


async def test_repeated_and_older_attempts_run_no_second_time() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, attempt=2), task(1, attempt=2), task(1, attempt=1))
        world.runner.finish(1)
        await world.send(task(1, attempt=2), task(1, attempt=1))
        assert world.runner.started == [execution(1)]
        await world.pass_time(0.1)
        assert await _kinds(world) == [SuccessReported]


async def test_a_newer_attempt_ends_the_older_one() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, attempt=1))
        await world.send(task(1, attempt=2))
        await world.pass_time(0.1)
        assert world.runner.started == [execution(1), execution(1)]
        reports = await world.reports()
        assert next((type(r), r.attempt) for r in reports) == (CancellationReported, 1)


async def test_beyond_capacity_the_highest_priority_goes_first() -> None:
    async with alive(new_world(capacity=1)) as world:
        await world.send(task(1))
        await world.send(task(2, priority=1), task(3, priority=5), task(4, priority=1, in_s=-1))
        for n in (1, 3, 4, 2):
            world.runner.finish(n)
        assert world.runner.started == [execution(n) for n in (1, 3, 4, 2)]
        assert world.worker.running_count == 0


async def test_a_revoked_attempt_that_waits_never_runs() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, in_s=1), revoked(1, only_waiting=True))
        await world.pass_time(2)
        (report,) = await world.reports()
        assert isinstance(report, CancellationReported)
        assert report.started_at is None
        assert world.runner.started == []


async def test_a_revocation_that_overtakes_its_task_counts() -> None:
    async with alive(new_world()) as world:
        await world.send(revoked(1))
        await world.send(task(1))
        assert world.runner.started == []
        assert await _kinds(world) == [CancellationReported]


async def test_a_running_attempt_is_spared_only_by_a_revocation_of_waiting_ones() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        await world.send(revoked(1, only_waiting=True))
        assert world.runner.stopped == []
        await world.send(revoked(1))
        assert world.runner.stopped == [(execution(1), CANCEL_GRACE_S)]
        (report,) = await world.reports()
        assert isinstance(report, CancellationReported)
        assert report.started_at == NOON


async def test_an_attempt_ends_at_its_timeout_and_is_reported_once_it_is_gone() -> None:
    async with alive(new_world(stubborn=True)) as world:
        await world.send(task(1, timeout_ms=2000))
        await world.pass_time(1.9)
        assert world.runner.stopped == []
        await world.pass_time(0.1)
        assert world.runner.stopped == [(execution(1), CANCEL_GRACE_S)]
        assert await _kinds(world) == [StartReported]
        world.runner.finish(1)
        await world.pass_time(0.1)
        report = (await world.reports())[-1]
        assert isinstance(report, FailureReported)
        assert (report.failure.type, report.failure.code) == (ErrorType.TIMEOUT, "TIMED_OUT")


async def test_a_start_is_told_only_of_an_attempt_that_lasts() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1), task(2))
        world.runner.finish(1)
        await world.pass_time(0.1)
        world.runner.finish(2)
        await world.pass_time(0.1)
        told = [(type(r), r.execution_id) for r in await world.reports()]
        assert (StartReported, execution(1)) not in told
        assert told.index((StartReported, execution(2))) < told.index((SuccessReported, execution(2)))


async def test_progress_follows_the_start_and_is_thinned() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        for percent in (10, 20, 250):
            world.runner.watchers[execution(1)].progressed(percent)
        await world.pass_time(0.1)
        start, progress = await world.reports()
        assert isinstance(start, StartReported)
        assert isinstance(progress, ProgressReported)
        assert progress.progress == 100


async def test_a_report_is_kept_until_the_log_accepts_it() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        world.log.is_down = True
        world.runner.finish(1)
        await world.pass_time(3)
        assert await world.reports() == []
        world.log.is_down = False
        await world.pass_time(0.5)
        assert await _kinds(world) == [SuccessReported]


async def test_beats_name_what_is_over_until_the_log_has_accepted_its_report() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        world.log.refused_topic = RESULTS.name
        world.runner.finish(1)
        await world.pass_time(1)
        beat = (await world.beats())[-1]
        assert ([held.execution_id for held in beat.held], beat.running_count) == ([execution(1)], 0)
        world.log.refused_topic = None
        await world.pass_time(1)
        assert (await world.beats())[-1].held == ()


async def test_without_the_log_everything_is_given_up_when_the_lease_is_over() -> None:
    async with alive(new_world(capacity=1)) as world:
        await world.send(task(1), task(2))
        world.log.is_down = True
        await world.pass_time(LEASE_S - 0.2)
        assert world.runner.stopped == []
        await world.pass_time(0.3)
        assert world.runner.stopped == [(execution(1), 0.0)]
        world.log.is_down = False
        await world.pass_time(1)
        assert await _failure_code(world) == "LEASE_LOST"
        assert world.runner.started == [execution(1)]
        await world.send(task(3))
        assert world.runner.started == [execution(1), execution(3)]


async def test_a_worker_is_ready_while_its_beats_reach_the_log_and_it_does_not_drain() -> None:
    world = new_world()
    assert not world.worker.is_ready()
    async with alive(world):
        assert world.worker.is_ready()
        world.log.is_down = True
        await world.pass_time(LEASE_S + 0.1)
        assert not world.worker.is_ready()
        world.log.is_down = False
        await world.pass_time(1)
        assert world.worker.is_ready()
        await world.send(task(1))
        world.stop.set()
        await world.pass_time(0.1)
        assert not world.worker.is_ready()


async def test_beats_name_every_held_attempt() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1), task(2, in_s=60))
        await world.pass_time(1)
        beat = (await world.beats())[-1]
        assert {held.execution_id for held in beat.held} == {execution(1), execution(2)}
        assert (beat.running_count, beat.at) == (1, NOON + timedelta(seconds=1))


async def test_a_stopping_worker_drains_reports_and_says_goodbye() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        world.stop.set()
        await world.pass_time(0.1)
        assert (await world.beats())[-1].state is WorkerState.DRAINING
        world.runner.finish(1)
        await world.pass_time(0.1)
        assert world.running is not None
        assert world.running.done()
        assert (await _kinds(world))[-1] is SuccessReported
        last = (await world.beats())[-1]
        assert (last.state, last.held, last.finished_count) == (WorkerState.STOPPED, (), 1)


async def test_a_drain_ends_what_outlasts_its_grace_and_what_comes_after() -> None:
    async with alive(new_world(drain_grace_s=2, stubborn=True)) as world:
        await world.send(task(1))
        world.stop.set()
        await world.pass_time(2.1)
        assert world.runner.stopped == [(execution(1), CANCEL_GRACE_S)]
        await world.send(task(2))
        await world.pass_time(1)
        assert (execution(2), CANCEL_GRACE_S) in world.runner.stopped
        world.runner.finish(1)
        world.runner.finish(2)
        await world.pass_time(0.1)
        assert world.running is not None
        assert world.running.done()
        assert await _failure_code(world) == "WORKER_STOPPED"


async def test_a_cancelled_worker_kills_what_runs_and_starts_nothing_in_its_place() -> None:
    async with alive(new_world(capacity=1)) as world:
        await world.send(task(1), task(2))
        assert world.running is not None
        world.running.cancel()
        await world.pass_time()
        assert world.running.cancelled()
        assert world.runner.started == [execution(1)]
        assert world.runner.stopped == [(execution(1), 0.0)]


async def test_reports_go_to_the_partition_of_the_tenant_with_its_key() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        world.runner.finish(1)
        await world.pass_time(0.1)
        (report,) = await world.reports()
        assert (report.tenant_id, report.scheduled_for, report.worker_id) == (TENANT, NOON, ME)


async def test_a_worker_that_may_open_nothing_more_goes_on_with_what_runs_and_beats() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1))
        usual = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, usual[1]))
        try:
            await world.pass_time(3)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)
        assert world.runner.stopped == []
        first, *later = await world.beats()
        assert len(later) >= 3
        assert all(beat.memory_mb > 0 for beat in (first, *later))
        world.runner.finish(1)
        await world.pass_time(0.1)
        assert await _kinds(world) == [StartReported, SuccessReported]
