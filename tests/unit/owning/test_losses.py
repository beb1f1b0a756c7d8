"""Inputs that the log no longer keeps: told, counted, written down once, and gone past; nobody else is disturbed."""

import asyncio
import logging

import pytest

from horolog.log.feed import Feed, Inbox
from horolog.log.port import Place, PositionLost
from schemas.codec import decode
from schemas.events.owners import RecordRefused
from schemas.topics import DLQ
from tests.unit.owning.virtual import elapse, play
from tests.unit.owning.world import (
    COMMANDS,
    JOBS,
    CopyingRole,
    ScriptedLog,
    command,
    copied,
    held_by,
    new_log,
    owning,
    records,
    values,
)

DEADLINE_S = 60.0
HERE, THERE = Place(COMMANDS, 0), Place(COMMANDS, 1)


async def letters(log: ScriptedLog) -> list[RecordRefused]:
    """The dead letters of the partition."""
    found = [decode(r.topic, r.headers, r.value) for r in await records(log, DLQ.name)]
    return [letter for letter in found if isinstance(letter, RecordRefused)]


async def arrived(inbox: Inbox, count: int) -> list[bytes | None]:
    """Wait for so many records."""
    found: list[bytes | None] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            await inbox.arrived.wait()
            found += [record.value for record in inbox.take(count)]
    return found


def test_inputs_that_are_no_longer_kept_are_written_down_once_and_gone_past(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "a") as (owner,):
            await command(log, 0)
            await copied(log, 1)
        for number in range(1, 5):
            await command(log, number)
        log.forget(HERE, 3)
        for member in ("b", "c"):
            async with owning(log, role, member) as (owner,):
                await held_by(owner, 0, 1)
                await elapse(10)
                assert owner.counters.losses == (member == "b")
        assert await values(log, JOBS) == [b"0 0", b"1 3", b"2 4"]
        (letter,) = await letters(log)
        assert (letter.topic, letter.partition, letter.offset, letter.value_bytes) == (COMMANDS, 0, 1, 0)
        assert "positions 1..2 were no longer kept" in letter.reason
        assert letter.refused_by == f"horolog/{role.name}"

    play(scenario())
    (told,) = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"positions 1..2 of {COMMANDS}/0" in told


def test_partition_whose_input_was_lost_while_it_was_owned_goes_on_and_the_others_do_not_notice() -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "a") as (owner,):
            await command(log, 0)
            await copied(log, 1)
            await elapse(1)
            log.gates[0].clear()
            await command(log, 1)
            await elapse(1)
            log.forget(HERE, 1)
            log.gates[0].set()
            rebuilt = len(role.rebuilt_at)
            for number in range(20):
                await command(log, number, partition=1)
                await copied(log, number + 1, partition=1)
            assert len(role.rebuilt_at) == rebuilt
            assert owner.counters.losses == 0

    play(scenario())


def test_place_that_cannot_be_read_fails_its_own_inbox_and_no_other() -> None:
    async def scenario() -> None:
        log = new_log()
        for number in range(5):
            await command(log, number, 0)
            await command(log, number, 1)
        log.forget(HERE, 3)
        feed = Feed(log)
        running = asyncio.create_task(feed.run())
        lost, sound = (Inbox({place: 0}, asyncio.Event()) for place in (HERE, THERE))
        await feed.start(sound)
        await feed.start(lost)
        assert await arrived(sound, 5) == [b"%d" % number for number in range(5)]
        with pytest.raises(PositionLost):
            await arrived(lost, 1)
        await command(log, 5, 1)
        assert await arrived(sound, 1) == [b"5"]
        await feed.stop(lost)
        again = Inbox({HERE: 3}, asyncio.Event())
        await feed.start(again)
        assert await arrived(again, 2) == [b"3", b"4"]
        assert sound.failure is None
        running.cancel()
        await asyncio.wait((running,))

    play(scenario())
