"""A registered function goes to workers that have registered it, and these get nothing else."""

import pytest

from schemas.events.executions import AttemptDispatched
from schemas.events.workers import WorkerBeat, WorkerState
from schemas.isolation import Isolation
from schemas.jobs import FunctionConfig
from tests.unit.deciding.kit import START, Dispatching, at, definition, fire, tabled, uuid_of

NAMED = FunctionConfig(module_path="a", function_name="close", registered=True)


def hello(
    worker_id: str, *functions: str, capacity: int = 10, seconds: float = 0, isolation: str = "process"
) -> WorkerBeat:
    return WorkerBeat(
        worker_id=worker_id,
        inbox=4,
        state=WorkerState.READY,
        capacity=capacity,
        isolation=isolation,
        functions=functions,
        started_at=START,
        at=at(seconds),
    )


def world_with(config: FunctionConfig, *beats: WorkerBeat, capacity: int = 10) -> Dispatching:
    """A partition with one job, and `worker-a`, which has registered nothing."""
    world = Dispatching(capacity)
    for beat in beats:
        world.partition.note_beat(beat, START)
    world.create(config=config, max_concurrent=100, overlap={"policy": "queueAll"})
    return world


def handed_to(messages: list[object]) -> list[str]:
    return [message.worker_id for message in messages if isinstance(message, AttemptDispatched)]


@pytest.mark.parametrize(
    ("config", "expected"), [(NAMED, "sdk"), (FunctionConfig(module_path="a", function_name="close"), "worker-a")]
)
def test_each_function_goes_where_it_is_had(config: FunctionConfig, expected: str) -> None:
    world = world_with(config, hello("sdk", "a.open", "a.close"), hello("other", "a.open"))
    assert handed_to(list(world.turn(1, fire(1, 50)))) == [expected]


def test_while_nobody_has_registered_it_an_attempt_waits_and_goes_as_soon_as_somebody_has() -> None:
    world = world_with(NAMED, hello("other", "a.open"))
    assert handed_to(list(world.turn(1, fire(1, 50)))) == []
    assert world.partition.wants_room
    world.partition.note_beat(hello("sdk", "a.close"), at(2))
    assert handed_to(list(world.turn(2))) == ["sdk"]


def test_workers_of_registered_functions_get_nothing_else_however_much_waits() -> None:
    world = world_with(FunctionConfig(module_path="a", function_name="b"), hello("sdk", "a.b"), capacity=0)
    assert handed_to(list(world.turn(1, fire(1, 50)))) == []
    world.capacity = 10
    assert handed_to(list(world.turn(2))) == ["worker-a"]


def test_of_several_that_have_registered_it_the_least_loaded_comes_first_and_none_gets_too_much() -> None:
    world = world_with(NAMED, hello("sdk-1", "a.close", capacity=1), hello("sdk-2", "a.close", capacity=2))
    world.silent = True
    handed = handed_to(list(world.turn(1, *(fire(1, 50 + number) for number in range(5)))))
    assert sorted(handed) == ["sdk-1", "sdk-2", "sdk-2"]


def test_a_level_of_isolation_counts_for_a_registered_function_too() -> None:
    apart = NAMED.model_copy(update={"isolation": Isolation.NAMESPACES})
    world = world_with(apart, hello("near", "a.close"), hello("apart", "a.close", isolation="namespaces"))
    assert handed_to(list(world.turn(1, fire(1, 50)))) == ["apart"]


def test_a_job_that_is_no_longer_for_a_registered_function_waits_no_longer_for_one() -> None:
    world = world_with(NAMED)
    assert handed_to(list(world.turn(1, fire(1, 50)))) == []
    job = world.partition.book.jobs.get(uuid_of(1))
    assert job is not None
    changed = tabled(definition()).model_copy(update={"job": job.model_copy(update={"definition": definition()})})
    world.partition.book.apply(changed)
    assert handed_to(list(world.turn(2))) == ["worker-a"]


def test_a_config_says_nothing_of_registration_unless_it_is_registered() -> None:
    assert "registered" not in FunctionConfig(module_path="a", function_name="b").to_dict()
    assert (NAMED.registered_name, NAMED.to_dict()["registered"]) == ("a.close", True)
