"""Streams tell everything that they were asked for once, in order, once it shows, and to nobody else."""

import asyncio
from contextlib import AsyncExitStack

from schemas.events.jobs import JobPaused
from schemas.topics import partition_of
from services.api.streams.desk import StreamDesk
from services.api.streams.older import Older
from services.api.streams.spots import TOPICS
from tests.unit.api.streaming import (
    DEADLINE_S,
    EVERY_TYPE,
    PLACES,
    Facts,
    Listening,
    all_told,
    listen,
    memory_log,
    progressed,
    spot_at,
)
from tests.unit.projections.facts import HOME, PARTITIONS, TENANT, admitted, changed, job, tenant_created, uuid_of

NEIGHBOUR = uuid_of(0)
"""A tenant whose facts lie in the same partition."""


async def test_what_happens_is_told_as_it_happens() -> None:
    facts = Facts()
    listening = await listen(facts.desk())
    await facts.tell(changed(job()), admitted(), progressed(5), tenant_created())
    told = [await listening.next() for _ in range(4)]
    assert {type_ for type_, _ in told} == {
        "job.created",
        "execution.admitted",
        "attempt.progressed",
        "tenant.created",
    }
    assert all(data["type"] == type_ for type_, data in told)
    await listening.close()


async def test_what_was_there_before_is_not_told() -> None:
    facts = Facts()
    await facts.tell(progressed(1))
    listening = await listen(facts.desk())
    await facts.tell(progressed(2))
    assert await listening.progress(1) == [2]
    await listening.close()


async def test_nothing_is_told_before_the_read_models_show_it() -> None:
    facts = Facts()
    listening = await listen(facts.desk())
    await facts.write(progressed(1))
    waiting = asyncio.ensure_future(listening.next())
    for _ in range(2):
        facts.read_model.looked.clear()
        await asyncio.wait_for(facts.read_model.looked.wait(), DEADLINE_S)
    assert not waiting.done()
    await facts.show()
    assert (await waiting)[1]["progress"] == 1
    await listening.close()


async def test_a_stream_begins_with_what_the_read_models_do_not_show_yet() -> None:
    facts = Facts()
    await facts.tell(progressed(1))
    await facts.write(progressed(2))
    listening = await listen(facts.desk())
    await facts.show()
    assert await listening.progress(1) == [2]
    await listening.close()


async def test_wherever_a_stream_breaks_off_it_is_gone_on_with_exactly() -> None:
    facts = Facts()
    desk = facts.desk()
    listening = await listen(desk)
    await facts.tell(*(progressed(number) for number in range(20)), changed(job()))
    ids = [listening.id]
    for _ in range(21):
        await listening.next()
        ids.append(listening.id)
    await listening.close()
    assert len(set(ids)) == 22
    for count, id_ in enumerate(ids):
        told, last = await all_told(desk, id_)
        assert len(told) == 21 - count
        assert spot_at(last) == spot_at(ids[-1])


async def test_who_comes_back_in_the_middle_of_it_misses_nothing_and_hears_nothing_twice() -> None:
    """The writer never rests, and each connection lasts for some events only: older and new meet over and over."""
    facts = Facts()
    desk = facts.desk()
    first = await listen(desk)
    other = await listen(desk)

    async def write() -> None:
        for number in range(100):
            await facts.tell(progressed(number), progressed(number, tenant_id=NEIGHBOUR), changed(job(), JobPaused))
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    id_, told = first.id, list[int]()
    await first.close()
    for length in (1, 3, 7, 2, 20, 5, 30, 32):
        listening = await listen(desk, id_, types=frozenset({"attempt.progressed"}))
        told += await listening.progress(length)
        id_ = listening.id
        await listening.close()
    await writing
    assert told == list(range(100))
    assert [(await other.next())[0] for _ in range(200)].count("job.paused") == 100
    await other.close()


async def test_only_what_was_asked_for_is_told() -> None:
    facts = Facts()
    desk = facts.desk()
    for wish, found in (
        ({"types": frozenset({"job.paused"})}, ["job.paused"]),
        ({"types": EVERY_TYPE, "job_id": uuid_of(2)}, ["job.created"]),
        ({"execution_id": uuid_of(1007)}, ["attempt.progressed"]),
    ):
        listening = await listen(desk, **wish)
        await facts.tell(changed(job(2)), progressed(1, 7), admitted(), changed(job(1), JobPaused))
        assert [(await listening.next())[0] for _ in found] == found
        await facts.tell(progressed(99, 7), changed(job(2), JobPaused))
        await listening.close()
    told, _ = await all_told(desk, job_id=uuid_of(2))
    assert told == []


