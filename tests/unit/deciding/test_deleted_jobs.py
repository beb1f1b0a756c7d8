"""What a job owed before it was deleted has its row in the ledger, however late its ticker says so."""

from horolog.limits import DELETED_JOB_KEPT_COUNT, DELETED_JOB_KEPT_S
from schemas.base import Message
from schemas.commands import CreateJob, DeleteJob
from schemas.events.executions import ExecutionMissed, ExecutionSkipped, Reason
from schemas.events.fires import FireMissed
from schemas.events.jobs import JobTabled
from schemas.topics import JOB_TABLE
from services.dispatcher.book import Book
from services.dispatcher.partition import restore
from services.dispatcher.shelf import JobShelf
from tests.unit.deciding.kit import (
    HOME,
    OPEN,
    PARTITIONS,
    START,
    TENANT,
    Dispatching,
    at,
    command,
    definition,
    fire,
    record,
    tabled,
    uuid_of,
)


def deleted_at(seconds: float) -> tuple[Dispatching, list[Message]]:
    """A job of every second whose ticker was away until it was deleted, and what its deletion wrote."""
    world = Dispatching()
    world.create()
    return world, world.turn(seconds, command(DeleteJob, 2, job_id=uuid_of(1)))


def missed(first: float, last: float, count: int) -> FireMissed:
    return FireMissed(
        tenant_id=TENANT,
        job_id=uuid_of(1),
        miss_id=uuid_of(9),
        first=at(first),
        last=at(last),
        count=count,
        schedule_version=1,
        emitted_at=START,
    )


def test_a_late_fire_of_a_deleted_job_is_entered_as_skipped_because_it_was_deleted() -> None:
    world, _ = deleted_at(10)
    (skipped,) = world.turn(20, fire(9, 5))
    assert isinstance(skipped, ExecutionSkipped)
    assert (skipped.reason, skipped.seq, skipped.scheduled_for) == (Reason.DELETED, 1, at(9))
    assert skipped.job_version == 2


def test_a_catch_up_of_a_deleted_job_does_not_run_either() -> None:
    world, _ = deleted_at(100)
    (skipped,) = world.turn(200, fire(99, 5, catch_up=True))
    assert isinstance(skipped, ExecutionSkipped)
    assert skipped.reason is Reason.DELETED


def test_a_missed_range_of_a_deleted_job_is_entered() -> None:
    world, _ = deleted_at(100)
    (entered,) = world.turn(200, missed(1, 98, 98))
    assert isinstance(entered, ExecutionMissed)
    assert (entered.missed_count, entered.missed_until) == (98, at(98))


def test_a_fire_after_the_deletion_took_effect_stays_void() -> None:
    world, _ = deleted_at(10)
    assert world.turn(11, fire(11, 5)) == []


def test_a_fire_that_was_admitted_before_the_deletion_is_not_entered_again() -> None:
    world = Dispatching()
    world.create()
    world.turn(9.5, fire(10, 5))
    world.turn(9.6, command(DeleteJob, 2, job_id=uuid_of(1)))
    assert world.turn(9.7, fire(10, 5)) == []


def test_a_job_created_anew_under_the_id_leaves_the_deleted_ones_instants_their_rows() -> None:
    world, _ = deleted_at(10)
    world.turn(15, command(CreateJob, 3, job_id=uuid_of(1), definition=definition()))
    (skipped,) = world.turn(20, fire(9, 5))
    assert isinstance(skipped, ExecutionSkipped)
    assert skipped.reason is Reason.DELETED


def test_a_successor_knows_the_deleted_job_from_the_table() -> None:
    world, written = deleted_at(10)
    table = [record(message) for message in written if isinstance(message, JobTabled)]
    assert [r.topic for r in table] == [JOB_TABLE.name]
    world.partition.book = book = Book(HOME, OPEN)
    restore(book, table, PARTITIONS, lambda *_: None)
    (skipped,) = world.turn(20, fire(9, 5))
    assert isinstance(skipped, ExecutionSkipped)
    assert book.jobs.get(uuid_of(1)) is None


def test_deleted_jobs_are_remembered_only_so_long_and_only_so_many() -> None:
    shelf, job = JobShelf(), tabled(definition()).job.model_copy(update={"deleted": True})
    for number in range(DELETED_JOB_KEPT_COUNT + 1):
        shelf.put(job.model_copy(update={"job_id": uuid_of(number)}))
    assert shelf.deleted(uuid_of(0)) is None
    assert shelf.deleted(uuid_of(1)) is not None
    newer = {"job_id": uuid_of(0), "updated_at": at(DELETED_JOB_KEPT_S + 1)}
    shelf.put(job.model_copy(update=newer))
    assert shelf.deleted(uuid_of(1)) is None
    assert shelf.deleted(uuid_of(0)) is not None
