"""What a round judges by besides the checkers: dead letters, and how much load the machine can bear."""

import pytest

from tests.campaign.rounds import JOB_COUNT_MIN, QUICK_S, Pace
from tests.campaign.server_faults import is_refused
from tests.faults.bad_records import Letters

OWNERS = ("commands.v1", 0, 7, "horolog/dispatcher")
WORKERS = ("tasks.v1", 0, 7, "horolog/executor")


def test_each_bad_record_has_one_letter_and_one_more_from_a_worker_that_shares_the_inbox() -> None:
    expected = Letters((OWNERS, WORKERS))
    assert is_refused(expected, Letters((OWNERS, WORKERS)))
    assert is_refused(expected, Letters((OWNERS, WORKERS, WORKERS)))


@pytest.mark.parametrize("found", [(OWNERS,), (OWNERS, OWNERS, WORKERS), (OWNERS, WORKERS, ("jobs.v1", 0, 1, "x"))])
def test_missing_second_or_unfounded_letter_is_noticed(found: tuple[tuple[str, int, int, str], ...]) -> None:
    assert not is_refused(Letters((OWNERS, WORKERS)), Letters(found))


def test_slow_machine_is_given_less_load_and_a_quick_one_all_of_it() -> None:
    assert Pace(40, QUICK_S / 2).job_count == 40
    assert Pace(40, QUICK_S * 2).job_count == 20
    assert Pace(40, QUICK_S * 100).job_count == JOB_COUNT_MIN
    assert Pace(8, QUICK_S * 100).job_count == 8
