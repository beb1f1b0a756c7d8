"""A disabled user: none of its jobs runs, nothing that it asks for counts, and nothing else of the tenant changes."""

from dataclasses import dataclass, field

from schemas.base import Message
from schemas.commands import (
    BarActor,
    CancelExecution,
    CreateJob,
    CreateTenant,
    DeleteJob,
    PauseJob,
    TriggerJob,
    UnbarActor,
    UpdateTenant,
)
from schemas.events.executions import AttemptDispatched, ExecutionSkipped, Reason
from schemas.events.owners import CommandAccepted
from schemas.events.tenants import ActorBarred, TenantTabled
from schemas.tenants import BARRED_ACTOR_COUNT_MAX, CLOSED, DisabledOwner, Tenant
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition, restore
from services.dispatcher.tenants import UNDER_WAY_MAX
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
from tests.unit.deciding.tenant_kit import code, created
from tests.unit.deciding.test_dispatching import of

ADA = "user:ada"


def disable(world: Dispatching, seconds: float, number: int = 800, actor: str = ADA) -> list[Message]:
    return world.turn(seconds, command(BarActor, number, barred_actor=actor, disabled=True))


def enable(world: Dispatching, seconds: float, number: int = 801) -> list[Message]:
    return world.turn(seconds, command(UnbarActor, number, barred_actor=ADA, disabled=True))


def create_adas(world: Dispatching, seconds: float = 0, number: int = 1) -> list[Message]:
    return world.turn(seconds, command(CreateJob, number, job_id=uuid_of(1), definition=definition(), actor=ADA))


def owners(world: Dispatching) -> list[str]:
    tenant = world.partition.book.tenants.get(TENANT)
    return [one.actor for one in tenant.disabled_owners] if tenant else []


def test_nothing_of_a_disabled_users_job_begins_until_it_is_enabled() -> None:
    world = Dispatching()
    create_adas(world)
    assert of(ActorBarred, disable(world, 1))
    world.turn(9, fire(10, 50))
    assert [m.reason for m in of(ExecutionSkipped, world.turn(10))] == [Reason.OWNER_BARRED]
    enable(world, 11)
    world.turn(12, fire(13, 51))
    assert [d.execution_id for d in of(AttemptDispatched, world.turn(13))] == [uuid_of(51)]


def test_what_waits_of_a_disabled_user_is_withdrawn() -> None:
    world = Dispatching()
    create_adas(world)
    world.turn(9, fire(10, 50))
    written = disable(world, 9.1)
    assert [(m.execution_id, m.reason) for m in of(ExecutionSkipped, written)] == [(uuid_of(50), Reason.OWNER_BARRED)]


def test_nothing_else_of_the_tenant_changes() -> None:
    world = Dispatching()
    world.create()
    (change,) = of(ActorBarred, disable(world, 1))
    assert (change.tenant.own_settings, change.tenant.settings) == (False, CLOSED)
    in_force = world.partition.book.tenants.settings(TENANT)
    assert in_force.model_copy(update={"barred_actors": ()}) == OPEN
    world.turn(9, fire(10, 50))
    assert of(AttemptDispatched, world.turn(10))


def test_whoever_changes_the_settings_does_not_let_a_disabled_user_back_in() -> None:
    world = Dispatching()
    disable(world, 1)
    for seconds, kind in ((2, CreateTenant), (3, UpdateTenant)):
        world.turn(seconds, command(kind, 900 + seconds, settings=OPEN))
        assert owners(world) == [ADA]
        assert world.partition.book.tenants.settings(TENANT).barred_actors == (ADA,)


def test_enabling_a_user_lifts_nothing_that_the_platform_has_barred() -> None:
    world = created(OPEN)
    create_adas(world)
    world.turn(1, command(BarActor, 700, barred_actor=ADA))
    disable(world, 2)
    enable(world, 3)
    world.turn(9, fire(10, 50))
    assert [m.reason for m in of(ExecutionSkipped, world.turn(10))] == [Reason.OWNER_BARRED]


def test_telling_it_twice_changes_nothing() -> None:
    world = Dispatching()
    disable(world, 1)
    assert [type(message) for message in disable(world, 2, number=802)] == [CommandAccepted]
    enable(world, 3)
    assert [type(message) for message in enable(world, 4, number=803)] == [CommandAccepted]


def test_what_a_disabled_user_asked_for_and_was_still_under_way_has_no_effect() -> None:
    world = Dispatching()
    create_adas(world)
    disable(world, 1)
    late = [
        command(CreateJob, 2, job_id=uuid_of(2), definition=definition(), actor=ADA),
        command(TriggerJob, 3, job_id=uuid_of(1), actor=ADA),
        command(PauseJob, 4, job_id=uuid_of(1), actor=ADA),
        command(DeleteJob, 5, job_id=uuid_of(1), actor=ADA),
        command(CancelExecution, 6, execution_id=uuid_of(7), actor=ADA),
    ]
    assert [code(world.turn(2, each)) for each in late] == ["USER_DISABLED"] * 5
    assert code(world.turn(3, command(PauseJob, 7, job_id=uuid_of(1)))) is None


def test_a_successor_knows_it_as_well() -> None:
    world = Dispatching()
    create_adas(world)
    written = disable(world, 1)
    book = Book(HOME, OPEN)
    restore(book, [record(message) for message in of(TenantTabled, written)], PARTITIONS, lambda *_: None)
    assert book.tenants.is_disabled(TENANT, ADA)
    assert book.tenants.settings(TENANT).barred_actors == (ADA,)


@dataclass
class Full:
    """A partition whose list of disabled users is full; `seconds` say when each was disabled."""

    seconds: float
    world: Dispatching = field(default_factory=Dispatching)

    def __post_init__(self) -> None:
        old = [DisabledOwner(actor=f"user:{n}", since=at(self.seconds)) for n in range(BARRED_ACTOR_COUNT_MAX)]
        tenant = Tenant(
            tenant_id=TENANT,
            settings=CLOSED,
            own_settings=False,
            disabled_owners=tuple(old),
            created_by="user:1",
            created_at=START,
            updated_at=START,
        )
        self.world.partition = DispatcherPartition(Book(HOME, OPEN), PARTITIONS)
        self.world.partition.book.tenants.put(tenant)


def test_a_full_list_refuses_whoever_may_still_have_something_under_way_beside() -> None:
    world = Full(seconds=0).world
    assert code(disable(world, 10)) == "BARRED_LIST_FULL"
    assert ADA not in owners(world)


def test_who_owns_no_job_gives_its_place_away_after_an_hour() -> None:
    world = Full(seconds=-UNDER_WAY_MAX.total_seconds()).world
    world.partition.book.jobs.put(tabled(definition()).job.model_copy(update={"created_by": "user:5"}))
    assert code(disable(world, 1)) is None
    assert owners(world) == ["user:5", ADA]


def test_owners_of_jobs_never_give_their_places_away() -> None:
    world = Full(seconds=-1e6).world
    for number in range(BARRED_ACTOR_COUNT_MAX):
        job = tabled(definition()).job.model_copy(update={"job_id": uuid_of(number), "created_by": f"user:{number}"})
        world.partition.book.jobs.put(job)
    assert code(disable(world, 10)) == "BARRED_LIST_FULL"
    world.partition.book.jobs.drop(uuid_of(7))
    assert code(disable(world, 11, number=802)) is None
    assert "user:7" not in owners(world)
