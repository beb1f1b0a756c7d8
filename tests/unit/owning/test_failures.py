"""Whatever becomes of a commit, a turn or a reader: what was decided takes effect exactly once, and it goes on."""

import asyncio
import logging

import pytest

from horolog.log.owner import RETRY_S_MAX
from tests.unit.owning.virtual import elapse, play
from tests.unit.owning.world import CopyingRole, Fault, command, copied, new_log, owning


@pytest.mark.parametrize("fault", Fault)
def test_commit_that_does_not_end_well_takes_effect_exactly_once(fault: Fault) -> None:
    async def scenario() -> None:
        log = new_log()
        log.faults.extend([None, fault, fault, None, fault])
        async with owning(log, CopyingRole(), "a") as (owner,):
            for number in range(8):
                await command(log, number)
                await copied(log, number + 1)
            counted = owner.counters
            assert counted.acquisitions >= 5
        assert not log.faults

    play(scenario())


@pytest.mark.parametrize("fault", Fault)
def test_commands_that_come_meanwhile_are_neither_lost_nor_doubled(fault: Fault) -> None:
    async def scenario() -> None:
        log = new_log()
        log.faults.extend([fault] * 4)
        async with owning(log, CopyingRole(), "a"):
            for number in range(50):
                await command(log, number)
                await elapse(number % 7 / 10)
            await copied(log, 50)

    play(scenario())


def test_defect_in_a_turn_is_told_counted_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "a") as (owner,):
            await command(log, 0)
            await copied(log, 1)
            role.defect_count = 3
            await command(log, 1)
            await copied(log, 2)
            assert owner.counters.failures == 3

    play(scenario())
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 3
    assert all(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in told)


def test_waits_after_defects_grow_to_a_bound_and_shrink_again() -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        log.member("a", frozenset({0}))
        role.defect_count = 10
        async with owning(log, role, "a") as (owner,):
            await command(log, 0)
            await copied(log, 1)
            waits = [later - earlier for earlier, later in zip(role.rebuilt_at, role.rebuilt_at[1:], strict=False)]
            assert waits[:4] == pytest.approx([0.5, 1, 2, 4], abs=0.1)
            assert waits[5:] == pytest.approx([RETRY_S_MAX] * 5, abs=0.1)
            await elapse(RETRY_S_MAX * 2)
            role.defect_count, role.rebuilt_at = 1, []
            began = asyncio.get_running_loop().time()
            await command(log, 1)
            await copied(log, 2)
            assert asyncio.get_running_loop().time() - began < 1
            assert owner.counters.failures == 11

    play(scenario())


def test_reader_that_dies_of_a_defect_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        log = new_log()
        log.broken_reader_count = 1
        async with owning(log, CopyingRole(), "a") as (owner,):
            for number in range(5):
                await command(log, number)
            await copied(log, 5)
            assert owner.counters.failures == 1

    play(scenario())
    assert "reading failed" in caplog.text


def test_partition_in_trouble_does_not_hold_up_another() -> None:
    async def scenario() -> None:
        log = new_log()
        log.gates[0].clear()
        async with owning(log, CopyingRole(), "a"):
            await command(log, 0, partition=0)
            await command(log, 0, partition=1)
            await copied(log, 1, partition=1)
            log.gates[0].set()
            await copied(log, 1, partition=0)

    play(scenario())
