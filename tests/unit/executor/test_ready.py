"""Which ready attempt is next, where the runner keeps something for each tenant."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from horolog.domain.fairness import Turns
from schemas.jobs import JobType
from services.executor.attempt import Ending, Held
from services.executor.ready import MOVE_INTERVAL_S, Ready
from tests.unit.executor.test_hand import Nobody
from tests.unit.executor.world import task

KEPT_COUNT = 2
A, B, C, D = (f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abcd")


@dataclass
class Kept:
    """Something for two tenants at a time, all of it unused; who needs another takes the place of the first."""

    tenants: list[str] = field(default_factory=list)
    moves: int = 0

    def has_room_for(self, tenant_id: str) -> bool:
        """Whether it is there, or there is a place for it."""
        return tenant_id in self.tenants or len(self.tenants) < KEPT_COUNT

    def idle_tenants(self) -> Iterable[str]:
        """All of them."""
        return tuple(self.tenants)

    def use(self, tenant_id: str) -> None:
        """Begin for a tenant."""
        if tenant_id in self.tenants:
            return
        if len(self.tenants) >= KEPT_COUNT:
            self.tenants.pop(0)
            self.moves += 1
        self.tenants.append(tenant_id)


def held(n: int, tenant_id: str, priority: int = 0) -> Held:
    update = {"tenant_id": tenant_id, "job_type": JobType.FUNCTION, "priority": priority}
    return Held(task(n).model_copy(update=update), Nobody())


def ready_for(kept: Kept | None, *attempts: Held) -> Ready:
    ready = Ready(Turns(), kept)
    for number, attempt in enumerate(attempts):
        ready.push(attempt, number)
    return ready


def test_tenants_take_turns_and_each_ones_own_leave_by_priority_and_then_as_they_came() -> None:
    crowd = [held(n, A) for n in range(3)]
    urgent, single = held(3, A, priority=5), held(4, B)
    ready = ready_for(None, *crowd, urgent, single)
    assert [ready.take(0.0) for _ in range(5)] == [urgent, single, *crowd]
    assert ready.first() is None


def test_a_crowd_with_the_highest_priority_lets_another_tenants_next_attempt_go_first() -> None:
    crowd = [held(n, A, priority=9) for n in range(100)]
    ready = ready_for(None, *crowd)
    for _ in range(50):
        ready.take(0.0)
    single = held(100, B)
    ready.push(single, 100)
    assert single in {ready.take(0.0), ready.take(0.0)}


def test_a_tenant_that_was_away_has_saved_up_no_turns() -> None:
    ready = ready_for(None, held(0, B), *(held(n, A) for n in range(1, 100)))
    for _ in range(50):
        ready.take(0.0)
    for number in range(100, 110):
        ready.push(held(number, B), number)
    served = [ready.take(0.0).task.tenant_id for _ in range(10)]
    assert served.count(A) == served.count(B) == 5


def test_tenants_take_turns_over_all_types_of_jobs() -> None:
    turns = Turns()
    functions, requests = Ready(turns), Ready(turns)
    for number in range(10):
        functions.push(held(number, A), number)
    requests.push(held(10, A), 10)
    requests.push(held(11, B), 11)
    for _ in range(3):
        functions.take(0.0)
    first = requests.first()
    assert first is not None
    assert first[1][-1].task.tenant_id == B


def test_ended_attempts_behind_one_that_waits_long_are_forgotten() -> None:
    ready = ready_for(None, held(0, A))
    for number in range(1, 10_000):
        revoked = held(number, A)
        ready.push(revoked, number)
        revoked.ending = Ending.REVOKED
    assert len(ready) < 200


def test_of_tenants_that_were_served_long_ago_nothing_is_remembered() -> None:
    turns = Turns()
    ready = Ready(turns)
    for number in range(10_000):
        ready.push(held(number, f"{number:08x}-0000-4000-8000-000000000000"), number)
        ready.take(0.0)
    assert len(turns) < 200


def test_who_would_take_what_is_anothers_lets_those_go_first_that_find_theirs() -> None:
    kept = Kept([A, B])
    stranger, own = held(1, C), held(2, B)
    ready = ready_for(kept, held(0, D), stranger, own)
    assert ready.take(0.0).task.tenant_id == D  # the first move is free: nobody has moved for long
    assert ready.take(0.0) is own


def test_after_a_while_it_is_the_turn_of_who_has_waited_longest() -> None:
    kept = Kept([A, B])
    ready = ready_for(kept, held(0, D), held(1, C), *(held(n, B) for n in range(2, 6)))
    ready.take(0.0)
    assert ready.take(MOVE_INTERVAL_S * 0.9).task.tenant_id == B
    assert ready.take(MOVE_INTERVAL_S * 1.1).task.tenant_id == C


def test_where_nothing_that_is_kept_is_of_use_to_anybody_the_first_goes_at_once() -> None:
    ready = ready_for(Kept([A, B]), held(0, C), held(1, D))
    assert [ready.take(0.0).task.tenant_id for _ in range(2)] == [C, D]


def test_what_has_ended_is_passed_over_wherever_it_stands() -> None:
    kept = Kept([A, B])
    attempts = [held(0, D), held(1, C), held(2, B), held(3, B)]
    ready = ready_for(kept, *attempts)
    ready.take(0.0)
    attempts[1].ending = attempts[2].ending = Ending.REVOKED
    assert ready.take(0.0) is attempts[3]
    assert ready.first() is None


def test_each_leaves_once_and_nothing_of_it_is_left() -> None:
    random, kept = Random(7), Kept()
    attempts = [held(n, random.choice((A, B, C, D)), random.choice((0, 0, 0, 1))) for n in range(500)]
    ready = ready_for(kept, *attempts)
    taken: list[Held] = []
    now = 0.0
    while ready.first() is not None:
        now += 0.001
        attempt = ready.take(now)
        kept.use(attempt.task.tenant_id)
        taken.append(attempt)
        if random.random() < 0.1:
            victim = random.choice(attempts)
            victim.ending = victim.ending or Ending.REVOKED
    assert len(set(taken)) == len(taken)
    assert {attempt for attempt in attempts if attempt.ending is None} <= set(taken)
    assert not ready._of_tenant
    assert not ready._queue
    assert len(ready) == 0


def test_tenants_that_take_turns_move_little() -> None:
    kept = Kept()
    ready = ready_for(kept, *(held(n, (A, B, C, D)[n % 4]) for n in range(400)))
    for number in range(400):
        kept.use(ready.take(number * 0.001).task.tenant_id)
    # In less than half a second: two moves by the clock, and those for which nothing else was left to do.
    assert kept.moves <= 4
