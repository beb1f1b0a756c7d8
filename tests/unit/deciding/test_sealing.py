"""What a dispatcher hands to a worker or takes back is sealed, and nothing else is."""

from horolog.domain.seals import HEADER, Seals
from horolog.log.port import Outgoing
from schemas.codec import type_of
from schemas.commands import StopJob
from schemas.topics import CONTROL, TASKS
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition
from tests.unit.deciding.kit import HOME, OPEN, PARTITIONS, Dispatching, at, command, fire, record, uuid_of

SEALS = Seals([b"a-key-of-the-dispatchers-0123456789"])


def is_sealed(outgoing: Outgoing) -> bool:
    type_ = type_of(outgoing.headers)
    assert type_ is not None
    return SEALS.holds(outgoing.headers, outgoing.topic, type_, outgoing.value or b"")


def test_tasks_and_revocations_are_sealed_and_nothing_else_is() -> None:
    world = Dispatching()
    world.partition = DispatcherPartition(Book(HOME, OPEN), PARTITIONS, SEALS)
    world.create()
    world.turn(9, fire(10, 50))
    world.beat(10)
    written = [*world.partition.turn([], at(10)).outputs]
    written += world.partition.turn([record(command(StopJob, 2, job_id=uuid_of(1)))], at(11)).outputs
    assert {TASKS.name, CONTROL.name} <= {outgoing.topic for outgoing in written}
    for outgoing in written:
        has_seal = HEADER in dict(outgoing.headers)
        assert has_seal == is_sealed(outgoing) == (outgoing.topic in (TASKS.name, CONTROL.name))
