"""Who listens hears what was committed, once, and nothing of what was not."""

import asyncio
from collections.abc import Sequence

import pytest

from horolog.log.owner import Owner, OwnerSettings
from horolog.log.port import Outgoing
from tests.unit.owning.virtual import VirtualClock, elapse, play
from tests.unit.owning.world import JOBS, CopyingRole, Fault, command, copied, new_log, values


@pytest.mark.parametrize(
    ("fault", "heard_count"),
    [
        (None, 3),
        (Fault.FENCED, 3),
        (Fault.UNAVAILABLE, 3),
        (Fault.DEFECT, 3),
        (Fault.UNKNOWN_AND_LOST, 3),
        (Fault.UNKNOWN_BUT_COMMITTED, 2),
    ],
)
def test_each_committed_output_is_heard_once(fault: Fault | None, heard_count: int) -> None:
    """Of a commit whose outcome is unknown nothing is heard: too few rather than too many."""

    async def scenario() -> None:
        log, stop, heard = new_log(), asyncio.Event(), list[bytes | None]()
        log.member("a")

        def listen(outputs: Sequence[Outgoing]) -> None:
            heard.extend(output.value for output in outputs)

        owner = Owner(log, VirtualClock(), CopyingRole(), OwnerSettings("a"), on_commit=listen)
        running = asyncio.create_task(owner.run(stop))
        if fault is not None:
            log.faults.append(fault)
        for number in range(3):
            await command(log, number)
            await copied(log, number + 1)
        stop.set()
        await running
        assert heard == (await values(log, JOBS))[-heard_count:]

    play(scenario())


def test_commit_that_the_end_met_under_way_is_heard() -> None:
    async def scenario() -> None:
        log, stop, heard = new_log(), asyncio.Event(), list[Outgoing]()
        log.member("a")
        owner = Owner(log, VirtualClock(), CopyingRole(), OwnerSettings("a"), on_commit=heard.extend)
        running = asyncio.create_task(owner.run(stop))
        await elapse(1)
        log.gates[0].clear()
        log.committing.clear()
        await command(log, 0)
        await log.committing.wait()
        stop.set()
        await elapse(1)
        assert heard == []
        log.gates[0].set()
        await running
        assert [output.value for output in heard] == await values(log, JOBS) == [b"0 0"]

    play(scenario())
