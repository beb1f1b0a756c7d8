"""An owner asks every few seconds where the log ends: what its successor has to read again depends on it."""

from itertools import pairwise

from horolog.limits import CHECKPOINT_IDLE_S
from tests.unit.owning.virtual import elapse, play
from tests.unit.owning.world import CopyingRole, command, copied, new_log, owning

COUNT = 60
PAUSE_S = CHECKPOINT_IDLE_S / 10


def test_an_owner_that_is_never_idle_asks_as_often_as_one_that_is() -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "a"):
            for number in range(COUNT):
                await command(log, number, partition=0)
                await elapse(PAUSE_S)
            await copied(log, COUNT)
        for busy_or_idle in (0, 1):
            asked_at = role.sampled_at[busy_or_idle]
            assert len(asked_at) >= COUNT * PAUSE_S // CHECKPOINT_IDLE_S
            assert all(
                CHECKPOINT_IDLE_S <= later - earlier <= 2 * CHECKPOINT_IDLE_S for earlier, later in pairwise(asked_at)
            )

    play(scenario())
