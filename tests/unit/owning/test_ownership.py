"""Who owns a partition: never nobody for long, and of two who think that they do, the newer."""

import asyncio

import pytest

from horolog.log.owner import FENCED_RETRY_S, RETRY_S_MAX
from tests.unit.owning.virtual import elapse, play
from tests.unit.owning.world import (
    ALL,
    CopyingRole,
    Fault,
    checkpoints,
    command,
    copied,
    held_by,
    new_log,
    owning,
)


def test_partition_lost_to_a_newer_owner_is_taken_again_while_it_is_still_this_members() -> None:
    async def scenario() -> None:
        log = new_log()
        log.member("a")
        log.faults.append(Fault.FENCED)
        async with owning(log, CopyingRole(), "a") as (owner,):
            began = asyncio.get_running_loop().time()
            await command(log, 0)
            await copied(log, 1)
            assert asyncio.get_running_loop().time() - began < FENCED_RETRY_S + 1
            assert owner.counters.fencings == 1

    play(scenario())


def test_sharing_out_that_changes_nothing_brings_a_lost_partition_back_at_once() -> None:
    async def scenario() -> None:
        log = new_log()
        membership = log.member("a")
        log.faults.append(Fault.FENCED)
        async with owning(log, CopyingRole(), "a") as (owner,):
            await command(log, 0)
            await held_by(owner, 1)
            began = asyncio.get_running_loop().time()
            membership.hold(ALL)
            await copied(log, 1)
            assert asyncio.get_running_loop().time() - began < FENCED_RETRY_S / 2

    play(scenario())


def test_partition_that_went_to_somebody_else_is_left_to_them() -> None:
    async def scenario() -> None:
        log = new_log()
        membership, other = log.member("a"), log.member("b", frozenset())
        async with owning(log, CopyingRole(), "a", "b") as (owner, successor):
            await held_by(owner, 0, 1)
            other.hold(frozenset({0}))
            await held_by(successor, 0)
            membership.hold(frozenset({1}))
            await command(log, 0)
            await copied(log, 1)
            await elapse(3 * RETRY_S_MAX)
            assert successor.counters.fencings == 0
            assert (set(owner.holdings), set(successor.holdings)) == ({1}, {0})

    play(scenario())


def test_two_members_that_claim_the_same_lose_and_double_nothing_and_fence_each_other_ever_less_often() -> None:
    async def scenario() -> None:
        log = new_log()
        log.member("a")
        log.member("b")
        async with owning(log, CopyingRole(), "a", "b") as owners:
            for number in range(100):
                await command(log, number)
                await elapse(1)
            await copied(log, 100)
            fencings = sum(owner.counters.fencings for owner in owners)
            assert 2 <= fencings <= 2 * 2 * 100 / RETRY_S_MAX

    play(scenario())


def test_no_partition_stays_unowned_when_who_took_it_goes_away() -> None:
    async def scenario() -> None:
        log = new_log()
        log.member("a")
        stale = log.member("b")
        async with owning(log, CopyingRole(), "a", "b") as (owner, zombie):
            await command(log, 0)
            await copied(log, 1)
            # The one leaves without the other being told of anything.
            stale.hold(frozenset())
            await held_by(zombie)
            began = asyncio.get_running_loop().time()
            await held_by(owner, 0, 1)
            await command(log, 1)
            await copied(log, 2)
            assert asyncio.get_running_loop().time() - began <= RETRY_S_MAX + 1

    play(scenario())


def test_epoch_of_checkpoints_rises_though_the_writers_begin_anew() -> None:
    async def scenario() -> None:
        log = new_log()
        log.epochs = {1: 70_000, 2: 65_536, 3: 3, 4: 80_000}
        log.member("a", frozenset({0}))
        log.faults.extend([None, Fault.UNKNOWN_AND_LOST, Fault.UNKNOWN_BUT_COMMITTED, Fault.DEFECT])
        async with owning(log, CopyingRole(), "a"):
            for number in range(5):
                await command(log, number)
                await copied(log, number + 1)
        epochs = [checkpoint.epoch for checkpoint in await checkpoints(log)]
        assert epochs == sorted(epochs)
        assert list(dict.fromkeys(epochs)) == [70_000, 70_001, 70_002, 80_000]

    play(scenario())


def test_slow_commit_of_a_partition_that_went_away_does_not_hold_up_what_came() -> None:
    async def scenario() -> None:
        log = new_log()
        membership = log.member("a", frozenset({0}))
        async with owning(log, CopyingRole(), "a") as (owner,):
            await held_by(owner, 0)
            await elapse(1)
            log.gates[0].clear()
            log.committing.clear()
            await command(log, 0)
            await log.committing.wait()
            membership.hold(frozenset({1}))
            await held_by(owner, 1)
            log.gates[0].set()
            await copied(log, 1)

    play(scenario())


def test_late_commit_of_a_partition_that_went_away_is_fenced_and_counted() -> None:
    async def scenario() -> None:
        log = new_log()
        membership, heir = log.member("a"), log.member("b", frozenset())
        async with owning(log, CopyingRole(), "a", "b") as (owner, successor):
            await held_by(owner, 0, 1)
            await elapse(1)
            log.gates[0].clear()
            log.committing.clear()
            await command(log, 0)
            await log.committing.wait()
            heir.hold(frozenset({0}))
            await elapse(1)
            membership.hold(frozenset({1}))
            await elapse(1)
            log.gates[0].set()
            await copied(log, 1)
            assert (owner.counters.fencings, successor.counters.fencings) == (1, 0)

    play(scenario())


@pytest.mark.parametrize("gate_open_after_s", [0, 1])
def test_end_waits_for_the_commit_under_way(gate_open_after_s: int) -> None:
    async def scenario() -> None:
        log = new_log()
        async with owning(log, CopyingRole(), "a") as (owner,):
            await held_by(owner, 0, 1)
            await elapse(1)
            log.gates[0].clear()
            log.committing.clear()
            await command(log, 0)
            await log.committing.wait()
            asyncio.get_running_loop().call_later(gate_open_after_s, log.gates[0].set)
        await copied(log, 1)
        assert not owner.holdings

    play(scenario())
