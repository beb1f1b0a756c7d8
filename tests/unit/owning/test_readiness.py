"""An owner is ready while it takes part and all that falls to it turns, and not before or after."""

from horolog.log.owner import Owner, OwnerSettings
from tests.unit.owning.virtual import VirtualClock, elapse, play
from tests.unit.owning.world import ALL, CopyingRole, Fault, command, held_by, new_log, owning

LONGER_THAN_A_RETRY_S = 5.0


def test_owner_is_ready_from_when_all_its_partitions_turn_until_it_ends() -> None:
    async def scenario() -> None:
        log = new_log()
        assert not Owner(log, VirtualClock(), CopyingRole(), OwnerSettings("a")).is_ready()
        async with owning(log, CopyingRole(), "a") as (owner,):
            await held_by(owner, *ALL)
            assert owner.is_ready()
        assert not owner.is_ready()

    play(scenario())


def test_owner_without_a_share_is_ready_once_that_was_shared_out() -> None:
    async def scenario() -> None:
        log = new_log()
        log.member("a", frozenset())
        async with owning(log, CopyingRole(), "a") as (owner,):
            await elapse(1.0)
            assert owner.is_ready()

    play(scenario())


def test_owner_one_of_whose_partitions_is_being_rebuilt_is_not_ready() -> None:
    async def scenario() -> None:
        log = new_log()
        async with owning(log, CopyingRole(), "a") as (owner,):
            await held_by(owner, *ALL)
            log.faults.append(Fault.UNAVAILABLE)
            await command(log, 0)
            await held_by(owner, 1)
            assert not owner.is_ready()
            await elapse(LONGER_THAN_A_RETRY_S)
            assert owner.is_ready()

    play(scenario())
