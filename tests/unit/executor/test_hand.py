"""What a worker that has no room for one type of job does about the others."""

from collections.abc import Sequence

from schemas.jobs import JobType
from services.executor.attempt import Ending, Held
from services.executor.hand import Hand
from services.executor.outcome import Outcome
from services.executor.runner import Tap
from tests.unit.executor.world import NOON, TameRunner, task

NOW = NOON.timestamp()


class Nobody:
    """Does not care what becomes of an attempt."""

    def attempt_prints(self, held: Held, taps: Sequence[Tap]) -> None:
        """Nothing happens."""

    def attempt_progressed(self, held: Held, percent: int) -> None:
        """Nothing happens."""

    def attempt_ended(self, held: Held, outcome: Outcome) -> None:
        """Nothing happens."""


def held(n: int, type_: JobType, priority: int = 0) -> Held:
    # Only the type counts here, so the configuration may stay that of a command.
    return Held(task(n).model_copy(update={"job_type": type_, "priority": priority}), Nobody())


def started(hand: Hand) -> list[Held]:
    """Everything that may start now."""
    return list(iter(lambda: hand.next_to_run(NOW, 0.0), None))


def test_a_type_without_room_holds_up_no_other_type_whatever_its_priority() -> None:
    hand = Hand(100, {JobType.FUNCTION: TameRunner(2), JobType.HTTP: TameRunner(100)})
    functions = [held(n, JobType.FUNCTION, priority=9) for n in range(50)]
    requests = [held(n, JobType.HTTP) for n in range(50, 60)]
    for attempt in (*functions, *requests):
        hand.take_in(attempt)
    assert started(hand) == [*functions[:2], *requests]


def test_room_that_is_given_back_goes_to_the_next_of_its_type() -> None:
    hand = Hand(100, {JobType.FUNCTION: TameRunner(1), JobType.HTTP: TameRunner(1)})
    first, second, request = held(1, JobType.FUNCTION), held(2, JobType.FUNCTION), held(3, JobType.HTTP)
    for attempt in (first, second, request):
        hand.take_in(attempt)
    assert started(hand) == [first, request]
    hand.let_go(request)
    assert started(hand) == []
    hand.let_go(first)
    assert started(hand) == [second]


def test_revoked_attempts_whose_instants_are_still_to_come_are_forgotten() -> None:
    hand = Hand(1, {JobType.COMMAND: TameRunner(1)})
    for n in range(10_000):
        attempt = Held(task(n, in_s=3600.0), Nobody(), earliest=3600.0)
        hand.take_in(attempt)
        attempt.ending = Ending.REVOKED
        hand.let_go(attempt)
    assert len(hand._kept_back) < 200
