"""What readers, scans and look-ups promise."""

from __future__ import annotations

import asyncio

import pytest

from horolog.log.port import Log, LogError, Place, PositionLost
from tests.contract.log.adapters import Adapter
from tests.contract.log.records import (
    CHECKPOINTS,
    COMMANDS,
    DEADLINE_S,
    EXECUTIONS,
    JOBS,
    TABLE,
    everything,
    numbered,
    outgoing,
    read,
    values,
)


async def test_reader_replays_from_any_position(log: Log) -> None:
    await log.append(numbered(JOBS, 30))
    offsets = [record.offset for record in await everything(log, JOBS)]
    for index in (0, 7, 29):
        reader = log.reader()
        reader.assign({JOBS: offsets[index]})
        assert values(await read(reader, 30 - index)) == [b"%d" % number for number in range(index, 30)]
        await reader.close()


async def test_records_of_a_place_are_contiguous_and_in_order_however_few_are_asked_for(log: Log) -> None:
    places = [Place(topic, partition) for topic in ("jobs.v1", "executions.v1") for partition in (0, 1)]
    await log.append([record for place in places for record in numbered(place, 50)])
    reader = log.reader()
    reader.assign(dict.fromkeys(places, 0))
    seen: dict[Place, list[bytes | None]] = {place: [] for place in places}
    while sum(map(len, seen.values())) < 200:
        records = await reader.poll(7, DEADLINE_S)
        order = [Place(record.topic, record.partition) for record in records]
        assert len(records) <= 7
        assert len(set(order)) == sum(a != b for a, b in zip([None, *order], order, strict=False))
        for place, record in zip(order, records, strict=True):
            seen[place].append(record.value)
    assert all(found == [b"%d" % number for number in range(50)] for found in seen.values())
    await reader.close()


