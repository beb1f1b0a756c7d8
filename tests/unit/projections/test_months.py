"""Which month a row belongs to, and which months have a partition."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from projections.partitions import Month, following, has_partition, month_of, months_ahead, table_of

NOW = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)


def test_month_is_that_of_utc() -> None:
    assert month_of(datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))) == (2025, 12)


@pytest.mark.parametrize(
    ("month", "count", "expected"),
    [((2026, 1), 1, (2026, 2)), ((2026, 12), 1, (2027, 1)), ((2026, 1), -1, (2025, 12)), ((2026, 6), -120, (2016, 6))],
)
def test_months_are_counted_over_the_turn_of_the_year(month: Month, count: int, expected: Month) -> None:
    assert following(month, count) == expected


def test_partitions_are_kept_ready_for_this_month_and_the_next_two() -> None:
    assert months_ahead(NOW) == [(2026, 11), (2026, 12), (2027, 1)]


@pytest.mark.parametrize(
    ("month", "has"), [((2016, 11), True), ((2016, 10), False), ((2027, 1), True), ((2027, 2), False), ((1, 1), False)]
)
def test_months_out_of_reason_have_no_partition(month: Month, has: bool) -> None:
    assert has_partition(month, NOW) is has


def test_names_of_partitions_are_ordered_as_their_months() -> None:
    assert table_of((2026, 9)) < table_of((2026, 10)) < table_of((2027, 1))
