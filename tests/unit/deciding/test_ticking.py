"""What the ticker emits: every owed instant exactly once, whatever happens in between."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.events.fires import FireDue, FireMissed
from services.ticker.partition import TickerPartition
from services.ticker.segments import floor_s
from tests.unit.deciding.kit import HOME, START, at, definition, messages, record, tabled


def dues(written: list[object]) -> list[datetime]:
    return [m.scheduled_for for m in written if isinstance(m, FireDue)]


@given(st.lists(st.tuples(st.floats(0.1, 2), st.booleans()), min_size=1, max_size=25))
def test_every_instant_is_emitted_once_across_lost_turns(steps: list[tuple[float, bool]]) -> None:
    """A turn whose commit is lost leaves only what an earlier one committed; the successor goes on from there."""
    table = [record(tabled(definition(cron_expression="*/3 * * * * *")))]
    emitted: list[datetime] = []
    committed_s: int | None = None
    state, news, now = TickerPartition(HOME, None), table, START
    for seconds, lost in steps:
        now += timedelta(seconds=seconds)
        turn = state.turn(news, now)
        if lost:
            state, news = TickerPartition(HOME, committed_s), table
            if committed_s is not None:
                state.take_in(table[0], committed_s)
                news = []
            continue
        emitted += dues(list(messages(turn.outputs)))
        assert turn.watermark is not None
        committed_s, news = floor_s(turn.watermark), []
    reached = 0 if committed_s is None else committed_s - floor_s(START)
    assert emitted == [at(s) for s in range(3, reached + 1, 3)]


def test_a_new_version_owes_from_its_effect_on_and_the_old_one_until_then() -> None:
    state = TickerPartition(HOME, None)
    state.turn([record(tabled(definition(cron_expression="*/2 * * * * *")))], at(1))
    change = record(tabled(definition(cron_expression="*/5 * * * * *"), version=2, effective_from=at(7)))
    written = messages(state.turn([change], at(21)).outputs)
    assert dues(list(written)) == [at(s) for s in (4, 6, 10, 15, 20)]


def test_instants_nobody_was_there_for_become_one_missed_range_and_the_latest_fires() -> None:
    state = TickerPartition(HOME, None)
    written = messages(state.turn([record(tabled(definition(cron_expression="0 */5 * * * *")))], at(1900)).outputs)
    (missed,) = [m for m in written if isinstance(m, FireMissed)]
    assert (missed.first, missed.last, missed.count) == (at(300), at(1500), 5)
    assert dues(list(written)) == [at(1800)]


def test_start_and_end_date_belong_to_the_job() -> None:
    state = TickerPartition(HOME, None)
    bounded = definition(cron_expression="*/5 * * * * *", start_date=at(10), end_date=at(20))
    written = messages(state.turn([record(tabled(bounded))], at(40)).outputs)
    assert dues(list(written)) == [at(10), at(15), at(20)]
