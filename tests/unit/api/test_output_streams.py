"""The stream of a run tells what it prints once, from its beginning, and ends with the run and all of its output."""

import asyncio
from datetime import timedelta

import pytest

from horolog.adapters.system import SystemClock
from horolog.limits import OUTPUT_LOOK_RECORD_COUNT_MIN
from horolog.log.port import Place
from schemas.events.executions import AttemptStarted
from schemas.events.output import OutputStream
from schemas.topics import OUTPUT
from services.api.errors import ApiError
from services.api.streams.desk import Bounds
from services.api.streams.hub import Ended
from services.api.streams.output import Run, Told, output_id_of, told_of
from services.api.streams.output_desk import AskedOutput
from services.api.streams.spots import ForeignId, id_of
from services.api.streams.stream import Pace
from tests.unit.api.output_streaming import RUN, completed, follow, looking, printed, rest, row, show, texts
from tests.unit.api.streaming import ACTOR, DEADLINE_S, Facts, Listening, memory_log
from tests.unit.projections.facts import HOME, OTHER_TENANT, PARTITIONS, TENANT, at, event, uuid_of

ERR = OutputStream.STDERR
A_RUN = Run(TENANT, RUN, HOME, PARTITIONS)
A_RUN_PLACE = Place(OUTPUT.name, HOME)
ASKED = AskedOutput(TENANT, ACTOR, RUN)
QUICK, FEW = Bounds(pace=Pace(check_s=0.005)), Bounds(behind_count_max=1)
FINAL = {"stdout": "one\ntwo\nthree\n", "stderr": "oh\n", "exitCode": 0}


async def test_what_is_printed_is_told_while_the_run_goes_on_and_waits_for_no_read_model() -> None:
    facts = Facts()
    await show(facts)
    listening = await follow(facts, facts.desk())
    await facts.write(printed("one\n"), printed("oh\n", stream=ERR), printed("two\n", 4))
    assert await texts(listening, 3) == [("stdout", 0, "one\n"), ("stderr", 0, "oh\n"), ("stdout", 4, "two\n")]
    await listening.close()


async def test_what_was_printed_before_is_told_first() -> None:
    facts = Facts()
    await facts.write(printed("one\n"))
    await show(facts)
    listening = await follow(facts, facts.desk())
    await facts.write(printed("two\n", 4))
    assert await texts(listening, 2) == [("stdout", 0, "one\n"), ("stdout", 4, "two\n")]
    await listening.close()


async def test_the_end_is_told_once_it_shows_with_whatever_was_not_told_before() -> None:
    facts = Facts()
    await show(facts)
    listening = await follow(facts, facts.desk())
    await facts.write(printed("one\n"))
    assert await texts(listening, 1) == [("stdout", 0, "one\n")]
    await facts.write(completed())
    waiting = asyncio.ensure_future(texts(listening, 2))
    for _ in range(2):
        facts.read_model.looked.clear()
        await asyncio.wait_for(facts.read_model.looked.wait(), DEADLINE_S)
    assert not waiting.done()
    await show(facts, "completed", result=FINAL)
    assert await waiting == [("stdout", 4, "two\nthree\n"), ("stderr", 0, "oh\n")]
    assert [(await listening.next())[0] for _ in range(2)] == ["execution.completed", "end"]
    await listening.close()


async def test_a_run_that_has_ended_is_told_from_what_is_kept_of_it_without_the_log() -> None:
    facts = Facts()
    kept = {"stdout": "printed\n", "stdoutTruncated": True}
    await show(facts, "failed", result={"stdout": "returned"}, metadata=kept)
    listening = await follow(facts, facts.desk())
    type_, told = await listening.next()
    assert (type_, told["text"], told["truncated"]) == ("output", "printed\n", True)
    type_, told = await listening.next()
    assert (type_, told["status"]) == ("execution.failed", "failed")
    assert (await listening.next())[1]["code"] == "EXECUTION_ENDED"
    await listening.close()


async def test_wherever_it_breaks_off_it_is_gone_on_with_and_nothing_is_told_twice() -> None:
    facts = Facts()
    desk = facts.desk()
    await show(facts)
    listening = await follow(facts, desk)
    await facts.write(printed("one\n"), printed("oh\n", stream=ERR), printed("two\n", 4))
    ids = [listening.id]
    for _ in range(3):
        await listening.next()
        ids.append(listening.id)
    await listening.close()
    going = [await rest(await follow(facts, desk, id_, goes_on=False)) for id_ in ids]
    assert going == [["one\n", "oh\n", "two\n"], ["oh\n", "two\n"], ["two\n"], []]
    await show(facts, "completed", result=FINAL)
    ended = [await rest(await follow(facts, desk, id_)) for id_ in ids]
    assert ended == [["one\ntwo\nthree\n", "oh\n"], ["two\nthree\n", "oh\n"], ["two\nthree\n"], ["three\n"]]


async def test_a_piece_that_comes_again_is_told_once_and_a_gap_shows() -> None:
    facts = Facts()
    await show(facts)
    listening = await follow(facts, facts.desk())
    await facts.write(printed("one\n"), printed("one\n"), printed("e\ntwo\n", 2), printed("end\n", 40))
    assert await texts(listening, 3) == [("stdout", 0, "one\n"), ("stdout", 4, "two\n"), ("stdout", 40, "end\n")]
    await listening.close()