async def test_reader_knows_that_it_is_behind_until_it_has_returned_the_last_record(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    await writer.commit(numbered(JOBS, 5))
    reader = log.reader()
    reader.assign({JOBS: 0, COMMANDS: 0})
    assert len(await read(reader, 2, count_max=2)) == 2
    assert reader.is_behind(JOBS)
    # Positions, not records: the marker of a transaction is one, too.
    assert reader.lag(JOBS) in (3, 4)
    await read(reader, 3)
    # An end that lies behind the marker of a transaction is reached without another record.
    async with asyncio.timeout(DEADLINE_S):
        while reader.is_behind(JOBS) or reader.is_behind(COMMANDS):
            assert not await reader.poll(10, 0.1)
    assert (reader.lag(JOBS), reader.lag(COMMANDS)) == (0, 0)
    await log.append(numbered(JOBS, 1))
    await read(reader, 1)
    await writer.close()
    await reader.close()


async def test_waiting_poll_is_woken_by_a_commit(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    reader = log.reader()
    reader.assign({JOBS: 0, EXECUTIONS: 0})
    for number in range(10):
        poll = asyncio.create_task(reader.poll(100, DEADLINE_S))
        await asyncio.sleep(0)
        await writer.commit([outgoing(JOBS, b"%d" % number)])
        assert values(await poll) == [b"%d" % number]
    await reader.close()


async def test_poll_without_records_ends_after_its_timeout(log: Log) -> None:
    reader = log.reader()
    reader.assign({JOBS: 0})
    async with asyncio.timeout(DEADLINE_S):
        assert list(await reader.poll(10, 0.05)) == []
        assert list(await reader.poll(10, 0)) == []
    await reader.close()


async def test_reader_without_places_returns_nothing(log: Log) -> None:
    await log.append(numbered(JOBS, 1))
    reader = log.reader()
    async with asyncio.timeout(DEADLINE_S):
        assert list(await reader.poll(10, 0.05)) == []
    await reader.close()


async def test_cancelled_polls_lose_nothing(log: Log) -> None:
    reader = log.reader()
    reader.assign({JOBS: 0})
    found: list[bytes | None] = []
    for number in range(100):
        poll = asyncio.create_task(reader.poll(3, DEADLINE_S))
        for _ in range(number % 7):
            await asyncio.sleep(0)
        append = asyncio.create_task(log.append([outgoing(JOBS, b"%d" % number)]))
        for _ in range(number % 11):
            await asyncio.sleep(0)
        poll.cancel()
        await asyncio.wait((poll, append))
        found += [] if poll.cancelled() else values(poll.result())
    found += values(await read(reader, 100 - len(found)))
    assert found == [b"%d" % number for number in range(100)]
    await reader.close()


async def test_place_that_stays_assigned_keeps_its_position(log: Log) -> None:
    await log.append([*numbered(JOBS, 10), *numbered(EXECUTIONS, 10)])
    reader = log.reader()
    reader.assign({JOBS: 0})
    assert values(await read(reader, 5, count_max=5)) == [b"0", b"1", b"2", b"3", b"4"]
    reader.assign({JOBS: 0, EXECUTIONS: 0})
    records = await read(reader, 15)
    assert values([r for r in records if r.topic == JOBS.topic]) == [b"5", b"6", b"7", b"8", b"9"]
    assert len([r for r in records if r.topic == EXECUTIONS.topic]) == 10
    reader.assign({EXECUTIONS: 0})
    reader.assign({JOBS: 0, EXECUTIONS: 0})
    assert len(await read(reader, 10)) == 10
    await reader.close()


async def test_place_no_longer_assigned_is_not_read(log: Log) -> None:
    reader = log.reader()
    reader.assign({JOBS: 0, EXECUTIONS: 0})
    await log.append([*numbered(JOBS, 1), *numbered(EXECUTIONS, 1)])
    assert len(await read(reader, 2)) == 2
    reader.assign({EXECUTIONS: 0})
    await log.append(numbered(JOBS, 1, 1))
    await log.append(numbered(EXECUTIONS, 1, 1))
    records = await read(reader, 1)
    assert [(record.topic, record.value) for record in records] == [(EXECUTIONS.topic, b"1")]
    await reader.close()


async def test_paused_place_is_held_back_and_resumed_without_loss(log: Log) -> None:
    reader = log.reader()
    reader.assign({JOBS: 0, EXECUTIONS: 0})
    await log.append(numbered(JOBS, 5))
    assert len(await read(reader, 2, count_max=2)) == 2
    reader.pause(frozenset({JOBS}))
    await log.append([*numbered(JOBS, 5, 5), *numbered(EXECUTIONS, 3)])
    assert {record.topic for record in await read(reader, 3)} == {EXECUTIONS.topic}
    assert list(await reader.poll(10, 0.2)) == []
    reader.pause(frozenset({EXECUTIONS}))
    await log.append(numbered(EXECUTIONS, 1))
    assert values(await read(reader, 8)) == [b"%d" % number for number in range(2, 10)]
    await reader.close()


async def test_closed_reader_may_be_closed_again(log: Log) -> None:
    reader = log.reader()
    reader.assign({JOBS: 0})
    await reader.poll(1, 0)
    await reader.close()
    await reader.close()


async def test_scan_is_bounded_on_both_sides_and_ends_by_itself(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    for first in range(0, 30, 3):
        await writer.commit(numbered(JOBS, 3, first))
    offsets = [record.offset for record in await everything(log, JOBS)]
    for start, end in ((0, 30), (5, 6), (5, 20), (10, 10), (20, 10)):
        upper = offsets[end] if end < 30 else (await log.ends([JOBS]))[JOBS]
        found = [record async for batch in log.scan(JOBS, offsets[start], upper) for record in batch]
        assert values(found) == [b"%d" % number for number in range(start, end)]


async def test_scan_beyond_the_end_stops_at_the_end(log: Log) -> None:
    await log.append(numbered(JOBS, 3))
    found = [record async for batch in log.scan(JOBS, 0, 1_000_000) for record in batch]
    assert len(found) == 3
    assert [batch async for batch in log.scan(COMMANDS, 0, 10)] == []


async def test_latest_finds_the_last_record_of_a_key(log: Log) -> None:
    writer = await log.open_writer("dispatcher", 0)
    for place in (CHECKPOINTS, TABLE, EXECUTIONS):
        assert await log.latest(place, b"a") is None
        await writer.commit([outgoing(place, b"1", b"a"), outgoing(place, b"1", b"b"), outgoing(place, b"2", b"a")])
        await writer.commit([outgoing(place, b"%d" % n, b"others") for n in range(1500)])
        await writer.commit([outgoing(place, None, b"b")])
        a, b = await log.latest(place, b"a"), await log.latest(place, b"b")
        assert a is not None
        assert (a.value, a.headers, Place(a.topic, a.partition)) == (b"2", outgoing(place, b"").headers, place)
        assert b is not None
        assert b.value is None
        assert await log.latest(place, b"c") is None


async def test_starts_and_ends_enclose_what_is_there(log: Log) -> None:
    empty = (await log.ends([JOBS]))[JOBS]
    assert (await log.starts([JOBS]))[JOBS] == empty
    await log.append(numbered(JOBS, 4))
    starts, ends = await log.starts([JOBS, EXECUTIONS]), await log.ends([JOBS, EXECUTIONS])
    assert ends[JOBS] - starts[JOBS] == 4
    assert ends[EXECUTIONS] == starts[EXECUTIONS]


async def test_position_before_the_start_is_reported_and_not_skipped(adapter: Adapter) -> None:
    log = await adapter.open()
    await log.append(numbered(COMMANDS, 10))
    await adapter.forget(COMMANDS)
    await log.append(numbered(COMMANDS, 1, 10))
    start = (await log.starts([COMMANDS]))[COMMANDS]
    assert start == 10
    reader = log.reader()
    reader.assign({COMMANDS: 3, JOBS: 0})
    for _ in range(2):
        with pytest.raises(PositionLost) as lost:
            await read(reader, 1)
        assert lost.value.place == COMMANDS
    with pytest.raises(PositionLost):
        [batch async for batch in log.scan(COMMANDS, 3, 11)]
    reader.assign({JOBS: 0})
    reader.assign({COMMANDS: start})
    assert values(await read(reader, 1)) == [b"10"]
    await reader.close()


async def test_position_beyond_the_end_is_reported(log: Log) -> None:
    await log.append(numbered(JOBS, 2))
    reader = log.reader()
    reader.assign({JOBS: 5})
    with pytest.raises(LogError):
        await read(reader, 1)
    await reader.close()


async def test_topics_are_created_once(adapter: Adapter) -> None:
    assert await (await adapter.open()).create_topics() == []
