"""A stream ends with the reason: a right that was taken away, a log that fails, an id of no use, a full house."""

import asyncio
from collections.abc import Sequence

import pytest

from horolog.log.port import LogUnavailable
from services.api.errors import ApiError
from services.api.streams.desk import Bounds
from services.api.streams.hub import Ended
from services.api.streams.seats import Room, Seats
from services.api.streams.spots import id_of
from services.api.streams.stream import Caller, Pace
from tests.unit.api.streaming import (
    DEADLINE_S,
    PLACES,
    Facts,
    asked,
    listen,
    memory_log,
    nothing_changes,
    progressed,
    spot_at,
)
from tests.unit.projections.facts import OTHER_TENANT, PARTITIONS, TENANT, changed, job, uuid_of

QUICK = Bounds(pace=Pace(beat_s=0.01, check_s=0.005))


class Judge:
    """Says whether the caller may still listen."""

    def __init__(self) -> None:
        self.code: str | None = None
        self.asked = asyncio.Event()

    async def check(self) -> None:
        """Raise what it was told to."""
        self.asked.set()
        if self.code is not None:
            raise Ended(self.code)


@pytest.mark.parametrize("code", ["UNAUTHORIZED", "GRANT_CHANGED", "AUTH_UNAVAILABLE"])
async def test_whoever_may_not_listen_any_more_is_told_so_and_nothing_else(code: str) -> None:
    facts, judge = Facts(), Judge()
    listening = await listen(facts.desk(QUICK), caller=Caller(judge.check))
    waiting = asyncio.ensure_future(listening.next())
    await asyncio.wait_for(judge.asked.wait(), DEADLINE_S)
    judge.code = code
    type_, data = await waiting
    assert (type_, data["code"]) == ("end", code)
    assert data["message"]
    await listening.close()


async def test_a_caller_within_tags_hears_of_jobs_within_them_only() -> None:
    facts = Facts()

    async def within(job_ids: Sequence[str]) -> Sequence[str]:
        return [id_ for id_ in job_ids if id_ == uuid_of(2)]

    listening = await listen(facts.desk(), caller=Caller(nothing_changes, within))
    await facts.tell(changed(job(1)), progressed(1), changed(job(2)), progressed(2, job_id=uuid_of(2)))
    told = [await listening.next() for _ in range(2)]
    assert {data["jobId"] for _, data in told} == {uuid_of(2)}
    await listening.close()


async def test_a_silent_stream_beats_and_tells_how_far_it_has_come() -> None:
    facts = Facts()
    listening = await listen(facts.desk(QUICK), types=frozenset({"job.created"}))
    begin = spot_at(listening.id)
    await facts.tell(progressed(1))
    await listening.block()
    assert listening.beat_count >= 1
    assert spot_at(listening.id)[1] == begin[1] + 1
    await listening.close()


async def test_all_streams_end_when_the_process_does() -> None:
    facts = Facts()
    desk = facts.desk()
    many = [await listen(desk) for _ in range(3)]
    desk.stop()
    assert [(await one.next())[1]["code"] for one in many] == ["SHUTTING_DOWN"] * 3
    for one in many:
        await one.close()
    await desk.close()


async def test_a_log_that_fails_ends_the_stream_and_the_next_one_works() -> None:
    facts = Facts()
    desk = facts.desk()
    listening = await listen(desk)
    await facts.tell(progressed(1))
    assert await listening.progress(1) == [1]
    (tail,) = desk._sources.hub._tails.values()
    tail.inbox.fail(LogUnavailable("no broker"))
    assert (await listening.next())[1]["code"] == "LOG_UNAVAILABLE"
    await listening.close()
    await facts.tell(progressed(2))
    again = await listen(desk, listening.id)
    assert await again.progress(1) == [2]
    await again.close()


async def refusal(facts: Facts, id_: str, bounds: Bounds = QUICK) -> str:
    """The code with which an id is refused."""
    with pytest.raises(ApiError) as caught:
        await facts.desk(bounds).stream(asked(), Caller(nothing_changes), id_)
    return caught.value.code


async def test_an_id_that_is_of_no_use_is_told_as_such() -> None:
    facts = Facts()
    await facts.tell(*(progressed(number) for number in range(10)))
    few = Bounds(behind_count_max=5)
    ids = {
        "foreign": id_of((0, 5, 0, 0), OTHER_TENANT, PARTITIONS),
        "beyond": id_of((0, 11, 0, 0), TENANT, PARTITIONS),
        "back": id_of((0, 4, 0, 0), TENANT, PARTITIONS),
    }
    assert await refusal(facts, "nonsense") == "INVALID_EVENT_ID"
    assert [await refusal(facts, ids[name]) for name in ("foreign", "beyond")] == ["INVALID_EVENT_ID"] * 2
    assert await refusal(facts, ids["back"], few) == "EVENTS_GONE"
    await facts.desk().stream(asked(), Caller(nothing_changes), ids["back"])


async def test_an_id_from_before_the_log_begins_is_told_as_such() -> None:
    log = memory_log()
    facts = Facts(log)
    await facts.tell(*(progressed(number) for number in range(10)))
    log._tails.raise_start(PLACES[1], 5)
    assert await refusal(facts, id_of((0, 4, 0, 0), TENANT, PARTITIONS)) == "EVENTS_GONE"
    await facts.desk().stream(asked(), Caller(nothing_changes), id_of((0, 5, 0, 0), TENANT, PARTITIONS))


def test_seats_are_bounded_for_a_caller_a_tenant_and_all() -> None:
    seats = Seats(Room(count_max=4, per_tenant_count_max=3, per_caller_count_max=2))
    first = [seats.take("a", "ada"), seats.take("a", "ada")]
    with pytest.raises(ApiError, match="TOO_MANY_STREAMS"):
        seats.take("a", "ada")
    seats.take("a", "bob")
    with pytest.raises(ApiError, match="TOO_MANY_STREAMS"):
        seats.take("a", "eve")
    seats.take("b", "ada")
    with pytest.raises(ApiError, match="OVERLOADED"):
        seats.take("c", "ada")
    for seat in (*first, first[0]):
        seat.give_back()
    assert seats.taken_count == 2
    seats.take("a", "ada")