async def test_the_next_attempt_begins_anew_and_the_one_before_it_is_told_no_more() -> None:
    facts = Facts()
    await show(facts)
    listening = await follow(facts, facts.desk())
    started = event(AttemptStarted, 1, 5, 5, attempt=2, started_at=at(5), worker_id="worker-a")
    await facts.write(printed("one\n"), printed("again\n", attempt=2), printed("late\n", 4), printed("x", 6, attempt=2))
    assert await texts(listening, 3) == [("stdout", 0, "one\n"), ("stdout", 0, "again\n"), ("stdout", 6, "x")]
    await facts.tell(started)
    type_, told = await listening.next()
    assert (type_, told["attempt"]) == ("attempt.started", 2)
    await listening.close()


async def test_nobody_is_told_what_other_runs_print_or_other_tenants() -> None:
    facts = Facts()
    await show(facts)
    listening = await follow(facts, facts.desk())
    theirs = printed("theirs", tenant_id=OTHER_TENANT, execution_id=RUN)
    await facts.write(printed("another", execution_id=uuid_of(1002)), theirs, printed("ours"))
    assert await texts(listening, 1) == [("stdout", 0, "ours")]
    await listening.close()


async def test_one_reader_serves_all_who_follow_and_none_is_left_when_nobody_does() -> None:
    log = memory_log()
    facts = Facts(log)
    await show(facts)
    desk = facts.desk()
    many = [await follow(facts, desk) for _ in range(5)]
    await facts.write(printed("one\n"))
    assert [await texts(one, 1) for one in many] == [[("stdout", 0, "one\n")]] * 5
    watchers = log._tails[A_RUN_PLACE].watchers
    assert len(watchers) == 1
    for one in many:
        await one.close()
    assert watchers == []


async def test_an_id_of_another_run_or_of_a_stream_of_events_is_none() -> None:
    facts = Facts()
    await show(facts)
    other = Run(TENANT, uuid_of(1002), HOME, PARTITIONS)
    theirs = Run(OTHER_TENANT, RUN, HOME, PARTITIONS)
    ids = ["nonsense", id_of((0, 0, 0, 0), TENANT, PARTITIONS), *(output_id_of(Told(), one) for one in (other, theirs))]
    for id_ in (*ids, output_id_of(Told(position=1), A_RUN)):
        with pytest.raises(ApiError, match="INVALID_EVENT_ID"):
            await follow(facts, facts.desk(), id_)
    assert told_of(output_id_of(Told(7, 2, 3, 4), A_RUN), A_RUN) == Told(7, 2, 3, 4)
    with pytest.raises(ForeignId):
        told_of(output_id_of(Told(7, 2, 3, 4), other), A_RUN)


async def test_what_the_topic_no_longer_keeps_is_a_gap() -> None:
    log = memory_log()
    facts = Facts(log)
    await show(facts)
    await facts.write(printed("one\n"), printed("two\n", 4))
    log._tails.raise_start(A_RUN_PLACE, 1)
    for id_ in (None, output_id_of(Told(), A_RUN)):
        listening = await follow(facts, facts.desk(), id_)
        assert await texts(listening, 1) == [("stdout", 4, "two\n")]
        await listening.close()


@pytest.mark.parametrize(("begun_before_s", "first"), [(3600, "old"), (-3600, "new")])
async def test_one_looks_back_as_far_as_the_run_began(begun_before_s: float, first: str) -> None:
    facts = Facts()
    others = [printed("x", execution_id=uuid_of(1002)) for _ in range(OUTPUT_LOOK_RECORD_COUNT_MIN)]
    await facts.write(printed("old"), *others, printed("new", 3))
    await show(facts, started_at=SystemClock().now() - timedelta(seconds=begun_before_s))
    listening = await follow(facts, facts.desk())
    assert [text for _, _, text in await texts(listening, 1)] == [first]
    await listening.close()


async def test_it_ends_with_the_reason_when_its_caller_may_not_see_it_any_more() -> None:
    facts = Facts()
    await show(facts)
    desk = facts.desk(QUICK)

    async def barred() -> None:
        raise Ended("GRANT_CHANGED")

    listening = Listening((await desk.output(ASKED, barred, looking(facts), None)).frames())
    assert (await listening.next())[1]["code"] == "GRANT_CHANGED"
    await listening.close()


async def test_a_run_that_is_gone_when_it_ends_is_not_told() -> None:
    facts = Facts()
    await show(facts)
    listening = await follow(facts, facts.desk())
    del facts.read_model.executions_by_id[RUN]
    await facts.tell(completed())
    assert (await listening.next())[1]["code"] == "FORBIDDEN"
    await listening.close()


async def test_read_models_that_are_far_behind_are_told() -> None:
    facts = Facts()
    facts.read_model.executions_by_id[RUN] = row()
    await facts.write(completed(), completed())
    with pytest.raises(ApiError, match="OVERLOADED"):
        await follow(facts, facts.desk(FEW))
