"""Taking a partition over from the newest checkpoint that is one, whatever else lies under the role's key."""

import logging

import pytest

from horolog.log.checkpoints import WINDOW_COUNT
from horolog.log.port import Log, Outgoing
from schemas.codec import headers_of
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS
from tests.unit.owning.virtual import START, elapse, play
from tests.unit.owning.world import (
    COMMANDS,
    DEADLINE_S,
    JOBS,
    CopyingRole,
    checkpoints,
    command,
    copied,
    held_by,
    new_log,
    owning,
    records,
)

KEY = CopyingRole.name.encode()
COUNT = 3


def bad(value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()) -> Outgoing:
    """Something under the role's key."""
    return Outgoing(CHECKPOINTS.name, 0, KEY, value, headers)


def written(checkpoint: OwnerCheckpointed) -> Outgoing:
    """A checkpoint under the role's key, whatever it says."""
    return bad(checkpoint.to_json(), headers_of(checkpoint, "test", START))


async def no_checkpoints(log: Log) -> dict[str, Outgoing]:
    """One record of each kind that is no checkpoint of the role and partition, though its key says so."""
    own = (await checkpoints(log))[-1].model_copy(update={"epoch": 99, "positions": {COMMANDS: 0}})
    return {
        "garbage": bad(b"garbage"),
        "another partition's": written(own.model_copy(update={"partition": 1})),
        "another role's": written(own.model_copy(update={"role": "ticker"})),
        "unknown field": bad(own.to_json()[:-1] + b',"surprise":1}', headers_of(own, "test", START)),
        "no type": bad(own.to_json()),
        "no value": bad(None),
    }


@pytest.mark.parametrize(
    "kind", ["garbage", "another partition's", "another role's", "unknown field", "no type", "no value"]
)
@pytest.mark.parametrize("count", [1, 3 * WINDOW_COUNT])
def test_what_is_no_checkpoint_of_the_partition_is_passed_over(
    kind: str, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "a"):
            for number in range(COUNT):
                await command(log, number)
                await copied(log, number + 1)
        (last,) = {checkpoint.epoch: checkpoint for checkpoint in await checkpoints(log)}.values()
        await log.append([(await no_checkpoints(log))[kind]] * count)
        async with owning(log, role, "b"):
            await command(log, COUNT)
            await copied(log, COUNT + 1)
        (record,) = (await records(log, CHECKPOINTS.name))[-1:]
        assert record.key == KEY
        assert last.epoch < 99

    play(scenario())
    told = [record for record in caplog.records if "passed over" in record.message]
    assert [record.levelno for record in told] == [logging.WARNING]
    assert f"{count} records" in told[0].message


def test_partition_with_nothing_but_garbage_for_checkpoints_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        log = new_log()
        await log.append([bad(b"garbage")])
        async with owning(log, CopyingRole(), "a") as (owner,):
            await held_by(owner, 0, 1)
            await command(log, 0)
            await copied(log, 1)

    play(scenario())
    assert [record.levelno for record in caplog.records if "there is no other" in record.message] == [logging.ERROR]


def test_nobody_owns_a_partition_before_all_that_is_restored_into_it_is_there() -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        begun = OwnerCheckpointed(
            role=role.name, partition=0, owner="restore", epoch=0, acquired_at=START, at=START, positions={COMMANDS: 0}
        )
        await log.append([written(begun.model_copy(update={"restoring": True})), bad(b"garbage")])
        await command(log, 0)
        async with owning(log, role, "a") as (owner,):
            await held_by(owner, 1)
            await elapse(DEADLINE_S)
            await held_by(owner, 1)
            assert await records(log, JOBS) == []
            await log.append([written(begun)])
            await copied(log, 1)

    play(scenario())
