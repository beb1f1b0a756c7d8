"""Which ready attempt is next, where the runner keeps something for each tenant."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

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
    ready = Ready(kept)
    for number, attempt in enumerate(attempts):
        ready.push(attempt, number)
    return ready


def test_without_anything_kept_they_leave_by_priority_and_then_as_they_came() -> None:
    first, second, urgent = held(1, A), held(2, B), held(3, C, priority=5)
    ready = ready_for(None, first, second, urgent)
    assert [ready.take(0.0) for _ in range(3)] == [urgent, first, second]
    assert ready.first() is None


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


def test_a_higher_priority_lets_nobody_go_first() -> None:
    kept = Kept([A, B])
    ready = ready_for(kept, held(0, D, priority=1), held(1, C, priority=1), held(2, A))
    assert [ready.take(0.0).task.tenant_id for _ in range(3)] == [D, C, A]


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
    assert not ready._all
    assert not ready._of_tenant
    assert not ready._taken


def test_tenants_that_take_turns_move_little() -> None:
    kept = Kept()
    ready = ready_for(kept, *(held(n, (A, B, C, D)[n % 4]) for n in range(400)))
    for number in range(400):
        kept.use(ready.take(number * 0.001).task.tenant_id)
    # In less than half a second: two moves by the clock, and those for which nothing else was left to do.
    assert kept.moves <= 4
