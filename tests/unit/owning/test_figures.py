"""What an owner tells of itself: how its commits end, whom it takes partitions from, and how far it is behind."""

import asyncio

import pytest

from horolog.log.lag import Reached
from horolog.log.owner import Owner
from horolog.log.port import Record
from tests.unit.owning.virtual import elapse, play
from tests.unit.owning.world import COMMANDS, CopyingRole, Fault, command, copied, held_by, new_log, owning


def standing_of(owner: Owner, partition: int = 0) -> tuple[int, float]:
    """How many records wait in the partition, and how old the oldest is."""
    (found,) = [standing for standing in owner.standings() if standing.partition == partition]
    return found.lag_record_count, found.lag_s


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.FENCED, "aborted"),
        (Fault.UNAVAILABLE, "aborted"),
        (Fault.DEFECT, "unknown"),
        (Fault.UNKNOWN_AND_LOST, "unknown"),
        (Fault.UNKNOWN_BUT_COMMITTED, "unknown"),
    ],
)
def test_commit_is_counted_once_by_how_it_ended(fault: Fault, outcome: str) -> None:
    async def scenario() -> None:
        log = new_log()
        log.member("a")
        async with owning(log, CopyingRole(), "a") as (owner,):
            await command(log, 0)
            await copied(log, 1)
            before = dict(owner.counters.transactions)
            log.faults.append(fault)
            await command(log, 1)
            await copied(log, 2)
            await elapse(20)
            after = owner.counters.transactions
            bad = {name: after[name] - before[name] for name in ("aborted", "unknown")}
            assert bad == {"aborted": 0, "unknown": 0, outcome: 1}
            assert after["committed"] > before["committed"] > 0

    play(scenario())


def test_commit_that_the_end_met_under_way_is_counted() -> None:
    async def scenario() -> None:
        log = new_log()
        log.member("a")
        async with owning(log, CopyingRole(), "a") as (owner,):
            await elapse(1)
            before = owner.counters.transactions["committed"]
            log.gates[0].clear()
            log.committing.clear()
            await command(log, 0)
            await log.committing.wait()
            asyncio.get_running_loop().call_later(1, log.gates[0].set)
        assert owner.counters.transactions["committed"] == before + 1

    play(scenario())


def test_partition_that_was_another_members_counts_as_taken_over_and_a_members_own_does_not() -> None:
    async def scenario() -> None:
        log = new_log()
        for member in ("a", "a", "b"):
            async with owning(log, CopyingRole(), member) as (owner,):
                await held_by(owner, 0, 1)
                # The first checkpoints say whose the partitions are.
                await elapse(10)
                assert owner.counters.takeovers == (2 if member == "b" else 0)

    play(scenario())


def test_owner_that_has_taken_all_in_is_not_behind_however_long_nothing_comes() -> None:
    async def scenario() -> None:
        log = new_log()
        async with owning(log, CopyingRole(), "a") as (owner,):
            await command(log, 0)
            await copied(log, 1)
            await elapse(600)
            assert standing_of(owner) == (0, 0.0)

    play(scenario())


def test_what_waits_behind_a_commit_that_hangs_is_told_with_its_age() -> None:
    async def scenario() -> None:
        log = new_log()
        async with owning(log, CopyingRole(), "a") as (owner,):
            await held_by(owner, 0, 1)
            await elapse(1)
            log.gates[0].clear()
            for number in range(3):
                await command(log, number)
                await elapse(2)
            count, age_s = standing_of(owner)
            assert (count, 5 < age_s < 8) == (3, True)
            assert standing_of(owner, 1) == (0, 0.0)
            log.gates[0].set()
            await copied(log, 3)
            await elapse(2)
            assert standing_of(owner) == (0, 0.0)

    play(scenario())


def test_who_is_behind_is_as_far_behind_as_the_older_end_of_its_last_batch() -> None:
    reached = Reached(100)
    batch = [Record(COMMANDS, 0, offset, b"", b"", (), at_ms) for offset, at_ms in ((1, 90_000), (2, 95_000))]
    reached.note(batch, True, 100)
    told = reached.standing(0, 7, 5, 100)
    assert (told.epoch, told.lag_record_count, told.lag_s) == (7, 7, 10)
    reached.in_hand_count = 0
    assert reached.standing(0, 7, 0, 100).lag_s == 0
    reached.note((), False, 101)
    assert reached.standing(0, 7, 1, 103).lag_s == 2
