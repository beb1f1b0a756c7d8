"""What is refused, with which field and which sentence."""

import pickle
from calendar import monthrange
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.domain.cron import CronError, next_after, parse, problems, zone


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", None),
        (" \t ", None),
        ("* * * *", None),
        ("* * * * * * *", None),
        ("0 0 12\n* * *", None),
        ("0 0 12 * * *\r", None),
        ("0 0 12 * * *\x0b", None),
        ("0 0 12 * * \u0661", None),
        ("0 0 12 * * \uff11", None),
        (" " * 250 + "* * * * *", None),
        ("@", None),
        ("@daily @daily", None),
        ("60 * * * * *", "second"),
        ("0 60 * * * *", "minute"),
        ("0 0 24 * * *", "hour"),
        ("0 0 0 32 * *", "day-of-month"),
        ("0 0 0 * 13 *", "month"),
        ("0 0 0 * 0 *", "month"),
        ("0 0 0 * * 8", "day-of-week"),
        ("0 005 * * * *", "minute"),
        ("0 1,,2 * * * *", "minute"),
        ("0 ,1 * * * *", "minute"),
        ("0 1-2-3 * * * *", "minute"),
        ("0 */2/3 * * * *", "minute"),
        ("0 */0 * * * *", "minute"),
        ("0 5- * * * *", "minute"),
        ("0 *-5 * * * *", "minute"),
        ("0 MON * * * *", "minute"),
        ("0 0 0 MON * *", "day-of-month"),
        ("0 0 0 * MON *", "month"),
        ("0 0 0 * * JAN", "day-of-week"),
        ("0 0 0 L/2 * *", "day-of-month"),
        ("0 0 0 15W/2 * *", "day-of-month"),
        ("0 0 0 00W * *", "day-of-month"),
        ("0 0 0 WL * *", "day-of-month"),
        ("0 0 0 * * LW", "day-of-week"),
        ("0 0 0 * * 5L/2", "day-of-week"),
        ("0 0 0 * * 8L", "day-of-week"),
        ("0 0 0 * * 5#0", "day-of-week"),
        ("0 0 0 * * #2", "day-of-week"),
        ("0 0 0 * * 5#", "day-of-week"),
        ("0 0 0 * * 5#2#3", "day-of-week"),
        ("0 0 0 30 2 *", "day-of-month"),
        ("0 0 0 31 2,4,6,9,11 ?", "day-of-month"),
        ("0 0 0 30W FEB *", "day-of-month"),
        ("0 0 0 30,31W FEB *", "day-of-month"),
    ],
)
def test_a_bad_expression_is_refused_naming_its_field(text: str, field: str | None) -> None:
    with pytest.raises(CronError) as caught:
        parse(text)
    assert caught.value.field == field
    assert caught.value.reason.endswith(".")
    assert caught.value.reason in str(caught.value)
    assert caught.value.reason.isascii()
    assert len(caught.value.reason) <= 200


@pytest.mark.parametrize(
    "text",
    [
        "0 0 0 29 2 *",
        "0 0 0 29W 2 *",
        "0 0 0 31 2 MON",
        "0 0 0 30,L 2 *",
        "0 0 0 31,LW 2 *",
        "0 0 0 31 2,3 *",
        "0 0 0 31W 2 1#5",
        "0 0 0 * 2 SUN#5",
        "0 0 0 * * 5#02",
        "*/999999999999999999999999 * * * * *",
    ],
)
def test_rare_and_odd_schedules_that_do_fire_are_accepted(text: str) -> None:
    assert problems(text) == ()
    assert next_after(parse(text), zone("UTC"), datetime(2096, 3, 1, tzinfo=UTC)) is not None


def test_all_problems_are_reported_in_field_order() -> None:
    found = problems("60 a 24 L-1 13 8")
    assert [error.field for error in found] == [
        "second",
        "minute",
        "hour",
        "day-of-month",
        "month",
        "day-of-week",
    ]
    assert [error.field for error in problems("0 0 0 30 2 9")] == ["day-of-week"]
    assert len(problems("* * *")) == 1


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789*/,-?#LW @SUNMON\tx", max_size=40) | st.text(max_size=40))
def test_any_text_is_either_a_schedule_or_a_list_of_problems(text: str) -> None:
    found = problems(text)
    refused: str | None = None
    try:
        parse(text)
    except CronError as error:
        refused = str(error)
    assert refused == (str(found[0]) if found else None)


@settings(deadline=None)
@given(st.sets(st.integers(27, 31), min_size=1), st.sets(st.integers(1, 12), min_size=1))
def test_exactly_the_schedules_without_any_date_are_refused(days: set[int], months: set[int]) -> None:
    text = f"0 0 0 {','.join(map(str, days))} {','.join(map(str, months))} "
    exists = any(day <= monthrange(2024, month)[1] for day in days for month in months)
    assert (problems(text + "*") == ()) == exists
    assert problems(text + "MON") == ()
    assert (problems(text + "?") == ()) == exists


def test_a_spec_survives_a_copy_through_pickle() -> None:
    spec = parse("0 0 9 15W,L * FRI#2,3L")
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert hash(copy) == hash(spec)
