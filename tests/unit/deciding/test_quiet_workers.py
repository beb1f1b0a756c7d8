"""A worker that may be gone gets nothing while another has room."""

from schemas.events.workers import TaskAssigned
from tests.unit.deciding.kit import fire
from tests.unit.deciding.test_dispatching import of
from tests.unit.deciding.test_progress import A, B, Pair


def pair(a_s: float, b_s: float, b_running: int = 0) -> Pair:
    """Two workers that were last heard of then; the first is the less loaded one."""
    world = Pair()
    world.create(max_concurrent=50)
    world.hear(A, a_s)
    world.hear(B, b_s, *((900 + n, 1) for n in range(b_running)))
    # A dispatcher that took no turn for long holds no silence against anybody.
    for second in range(1, 9):
        world.turn(second)
    world.turn(9, fire(10, 50))
    return world


def handed_to(world: Pair, seconds: float) -> list[str]:
    return [task.worker_id for task in of(TaskAssigned, world.turn(seconds))]


def test_the_less_loaded_worker_gets_it_while_both_beat() -> None:
    assert handed_to(pair(8.9, 9.0, b_running=3), 9.8) == [A]


def test_a_worker_that_has_missed_beats_gets_nothing_while_another_has_room() -> None:
    assert handed_to(pair(7.0, 9.0, b_running=3), 9.8) == [B]


def test_a_worker_that_has_missed_beats_gets_what_nobody_else_has_room_for() -> None:
    assert handed_to(pair(7.0, 9.0, b_running=15), 9.8) == [A]


def test_when_nobody_is_heard_the_less_loaded_worker_gets_it() -> None:
    assert handed_to(pair(5.0, 6.0, b_running=3), 9.8) == [A]
