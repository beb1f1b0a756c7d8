"""Waits grow, are bounded, and follow what a receiver asks for as far as that is bounded, too."""

from hypothesis import given
from hypothesis import strategies as st

from horolog.domain.notifications.attempts import ATTEMPT_COUNT_MAX, WAIT_S_MAX, Attempted, next_attempt_at
from tests.unit.projections.facts import START

AWAY = Attempted("HTTP_503", 503)


def wait_s(attempt: int, attempted: Attempted = AWAY, chance: float = 1.0) -> float | None:
    again = next_attempt_at(attempt, attempted, START, chance)
    return None if again is None else (again - START).total_seconds()


def test_waits_grow_up_to_a_bound_and_then_there_are_none() -> None:
    waits = [wait_s(attempt) for attempt in range(1, ATTEMPT_COUNT_MAX + 1)]
    assert waits == [5, 20, 80, 320, 1280, 3600, 3600, None]


def test_gone_and_final_failures_are_not_tried_again() -> None:
    assert wait_s(1, Attempted("HTTP_410", 410)) is None
    assert wait_s(1, Attempted("DESTINATION_FORBIDDEN", is_final=True)) is None


def test_retry_after_is_honoured_within_bounds() -> None:
    assert wait_s(1, Attempted("HTTP_429", 429, retry_after_s=30)) == 30
    assert wait_s(1, Attempted("HTTP_429", 429, retry_after_s=1e9)) == WAIT_S_MAX
    assert wait_s(2, Attempted("HTTP_429", 429, retry_after_s=0)) == 20


@given(st.integers(1, ATTEMPT_COUNT_MAX - 1), st.floats(0, 1, exclude_max=True), st.floats(-1e9, 1e9) | st.none())
def test_no_wait_is_shorter_than_half_or_longer_than_the_bound(
    attempt: int, chance: float, asked: float | None
) -> None:
    found = wait_s(attempt, Attempted("HTTP_500", 500, retry_after_s=asked), chance)
    longest = wait_s(attempt)
    assert found is not None
    assert longest is not None
    assert longest / 2 <= found <= WAIT_S_MAX
