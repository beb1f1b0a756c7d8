"""What changes of the job table do to a ticker: its policies, what its successor must read again, and its memory."""

from dataclasses import replace
from typing import Any

from schemas.base import Message
from schemas.commands import UpdateJob
from schemas.events.fires import FireDue, FireMissed
from schemas.events.jobs import JobTabled
from schemas.events.owners import RecordRefused
from schemas.jobs import JobStatus
from services.ticker.partition import STALE_COUNT_MAX, TickerPartition
from services.ticker.segments import floor_s
from tests.unit.deciding.kit import HOME, START, Dispatching, at, command, definition, messages, record, tabled, uuid_of

MINUTE = "0 * * * * *"


def every_minute(policy: str = "all") -> Any:
    return definition(cron_expression=MINUTE, misfire={"policy": policy})


def instants(written: list[Message]) -> list[object]:
    return [m.scheduled_for if isinstance(m, FireDue) else m for m in written]


def test_a_change_of_the_misfire_policy_alone_reaches_the_ticker() -> None:
    state, world = TickerPartition(HOME, floor_s(START)), Dispatching()
    state.turn([record(tabled(every_minute("all")))], at(1))
    world.create(cron_expression=MINUTE, misfire={"policy": "all"})
    update = command(UpdateJob, 2, job_id=uuid_of(1), definition=every_minute("skip"))
    (changed,) = [m for m in world.turn(1, update) if isinstance(m, JobTabled)]
    assert changed.job.schedule_version == 1
    (missed,) = messages(state.turn([record(changed)], at(185)).outputs)[:1]
    assert isinstance(missed, FireMissed)
    assert (missed.first, missed.last) == (at(60), at(120))


def test_an_older_record_of_the_table_takes_no_policy_back() -> None:
    state = TickerPartition(HOME, floor_s(START))
    state.take_in(record(tabled(every_minute("skip"), version=2)), 0)
    state.take_in(record(tabled(every_minute("all"), version=1)), 0)
    assert isinstance(messages(state.turn([], at(185)).outputs)[0], FireMissed)


def resumed() -> JobTabled:
    """A resume that owes the minutes since the third, which lie behind the watermark."""
    return tabled(every_minute(), version=3, effective_from=at(130))


def paused_state() -> TickerPartition:
    """A ticker of a job that was paused; its watermark is at the twentieth minute."""
    state = TickerPartition(HOME, floor_s(at(1200)))
    paused = tabled(every_minute(), version=2, effective_from=at(130)).job.model_copy(
        update={"status": JobStatus.PAUSED}
    )
    state.take_in(record(JobTabled(tenant_id=paused.tenant_id, job=paused)), floor_s(at(1200)))
    return state


def test_a_resume_whose_past_is_held_back_is_not_passed_by_the_checkpoint() -> None:
    state = paused_state()
    behind = state.turn([record(resumed())], at(1210), is_behind=True)
    assert (behind.outputs, behind.holds_back, behind.watermark) == ([], True, at(1200))
    caught_up = state.turn([], at(1210))
    assert not caught_up.holds_back
    assert instants(messages(caught_up.outputs)) == [at(60 * minute) for minute in range(3, 21)]


def test_nothing_that_is_owed_now_is_held_back_with_a_past_that_is_out() -> None:
    state = paused_state()
    assert not state.turn([record(resumed())], at(1210)).holds_back
    assert not state.turn([], at(1270), is_behind=True).holds_back


def test_what_makes_no_sense_is_told_once_when_the_checkpoint_passes_it() -> None:
    state, garbage = paused_state(), replace(record(resumed()), value=b"{")
    assert state.turn([record(resumed()), garbage], at(1210), is_behind=True).outputs == []
    letters = [m for m in messages(state.turn([], at(1210)).outputs) if isinstance(m, RecordRefused)]
    assert len(letters) == 1
    assert not any(isinstance(m, RecordRefused) for m in messages(state.turn([], at(1211)).outputs))


def test_schedules_that_are_replaced_again_and_again_do_not_fill_the_memory() -> None:
    state = TickerPartition(HOME, floor_s(START))
    yearly = definition(cron_expression="0 0 0 1 1 *")
    for version in range(1, 20 * STALE_COUNT_MAX):
        state.take_in(record(tabled(yearly, version=version, effective_from=at(version))), 0)
    assert state.planned_count <= 2 * STALE_COUNT_MAX
    assert len(state) == 1


def test_what_a_replaced_schedule_owes_still_outlives_the_clearing() -> None:
    state = TickerPartition(HOME, floor_s(START))
    state.take_in(record(tabled(every_minute())), 0)
    yearly = definition(cron_expression="0 0 0 1 1 *")
    for version in range(2, 5 * STALE_COUNT_MAX):
        state.take_in(record(tabled(yearly, version=version, effective_from=at(125))), 0)
    assert instants(messages(state.turn([], at(130)).outputs)) == [at(60), at(120)]
