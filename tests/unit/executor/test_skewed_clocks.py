"""When an attempt starts by true time, whatever the clocks of its worker and of its dispatcher show."""

import pytest

from horolog.limits import DISPATCH_AHEAD_S, TASK_TRANSIT_S
from horolog.log.port import Outgoing
from schemas.topics import TASKS
from services.executor.handover import HandOver
from tests.unit.executor.world import ME, NOON, World, alive, execution, new_world, task

INSTANT_S = 0.2


async def _starts_between(world: World, not_yet_s: float, by_then_s: float) -> None:
    """Let time pass to the two true times, counted from noon, and see the attempt start between them."""
    await world.pass_time(not_yet_s - world.clock.monotonic())
    assert world.runner.started == [], f"started before {not_yet_s} s"
    await world.pass_time(by_then_s - world.clock.monotonic())
    assert world.runner.started == [execution(1)], f"not started by {by_then_s} s"


@pytest.mark.parametrize("transit_s", [0.0, 0.1, 0.149])
async def test_with_right_clocks_an_attempt_starts_at_its_instant(transit_s: float) -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, in_s=INSTANT_S), transit_s=transit_s)
        await _starts_between(world, INSTANT_S - 0.05, INSTANT_S + 0.05)


@pytest.mark.parametrize("ahead_s", [0.16, 50.0])
async def test_a_worker_whose_clock_is_ahead_starts_nothing_early(ahead_s: float) -> None:
    async with alive(new_world()) as world:
        world.clock.offset_s = ahead_s
        await world.send(task(1, in_s=INSTANT_S))
        await _starts_between(world, INSTANT_S - 0.05, INSTANT_S + 0.05)


async def test_a_worker_whose_clock_is_behind_starts_late_and_at_once_when_it_is_set_right() -> None:
    async with alive(new_world()) as world:
        world.clock.offset_s = -50.0
        await world.send(task(1, in_s=INSTANT_S))
        await world.pass_time(3)
        assert world.runner.started == []
        world.clock.offset_s = 0.0
        await _starts_between(world, 3, 4.1)


async def test_a_dispatcher_whose_clock_is_ahead_makes_nothing_early() -> None:
    async with alive(new_world()) as world:
        world.dispatcher_offset_s = 50.0
        await world.send(task(1, in_s=50.0))
        await _starts_between(world, 49.95, 50.05)


@pytest.mark.parametrize("ahead_s", [0.0, 0.1, 50.0])
async def test_a_jump_ahead_while_an_attempt_waits_does_not_start_it(ahead_s: float) -> None:
    async with alive(new_world()) as world:
        world.clock.offset_s = ahead_s
        await world.send(task(1, in_s=1.0))
        await world.pass_time(0.5)
        world.clock.offset_s += 50.0
        await world.send(task(2, in_s=100.0))  # Makes the worker look at once.
        right_s = 1.0 - (ahead_s if ahead_s <= TASK_TRANSIT_S else 0.0)
        await _starts_between(world, right_s - 0.05, right_s + 0.05)


async def test_a_jump_back_while_an_attempt_waits_makes_it_late_and_not_early() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, in_s=INSTANT_S))
        world.clock.offset_s = -2.0
        await _starts_between(world, INSTANT_S + 1.95, INSTANT_S + 2.05)


async def test_a_backlog_delays_what_was_sent_ahead_by_no_more_than_that() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, in_s=DISPATCH_AHEAD_S - 5.0), transit_s=5.0)
        await _starts_between(world, DISPATCH_AHEAD_S - 0.05, DISPATCH_AHEAD_S + 0.05)


async def test_a_backlog_delays_nothing_that_was_due_when_it_was_sent() -> None:
    async with alive(new_world()) as world:
        await world.send(task(1, in_s=-5.0), transit_s=4.0)
        assert world.runner.started == [execution(1)]


@pytest.mark.parametrize("time", [None, b"soon", b"\xff", b"2026-03-01T12:00:00"])
async def test_a_task_without_a_readable_time_counts_as_sent_as_far_ahead_as_any(time: bytes | None) -> None:
    async with alive(new_world()) as world:
        world.clock.offset_s = 50.0
        message = task(1, in_s=INSTANT_S)
        headers = [("ce_type", message.TYPE.encode()), *([] if time is None else [("ce_time", time)])]
        await world.log.append([Outgoing(TASKS.name, 0, ME.encode(), message.to_json(), tuple(headers))])
        await _starts_between(world, INSTANT_S - 0.05, INSTANT_S + 0.05)


@pytest.mark.parametrize(
    ("seems_under_way_s", "wait_s"),
    [(-0.01, 0.2), (0.0, 0.2), (0.1, 0.1), (0.149, 0.051), (0.16, 0.2), (-50.0, 0.2), (50.0, 0.2)],
)
def test_only_a_plausible_transit_is_taken_off_the_wait(seems_under_way_s: float, wait_s: float) -> None:
    hand_over = HandOver(task(1, in_s=0.2), NOON.timestamp())
    assert hand_over.wait_s(NOON.timestamp() + seems_under_way_s) == pytest.approx(wait_s, abs=2e-6)
