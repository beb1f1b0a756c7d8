"""What a dispatcher's book keeps of jobs, of the executions that have their slots, and of what was answered."""

from horolog.domain.execution import Stage
from horolog.limits import DISPATCH_AHEAD_S, REMEMBERED_OUTCOME_COUNT
from schemas.events.owners import CommandAccepted, CommandRejected
from services.dispatcher.book import ALARM_COUNT, Book
from services.dispatcher.outcomes import Outcome
from services.dispatcher.shelf import JobShelf
from tests.unit.deciding.kit import HOME, START, TENANT, Dispatching, at, definition, fire, tabled, uuid_of
from tests.unit.deciding.test_dispatching import success


def accepted(number: int) -> CommandAccepted:
    return CommandAccepted(tenant_id=TENANT, command_id=uuid_of(number), at=START, effective_at=at(1))


def going(world: Dispatching) -> list[str]:
    book = world.partition.book
    line = book.line(uuid_of(1))
    return [] if line is None else [execution.execution_id for execution in book.going(line)]


def test_a_job_is_got_as_it_was_put_last_and_not_after_it_was_dropped() -> None:
    shelf = JobShelf()
    for version in (1, 2):
        job = tabled(definition(name=f"version {version}"), version).job
        shelf.put(job)
        assert shelf.get(job.job_id) == job
    shelf.drop(uuid_of(1))
    assert (shelf.get(uuid_of(1)), len(shelf)) == (None, 0)


def test_a_deleted_job_is_dropped() -> None:
    shelf, job = JobShelf(), tabled(definition()).job
    shelf.put(job)
    shelf.put(job.model_copy(update={"deleted": True}))
    assert shelf.get(job.job_id) is None


def test_outcomes_are_told_as_they_were_given() -> None:
    book = Book(HOME)
    rejected = CommandRejected(
        tenant_id=TENANT, command_id=uuid_of(2), at=START, code="NO", message="no", details={"a": [1, None]}
    )
    outcomes: list[Outcome] = [accepted(1), rejected]
    for outcome in outcomes:
        book.apply(outcome)
    assert [book.outcome(uuid_of(number)) for number in (1, 2, 3)] == [*outcomes, None]


def test_the_oldest_outcome_is_forgotten_first() -> None:
    book = Book(HOME)
    for number in range(REMEMBERED_OUTCOME_COUNT + 1):
        book.apply(accepted(number))
    assert book.outcome(uuid_of(0)) is None
    assert book.outcome(uuid_of(1)) == accepted(1)


def test_alarms_of_executions_that_have_ended_do_not_wait_for_their_instants() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    for number in range(10 * ALARM_COUNT):
        world.partition.book.alarm(uuid_of(1000 + number), at(86_400))
    assert len(world.partition.book._alarms) <= 2 * ALARM_COUNT
    assert world.partition.book.next_alarm() == at(10 - DISPATCH_AHEAD_S)


def test_a_fire_has_a_slot_of_its_job_from_its_instant_to_its_end() -> None:
    world = Dispatching()
    world.create(max_concurrent=2)
    world.turn(9, fire(10, 50), fire(11, 51))
    assert going(world) == []
    world.turn(10)
    world.turn(11)
    assert going(world) == [uuid_of(50), uuid_of(51)]
    world.turn(12, success(50, 10))
    assert going(world) == [uuid_of(51)]
    world.turn(13, success(51, 11))
    assert going(world) == []


def test_those_that_have_a_slot_are_a_sequence_longest_first() -> None:
    world = Dispatching()
    world.create(max_concurrent=3)
    world.turn(9, *(fire(10, 50 + n) for n in range(3)))
    world.turn(10)
    line = world.partition.book.line(uuid_of(1))
    assert line is not None
    found = world.partition.book.going(line)
    assert (len(found), found[0].execution_id, found[-1].execution_id) == (3, uuid_of(50), uuid_of(52))
    assert [execution.stage for execution in found[1:]] == [Stage.HELD, Stage.HELD]
