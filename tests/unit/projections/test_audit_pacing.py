"""What the audit service's answers mean, and how long the sender waits after them."""

from datetime import UTC, datetime

import pytest

from projections.audit_sink.pacing import Answer, Pauses, Verdict, pause_s, retry_after_s, verdict_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAUSES = Pauses(least_s=1, most_s=60, retry_after_s_max=900, held_s=300)
LATER, HELD = Answer(Verdict.LATER, "500"), Answer(Verdict.HELD, "400")


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200, 201, 202, 204, 299), Verdict.TAKEN),
        ((408, 425, 429, 500, 502, 503, 504, 599), Verdict.LATER),
        ((100, 301, 307, 400, 401, 403, 404, 409, 410, 413, 422, 499), Verdict.HELD),
    ],
)
def test_a_status_means_taken_later_or_held(statuses: tuple[int, ...], verdict: Verdict) -> None:
    assert {verdict_of(status) for status in statuses} == {verdict}


def test_pauses_double_up_to_their_bound() -> None:
    longest = [pause_s(PAUSES, LATER, count, chance=1) for count in (1, 2, 3, 6, 7, 50, 10_000)]
    assert longest == [1, 2, 4, 32, 60, 60, 60]


@pytest.mark.parametrize(("chance", "seconds"), [(0, 4), (0.5, 6), (1, 8)])
def test_chance_spreads_tries_over_the_upper_half(chance: float, seconds: float) -> None:
    assert pause_s(PAUSES, LATER, 4, chance) == seconds


def test_a_chain_that_is_held_is_tried_slowly_from_the_first_time_on() -> None:
    assert [pause_s(PAUSES, HELD, count, chance=1) for count in (1, 9)] == [300, 300]
    assert pause_s(PAUSES, HELD, 1, chance=0) == 150


@pytest.mark.parametrize(("asked_s", "seconds"), [(0, 1), (30, 30), (900, 900), (1e9, 900)])
def test_the_service_is_given_the_time_that_it_asks_for_within_bounds(asked_s: float, seconds: float) -> None:
    assert pause_s(PAUSES, Answer(Verdict.LATER, "429", asked_s), 1, chance=1) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 5000, 999_999_999),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds
