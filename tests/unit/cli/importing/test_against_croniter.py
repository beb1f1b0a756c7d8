"""Translations of days and times against croniter, which shares no code with Horolog."""

from datetime import datetime, timedelta
from typing import Any

from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.importing.bullmq import pattern_expression
from horolog.cli.importing.celery_times import crontab_expression
from horolog.cli.importing.schedules import NotMapped
from horolog.domain.cron import CronError, fires_between, parse, zone
from tests.unit.cli.importing.reading import START

COUNT = 8
many = settings(max_examples=150, database=None, deadline=None)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.lists(st.integers(low, high), min_size=1, max_size=3, unique=True)
    ranges = st.tuples(st.integers(low, high), st.integers(low, high)).filter(lambda pair: pair[0] < pair[1])
    return st.one_of(
        st.just("*"),
        st.integers(2, 9).map("*/{}".format),
        numbers.map(lambda chosen: ",".join(map(str, sorted(chosen)))),
        ranges.map(lambda pair: f"{pair[0]}-{pair[1]}"),
    )


TIMES = {"minute": _field(0, 59), "hour": _field(0, 23), "month_of_year": _field(1, 12)}
WHOLE_WEEKS = st.sampled_from(["1-7", "8-14", "15-21", "22-28", "29-31", "1-14", "1-7,29-31"])


def _first(expression: str, day_or: bool) -> list[datetime]:
    found = croniter(expression, START, day_or=day_or)
    return [found.get_next(datetime) for _ in range(COUNT)]


def _ours(expression: str) -> list[datetime]:
    return fires_between(parse(expression), zone("UTC"), START, START + timedelta(days=36_500), COUNT)


@many
@given(times=st.fixed_dictionaries(TIMES), day=_field(1, 28) | WHOLE_WEEKS, weekday=_field(0, 6))
def test_a_crontab_of_celery_fires_when_all_its_fields_match(times: Any, day: str, weekday: str) -> None:
    fields = {**times, "day_of_month": day, "day_of_week": weekday}
    try:
        found = _ours(crontab_expression(fields))
    except NotMapped:
        return
    except CronError:
        # The 29th to the 31st, in months that have none of these days.
        return
    text = f"{times['minute']} {times['hour']} {day} {times['month_of_year']} {weekday}"
    assert found == _first(text, day_or=False)


@many
@given(minute=_field(0, 59), hour=_field(0, 23), day=_field(1, 28), month=_field(1, 12), weekday=_field(0, 6))
def test_a_pattern_of_bullmq_fires_when_either_day_field_matches(
    minute: str, hour: str, day: str, month: str, weekday: str
) -> None:
    text = f"{minute} {hour} {day} {month} {weekday}"
    try:
        found = _ours(pattern_expression(text))
    except NotMapped:
        return
    assert found == _first(text, day_or=True)
