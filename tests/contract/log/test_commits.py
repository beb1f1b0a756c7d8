"""What a commit and an append promise: order, atomicity, fencing."""

from __future__ import annotations

import asyncio

import pytest

from horolog.log.port import CommitUnknown, Fenced, Log, Outgoing, Place
from schemas.topics import RECORD_BYTES_MAX
from tests.contract.log.adapters import Adapter
from tests.contract.log.records import (
    CHECKPOINTS,
    COMMANDS,
    EXECUTIONS,
    HEADERS,
    JOBS,
    TABLE,
    everything,
    numbered,
    outgoing,
    values,
)


async def test_appended_records_keep_their_order_and_content(log: Log) -> None:
    await log.append([outgoing(COMMANDS, b"one", b"a"), outgoing(JOBS, b"else"), outgoing(COMMANDS, b"two", b"b")])
    records = await everything(log, COMMANDS)
    assert values(records) == [b"one", b"two"]
    assert [record.key for record in records] == [b"a", b"b"]
    assert records[0].headers == HEADERS
    assert (records[0].topic, records[0].partition) == COMMANDS
    assert records[0].offset < records[1].offset
    assert records[0].timestamp_ms > 1_700_000_000_000


async def test_appends_that_meet_are_all_written_in_the_order_of_each_caller(log: Log) -> None:
    async def append_all(caller: int) -> None:
        for number in range(20):
            await log.append([outgoing(COMMANDS, b"%d" % number, b"%d" % caller)])

    await asyncio.gather(*(append_all(caller) for caller in range(10)))
    records = await everything(log, COMMANDS)
    assert len(records) == 200
    for caller in range(10):
        own = [record for record in records if record.key == b"%d" % caller]
        assert values(own) == [b"%d" % number for number in range(20)]


