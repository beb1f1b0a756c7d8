"""The end of an attempt tells its start where nothing else has: of a short one its worker reports the end alone."""

from schemas.events.executions import ExecutionCompleted, RetryScheduled
from schemas.jobs import RetryConfig
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition
from tests.unit.deciding.kit import HOME, OPEN, PARTITIONS, Dispatching, at, fire
from tests.unit.deciding.test_dispatching import beginning, failure, of, success


def handed_out(*, is_upgrading: bool = False, **definition: object) -> Dispatching:
    """A world in which the fire of second 10 lies with its worker."""
    world = Dispatching()
    world.partition = DispatcherPartition(Book(HOME, OPEN, is_upgrading=is_upgrading), PARTITIONS)
    world.create(**definition)
    world.turn(9.9, fire(10, 50))
    return world


def test_an_end_tells_the_start_when_it_is_the_first_that_was_heard_of_the_attempt() -> None:
    (end,) = of(ExecutionCompleted, handed_out().turn(10.1, success(50, 10)))
    assert (end.started_at, end.tells_start) == (at(10), True)


def test_an_end_does_not_tell_a_start_that_was_told() -> None:
    world = handed_out()
    world.turn(10.1, beginning(50, 10))
    (end,) = of(ExecutionCompleted, world.turn(10.2, success(50, 10)))
    assert (end.started_at, end.tells_start) == (at(10), False)


def test_a_failure_that_is_followed_by_another_attempt_tells_the_start_as_well() -> None:
    retries = RetryConfig(max_retries=1, retry_delay_ms=1000, exponential_backoff=False)
    (again,) = of(RetryScheduled, handed_out(retry_config=retries).turn(10.1, failure(50, 10, 1)))
    assert again.tells_start


def test_during_an_upgrade_no_end_says_so_since_the_release_before_would_refuse_it() -> None:
    (end,) = of(ExecutionCompleted, handed_out(is_upgrading=True).turn(10.1, success(50, 10)))
    assert (end.started_at, end.tells_start) == (at(10), False)
