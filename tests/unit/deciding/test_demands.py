"""What demands isolation goes to workers that reach it, and is in nobody's way while there are none."""

from collections.abc import Callable, Collection

import pytest

from schemas.events.executions import AttemptDispatched
from schemas.events.workers import WorkerBeat, WorkerState
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, JobType, Network
from services.dispatcher.demand import PLAIN, Demand
from services.dispatcher.lanes import Lanes
from tests.unit.deciding.kit import START, Dispatching, at, definition, fire, tabled, uuid_of

DEMANDING = CommandConfig(command="true", isolation=Isolation.NAMESPACES)


def hello(worker_id: str, isolation: str, capacity: int = 10, seconds: float = 0) -> WorkerBeat:
    return WorkerBeat(
        worker_id=worker_id,
        inbox=4,
        state=WorkerState.READY,
        capacity=capacity,
        isolation=isolation,
        started_at=START,
        at=at(seconds),
    )


def world_with(config: CommandConfig, *beats: WorkerBeat, capacity: int = 0) -> Dispatching:
    """A partition with one job; its own worker tells of no level, and has no room unless it is said to."""
    world = Dispatching(capacity)
    for beat in beats:
        world.partition.note_beat(beat, START)
    world.create(job_type=JobType.COMMAND, config=config, max_concurrent=100, overlap={"policy": "queueAll"})
    return world


def handed_to(messages: list[object]) -> list[str]:
    return [message.worker_id for message in messages if isinstance(message, AttemptDispatched)]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (DEMANDING, "apart"),
        (CommandConfig(command="true", network=Network.NONE), "apart"),
        (CommandConfig(command="true", isolation=Isolation.CONTAINER), "contained"),
        (CommandConfig(command="true", image="tools"), "contained"),
        (CommandConfig(command="true", isolation=Isolation.PROCESS), "plain"),
        (CommandConfig(command="true"), "plain"),
    ],
)
def test_an_attempt_goes_to_a_worker_that_reaches_what_it_demands(config: CommandConfig, expected: str) -> None:
    # Of all, the plain one is the less loaded: it comes first by name.
    world = world_with(
        config, hello("plain-1", "process"), hello("zz-apart", "namespaces"), hello("zzz-contained", "container")
    )
    [worker_id] = handed_to(list(world.turn(1, fire(1, 50))))
    assert expected in worker_id


@pytest.mark.parametrize("told", ["", "process", "session, rlimits, no-new-privs, subreaper", "unheard of"])
def test_while_no_worker_reaches_it_the_attempt_waits_and_goes_as_soon_as_one_does(told: str) -> None:
    world = world_with(DEMANDING, hello("plain-1", told))
    assert handed_to(list(world.turn(1, fire(1, 50)))) == []
    assert world.partition.wants_room
    world.partition.note_beat(hello("apart", "namespaces"), at(2))
    assert handed_to(list(world.turn(2))) == ["apart"]
    assert not world.partition.wants_room


def test_what_no_worker_reaches_keeps_no_other_job_waiting() -> None:
    world = world_with(DEMANDING, capacity=10)
    assert handed_to(list(world.turn(1, *(fire(1, 50 + number) for number in range(5))))) == []
    other = tabled(definition(name="other"))
    other_job = other.job.model_copy(update={"job_id": uuid_of(2)})
    world.partition.book.apply(other.model_copy(update={"job": other_job}))
    late = fire(2, 90).model_copy(update={"job_id": uuid_of(2)})
    assert handed_to(list(world.turn(2, late))) == ["worker-a"]


def test_a_job_that_no_longer_demands_it_waits_no_longer_for_it() -> None:
    world = world_with(DEMANDING, capacity=10)
    assert handed_to(list(world.turn(1, fire(1, 50)))) == []
    relaxed = definition(job_type=JobType.COMMAND, config=CommandConfig(command="true"))
    job = world.partition.book.jobs.get(uuid_of(1))
    assert job is not None
    changed = tabled(relaxed).model_copy(update={"job": job.model_copy(update={"definition": relaxed})})
    world.partition.book.apply(changed)
    assert handed_to(list(world.turn(2))) == ["worker-a"]