async def test_commit_over_many_topics_is_visible_as_a_whole_when_it_returns(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    places = [JOBS, TABLE, EXECUTIONS, COMMANDS, CHECKPOINTS]
    await writer.commit([outgoing(place, b"%d" % number) for number in range(400) for place in places])
    for place in places:
        assert values(await everything(log, place)) == [b"%d" % number for number in range(400)]


async def test_commits_of_one_writer_follow_each_other(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    for first in range(0, 50, 5):
        await writer.commit(numbered(JOBS, 5, first))
    assert values(await everything(log, JOBS)) == [b"%d" % number for number in range(50)]


async def test_empty_commit_and_empty_append_do_nothing(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    await writer.commit([])
    await log.append([])
    await writer.commit(numbered(JOBS, 1))
    assert values(await everything(log, JOBS)) == [b"0"]


async def test_large_records_pass(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    large = [bytes([number]) * 900_000 for number in range(3)]
    await writer.commit([outgoing(JOBS, value) for value in large])
    await log.append([outgoing(JOBS, large[0]), outgoing(JOBS, b"x" * RECORD_BYTES_MAX)])
    assert values(await everything(log, JOBS)) == [*large, large[0], b"x" * RECORD_BYTES_MAX]


@pytest.mark.parametrize(
    "bad", [outgoing(Place("jobs.v1", 2), b""), outgoing(JOBS, b"x" * (RECORD_BYTES_MAX + 1))], ids=["place", "size"]
)
async def test_impossible_record_is_refused_and_the_writer_lives_on(log: Log, bad: Outgoing) -> None:
    writer = await log.open_writer("dispatcher", 0)
    with pytest.raises(ValueError):
        await writer.commit([outgoing(JOBS, b"lost"), bad])
    with pytest.raises(ValueError):
        await log.append([outgoing(JOBS, b"lost"), bad])
    await writer.commit([outgoing(JOBS, b"kept")])
    assert values(await everything(log, JOBS)) == [b"kept"]


async def test_epoch_rises_with_every_writer_of_a_role_and_partition(adapter: Adapter) -> None:
    epochs = []
    for _ in range(4):
        writer = await (await adapter.open()).open_writer("ticker", 1)
        epochs.append(writer.epoch)
        await writer.close()
    assert epochs == sorted(set(epochs))


async def test_older_writer_is_fenced_and_writes_nothing(adapter: Adapter) -> None:
    old_log, new_log = await adapter.open(), await adapter.open()
    old = await old_log.open_writer("dispatcher", 0)
    await old.commit([outgoing(JOBS, b"old")])
    new = await new_log.open_writer("dispatcher", 0)
    with pytest.raises(Fenced):
        await old.commit([outgoing(JOBS, b"stale"), outgoing(EXECUTIONS, b"stale")])
    with pytest.raises(Fenced):
        await old.commit([outgoing(JOBS, b"stale again")])
    await new.commit([outgoing(JOBS, b"new")])
    assert values(await everything(new_log, JOBS)) == [b"old", b"new"]
    assert await everything(new_log, EXECUTIONS) == []


async def test_writers_of_other_roles_and_partitions_are_not_fenced(log: Log) -> None:
    writers = [await log.open_writer(role, partition) for role in ("ticker", "dispatcher") for partition in (0, 1)]
    for number, writer in enumerate(writers):
        await writer.commit([outgoing(JOBS, b"%d" % number)])
    assert values(await everything(log, JOBS)) == [b"0", b"1", b"2", b"3"]


async def test_commit_under_way_when_a_newer_writer_opens_is_whole_or_not_there(adapter: Adapter) -> None:
    log, other = await adapter.open(), await adapter.open()
    expected: list[bytes | None] = []
    for _ in range(5):
        old = await log.open_writer("dispatcher", 0)
        commit = asyncio.create_task(old.commit([*numbered(JOBS, 500), *numbered(EXECUTIONS, 500)]))
        await asyncio.sleep(0)
        new = await other.open_writer("dispatcher", 0)
        after_opening = [len(await everything(other, place)) for place in (JOBS, EXECUTIONS)]
        (failure,) = await asyncio.gather(commit, return_exceptions=True)
        assert failure is None or isinstance(failure, Fenced | CommitUnknown)
        if failure is None or len(await everything(other, JOBS)) > len(expected):
            assert not isinstance(failure, Fenced)
            expected += values(await everything(other, JOBS))[-500:]
        for place, count in zip((JOBS, EXECUTIONS), after_opening, strict=True):
            assert values(await everything(other, place)) == expected
            assert count == len(expected)
        await new.close()


async def test_closed_writer_commits_no_more(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    await writer.close()
    await writer.close()
    with pytest.raises(CommitUnknown):
        await writer.commit(numbered(JOBS, 1))
    assert await everything(log, JOBS) == []


async def test_closing_a_writer_does_not_disturb_its_successor(log: Log) -> None:
    old = await log.open_writer("dispatcher", 0)
    new = await log.open_writer("dispatcher", 0)
    await old.close()
    await new.commit(numbered(JOBS, 1))
    assert values(await everything(log, JOBS)) == [b"0"]


async def test_cancelled_commit_is_whole_or_not_there_and_ends_its_writer(log: Log) -> None:
    for turn in range(5):
        writer = await log.open_writer("dispatcher", 0)
        before = len(await everything(log, JOBS))
        commit = asyncio.create_task(writer.commit([*numbered(JOBS, 100), *numbered(EXECUTIONS, 100)]))
        for _ in range(turn):
            await asyncio.sleep(0)
        commit.cancel()
        (outcome,) = await asyncio.gather(commit, return_exceptions=True)
        # Cancelled before its first step a commit has not begun, so its writer is as good as new.
        if turn and isinstance(outcome, asyncio.CancelledError):
            with pytest.raises(CommitUnknown):
                await writer.commit(numbered(COMMANDS, 1))
        await log.open_writer("dispatcher", 0)
        after = [len(await everything(log, place)) for place in (JOBS, EXECUTIONS)]
        assert after in ([before, before], [before + 100, before + 100])
