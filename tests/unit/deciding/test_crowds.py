"""Much at once, and one that is in trouble: what belongs to others goes on, and nothing is dropped without a word."""

from collections import Counter

from horolog.domain.fairness import FairQueue
from horolog.limits import FIRES_PER_TURN_COUNT_MAX, LEASE_S
from horolog.log.port import Record
from schemas.commands import CancelExecution
from schemas.events.executions import (
    AttemptDispatched,
    CancellationRequested,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionSkipped,
    Reason,
)
from schemas.events.fires import FireDue
from services.ticker.partition import TickerPartition
from services.ticker.segments import floor_s
from tests.unit.deciding.kit import HOME, START, Dispatching, at, command, definition, fire, messages, record, uuid_of
from tests.unit.deciding.kit import tabled as tabled_first
from tests.unit.deciding.test_dispatching import of, success


def tabled(number: int, **changes: object) -> Record:
    """The job table's record of this job."""
    first = tabled_first(definition(**changes))
    return record(first.model_copy(update={"job": first.job.model_copy(update={"job_id": uuid_of(number)})}))


def test_more_jobs_at_one_instant_than_a_turn_takes_all_fire_once() -> None:
    count = FIRES_PER_TURN_COUNT_MAX + 500
    state, fired = TickerPartition(HOME, floor_s(START)), Counter[str]()
    for number in range(count):
        state.take_in(tabled(number, cron_expression="0 * * * * *"), floor_s(START))
    for _ in range(2):
        outputs = state.turn([], at(60)).outputs
        assert len(outputs) <= FIRES_PER_TURN_COUNT_MAX
        fired.update(message.job_id for message in messages(outputs) if isinstance(message, FireDue))
    assert fired == Counter(uuid_of(number) for number in range(count))


def test_a_schedule_that_can_no_longer_be_understood_stops_no_other() -> None:
    state = TickerPartition(HOME, None)
    table = [tabled(1), tabled(2, timezone="Nowhere/Withdrawn"), tabled(3)]
    fired = [message.job_id for message in messages(state.turn(table, at(1)).outputs) if isinstance(message, FireDue)]
    assert {*fired} == {uuid_of(1), uuid_of(3)}


def test_a_crowd_of_one_tenant_is_no_queue_for_another() -> None:
    queue = FairQueue()
    for number in range(10_000):
        queue.push(f"crowd {number}", "crowd", 100, START)
    queue.push("single", "other", 0, at(5))
    assert "single" in {queue.pop(), queue.pop()}


def test_a_cancelled_fire_leaves_those_after_it_as_they_were() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50), fire(11, 51))
    assert of(ExecutionCancelled, world.turn(9.1, command(CancelExecution, 2, execution_id=uuid_of(50))))
    (dispatched,) = of(AttemptDispatched, world.turn(11))
    assert dispatched.execution_id == uuid_of(51)


def test_without_room_at_any_worker_one_waits_and_the_others_are_told_as_overlaps() -> None:
    world = Dispatching(capacity=0)
    world.create()
    written = [message for n in range(100) for message in world.turn(10 + n, fire(10 + n, 50 + n))]
    assert {(skipped.reason, skipped.blocked_by) for skipped in of(ExecutionSkipped, written)} == {
        (Reason.OVERLAP, uuid_of(50))
    }
    assert len(of(ExecutionSkipped, written)) == 99
    world.capacity = 1
    (dispatched,) = of(AttemptDispatched, world.turn(111))
    assert dispatched.execution_id == uuid_of(50)


def test_a_cancellation_ends_a_run_whose_worker_is_gone() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    world.turn(10)
    world.silent = True
    assert of(CancellationRequested, world.turn(11, command(CancelExecution, 2, execution_id=uuid_of(50))))
    written = [message for second in range(12, 30) for message in world.turn(second)]
    (cancelled,) = of(ExecutionCancelled, written)
    assert (cancelled.execution_id, cancelled.reason) == (uuid_of(50), Reason.REQUESTED)
    assert of(AttemptDispatched, written) == []


def test_a_run_of_many_leases_whose_worker_beats_is_handed_out_once() -> None:
    world = Dispatching()
    world.create(timeout=3600)
    world.turn(9, fire(10, 50))
    written = [message for second in range(10, int(300 * LEASE_S), 3) for message in world.turn(second)]
    assert [dispatched.attempt for dispatched in of(AttemptDispatched, written)] == [1]
    assert of(ExecutionCompleted, world.turn(300 * LEASE_S, success(50, 10)))


def test_nothing_of_what_has_ended_is_held_however_much_has_run() -> None:
    world = Dispatching()
    world.create()
    for number in range(2000):
        world.turn(10 + number, fire(10 + number, 50 + number))
        assert of(ExecutionCompleted, world.turn(10.5 + number, success(50 + number, 10 + number)))
    book = world.partition.book
    assert (len(book.executions), book.line(uuid_of(1)), list(book.in_flight())) == (0, None, [])