async def test_a_neighbour_in_the_same_partition_hears_nothing_of_it() -> None:
    facts = Facts()
    desk = facts.desk()
    assert partition_of(NEIGHBOUR, PARTITIONS) == HOME
    listening, neighbour = await listen(desk), await listen(desk, tenant_id=NEIGHBOUR)
    begin = neighbour.id
    await facts.tell(progressed(1), progressed(2, tenant_id=NEIGHBOUR), progressed(3))
    assert await listening.progress(2) == [1, 3]
    assert await neighbour.progress(1) == [2]
    await neighbour.close()
    await listening.close()
    assert len((await all_told(desk, begin, tenant_id=NEIGHBOUR))[0]) == 1


async def test_one_reader_serves_all_who_listen_and_none_is_left_when_nobody_does() -> None:
    log = memory_log()
    facts = Facts(log)
    desk, assigned = facts.desk(), log._tails[PLACES[1]].watchers
    async with AsyncExitStack() as stack:
        many = [await listen(desk) for _ in range(5)]
        for one in many:
            stack.push_async_callback(one.close)
        await facts.tell(progressed(1))
        assert [await one.progress(1) for one in many] == [[1]] * 5
        assert len(assigned) == 1
    assert assigned == []


async def test_a_process_that_is_ahead_of_another_is_gone_on_from_without_a_repeat() -> None:
    """The id leads beyond what the other process has told so far: it waits until it is there itself."""
    facts = Facts()
    behind = Facts(facts.log)
    ahead, slow = facts.desk(), behind.desk()
    holding = await listen(slow)
    waiting = asyncio.ensure_future(holding.progress(2))
    await have_joined(slow, 1)
    listening = await listen(ahead)
    await facts.tell(progressed(1), progressed(2))
    assert await listening.progress(1) == [1]
    moved = await listen(slow, listening.id)
    going_on = asyncio.ensure_future(moved.progress(1))
    await have_joined(slow, 2)
    await behind.show()
    assert await going_on == [2]
    assert await waiting == [1, 2]
    for one in (listening, holding, moved):
        await one.close()


async def test_what_is_older_is_read_in_pieces_that_join() -> None:
    facts = Facts()
    await facts.write(*(progressed(number) for number in range(100)))
    older, spot = Older(facts.log, piece_record_count=1), (0,) * len(TOPICS)
    told = list[int]()
    place = PLACES[1]
    goal = (await facts.log.ends([place]))[place]
    pieces = 0
    while spot[1] < goal:
        piece = await older.piece(place, spot, goal, TENANT, lambda _: True)
        told += [one.offset for one in piece.found]
        spot, pieces = piece.spot, pieces + 1
    assert told == list(range(100))
    assert pieces >= 1


async def have_joined(desk: StreamDesk, count: int) -> None:
    """Wait until so many listen to what is new."""
    tails = desk._sources.hub._tails
    async with asyncio.timeout(DEADLINE_S):
        while sum(len(tail._listeners) for tail in tails.values()) < count:
            await asyncio.sleep(0)


async def read_slowly(desk: StreamDesk, listening: Listening) -> int:
    """How many events there are until the end, which says that it was too slow."""
    count = 0
    while (event := await listening.next())[0] != "end":
        count += 1
    assert event[1]["code"] == "TOO_SLOW"
    return count


async def test_who_is_too_slow_is_cut_off_and_goes_on_from_what_it_has() -> None:
    facts = Facts()
    desk = facts.desk()
    slow, quick = await listen(desk), await listen(desk)
    await facts.tell(progressed(0))
    assert [await one.progress(1) for one in (slow, quick)] == [[0], [0]]
    await have_joined(desk, 2)
    for _ in range(60):
        await facts.tell(*(progressed(number) for number in range(100)))
        await quick.progress(100)
    had = await read_slowly(desk, slow)
    told, _ = await all_told(desk, slow.id)
    assert had + len(told) == 6000
    await quick.close()
    await slow.close()