def _wait(lanes: Lanes, name: str, demand: Demand = PLAIN) -> None:
    lanes.push(demand, name, name, 0, START)


APART = Demand(Isolation.NAMESPACES)


def _registered(number: int) -> Demand:
    return Demand(function=f"billing.close_{number}")


def _served(lanes: Lanes, functions: Collection[str] = (), is_met: Callable[[Demand], bool] = lambda _: True) -> str:
    """Whom one round with room for one serves, or nobody."""
    return lanes.round(functions, is_met).pop() or ""


def test_what_was_put_aside_takes_turns_with_the_rest() -> None:
    lanes = Lanes()
    for name in ("a", "b", "c"):
        _wait(lanes, f"aside {name}", APART)
        _wait(lanes, f"open {name}")
    serving = lanes.round((), lambda _: True)
    order = [(serving.pop() or "").split()[0] for _ in range(6)]
    assert order in (["open", "aside"] * 3, ["aside", "open"] * 3)
    assert serving.pop() is None


def test_rounds_of_one_turn_each_prefer_no_lane() -> None:
    lanes = Lanes()
    for name in ("a", "b", "c"):
        _wait(lanes, f"aside {name}", APART)
        _wait(lanes, f"open {name}")
        _wait(lanes, f"function {name}", _registered(0))
    order = [_served(lanes, ["billing.close_0"]).split()[0] for _ in range(9)]
    assert all(len(set(order[n : n + 3])) == 3 for n in (0, 3, 6))


def test_what_was_put_aside_is_not_given_where_it_may_not_run_and_can_be_removed() -> None:
    lanes = Lanes()
    _wait(lanes, "apart", APART)
    _wait(lanes, "apart")
    assert (len(lanes), "apart" in lanes, lanes.lane("apart"), _served(lanes, (), PLAIN.__eq__)) == (1, True, APART, "")
    lanes.remove("apart")
    assert (len(lanes), "apart" in lanes, _served(lanes)) == (0, False, "")


@pytest.mark.parametrize("registered", [1, 100], ids=["few workers' functions", "many workers' functions"])
def test_a_thousand_functions_that_nobody_has_registered_are_not_looked_at(registered: int) -> None:
    lanes = Lanes()
    for number in range(1000 if registered == 1 else 10):
        _wait(lanes, f"waiting {number}", _registered(number))
    _wait(lanes, "plain")
    asked: list[Demand] = []
    functions = [f"billing.close_{number}" for number in range(5, 5 + registered)]

    def is_met(demand: Demand) -> bool:
        asked.append(demand)
        return True

    serving = lanes.round(functions, is_met)
    served = []
    while (name := serving.pop()) is not None:
        served.append(name)
    expected = {PLAIN, *(_registered(n) for n in range(5, min(5 + registered, 10)))}
    assert set(asked) == expected
    assert len(served) == len(expected)


def test_a_tenant_that_was_found_closed_is_asked_again_in_each_lane_once_it_is_reopened() -> None:
    closed = {"t"}
    lanes = Lanes(is_open=lambda tenant_id: tenant_id not in closed)
    lanes.push(APART, "apart", "t", 0, START)
    lanes.push(PLAIN, "plain", "t", 0, START)
    assert (_served(lanes), lanes.has_turns) == ("", False)
    closed.clear()
    assert _served(lanes) == ""
    lanes.reopen("t")
    assert {_served(lanes), _served(lanes)} == {"apart", "plain"}


def test_of_functions_that_a_closed_tenant_no_longer_waits_for_nothing_is_remembered() -> None:
    lanes = Lanes(is_open=lambda _: False)
    for number in range(1000):
        lanes.push(_registered(number), f"name {number}", "t", 0, START)
        assert lanes.pop(_registered(number)) is None
        lanes.remove(f"name {number}")
    assert not lanes._closed
