"""What commands about tenants change, and what becomes of jobs whose tenant, owner or program may not run."""

import pytest

from horolog.limits import TENANT_SETTINGS_BYTES_MAX
from schemas.commands import (
    BarActor,
    CreateJob,
    CreateTenant,
    ResumeTenant,
    SuspendTenant,
    TriggerJob,
    UnbarActor,
    UpdateJob,
    UpdateTenant,
)
from schemas.events.executions import (
    AttemptDispatched,
    ExecutionAdmitted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionSkipped,
    Reason,
    RetryScheduled,
)
from schemas.events.owners import CommandAccepted
from schemas.events.results import CancellationReported
from schemas.events.tenants import ActorBarred, TenantChanged, TenantCreated, TenantSuspended, TenantTabled
from schemas.events.workers import AttemptRevoked
from schemas.jobs import RetryConfig
from schemas.tenants import CLOSED, TenantSettings, TenantState
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition
from tests.unit.deciding.kit import HOME, OPEN, PARTITIONS, TENANT, Dispatching, at, command, definition, fire, uuid_of
from tests.unit.deciding.tenant_kit import SH, code, created, outcome, suspend
from tests.unit.deciding.test_dispatching import failure, of, success


def skips(written: list[object]) -> list[tuple[str, Reason]]:
    return [(m.execution_id, m.reason) for m in written if isinstance(m, ExecutionSkipped)]


def test_a_tenant_is_created_once_with_its_settings() -> None:
    world = Dispatching()
    written = world.turn(0, command(CreateTenant, 1, settings=OPEN, expected_version=0))
    (change,), (tabled,) = of(TenantCreated, written), of(TenantTabled, written)
    assert (change.tenant, change.before) == (tabled.tenant, None)
    assert (tabled.tenant.settings, tabled.tenant.version, tabled.tenant.state) == (OPEN, 1, TenantState.ACTIVE)
    again = world.turn(1, command(CreateTenant, 2, settings=CLOSED))
    assert (code(again), of(TenantTabled, again)) == ("TENANT_ALREADY_EXISTS", [])


def test_an_update_replaces_the_settings_and_raises_the_version() -> None:
    world = created(OPEN)
    written = world.turn(1, command(UpdateTenant, 1, settings=CLOSED, expected_version=1))
    (change,) = of(TenantChanged, written)
    assert change.before is not None
    assert (change.before.settings, change.tenant.settings, change.tenant.version) == (OPEN, CLOSED, 2)
    told = outcome(written)
    assert isinstance(told, CommandAccepted)
    assert told.tenant_version == 2


def test_a_tenant_that_has_moved_on_is_not_changed() -> None:
    world = created(OPEN)
    assert code(world.turn(1, command(UpdateTenant, 1, settings=CLOSED, expected_version=7))) == "VERSION_CONFLICT"
    assert code(Dispatching().turn(1, command(UpdateTenant, 1, settings=CLOSED))) == "TENANT_NOT_FOUND"


def test_a_change_that_changes_nothing_is_accepted_and_writes_nothing_else() -> None:
    world = created(OPEN)
    for empty in (command(ResumeTenant, 10), command(UnbarActor, 11, barred_actor="user:x")):
        assert [type(message) for message in world.turn(1, empty)] == [CommandAccepted]


def test_settings_that_no_record_can_carry_are_rejected() -> None:
    names = tuple(f"/{'x' * 990}{number}" for number in range(TENANT_SETTINGS_BYTES_MAX // 1000 - 10))
    actors = tuple(f"{'y' * 180}{number}" for number in range(500))
    large = TenantSettings(allowed_executables=names, barred_actors=actors)
    assert code(Dispatching().turn(0, command(CreateTenant, 1, settings=large))) == "INVALID_TENANT"


def test_without_a_word_about_it_no_tenant_may_run_commands_or_functions() -> None:
    world = Dispatching()
    world.partition = DispatcherPartition(Book(HOME), PARTITIONS)
    function = command(CreateJob, 1, job_id=uuid_of(1), definition=definition())
    program = command(CreateJob, 2, job_id=uuid_of(2), definition=definition(**SH))
    assert (code(world.turn(0, function)), code(world.turn(0, program))) == (
        "FUNCTION_NOT_ALLOWED",
        "COMMAND_NOT_ALLOWED",
    )


def test_a_job_may_be_changed_only_to_what_is_allowed() -> None:
    world = Dispatching()
    world.create()
    update = command(UpdateJob, 2, job_id=uuid_of(1), definition=definition(**SH))
    assert code(world.turn(1, update)) == "COMMAND_NOT_ALLOWED"


def test_of_a_suspended_tenant_no_job_is_created_changed_or_triggered() -> None:
    world = Dispatching()
    world.create()
    suspend(world, 1)
    asked = [
        command(CreateJob, 2, job_id=uuid_of(2), definition=definition()),
        command(UpdateJob, 3, job_id=uuid_of(1), definition=definition(name="other")),
        command(TriggerJob, 4, job_id=uuid_of(1)),
    ]
    assert [code(world.turn(2, each)) for each in asked] == ["TENANT_SUSPENDED"] * 3


def test_suspending_withdraws_what_waits_and_lets_run_what_runs() -> None:
    world = Dispatching(capacity=1)
    world.create(max_concurrent=5)
    world.turn(9.9, fire(10, 50))
    world.turn(10, *[fire(10 + n, 50 + n) for n in (1, 2)])
    world.turn(11)
    world.partition.book.workers["worker-a"].capacity = 1
    started = success(50, 10.2)
    written = suspend(world, 11.5)
    assert (uuid_of(52), Reason.TENANT_SUSPENDED) in skips(list(written))
    assert of(ExecutionCompleted, world.turn(12, started))


def test_what_only_waits_in_a_workers_hands_is_taken_back_and_does_not_run() -> None:
    world = Dispatching()
    world.create()
    world.turn(9.9, fire(10, 50))
    (revoked,) = of(AttemptRevoked, suspend(world, 9.95))
    assert revoked.only_waiting
    handed_back = CancellationReported(
        tenant_id=TENANT,
        execution_id=uuid_of(50),
        job_id=uuid_of(1),
        scheduled_for=at(10),
        attempt=1,
        worker_id="worker-a",
        at=at(9.97),
    )
    written = world.turn(10, handed_back)
    assert [m.reason for m in of(ExecutionCancelled, written)] == [Reason.TENANT_SUSPENDED]
    assert of(RetryScheduled, written) == []
    assert of(AttemptDispatched, world.turn(11)) == []


def test_a_retry_of_what_ran_does_not_begin_while_the_tenant_is_suspended() -> None:
    world = Dispatching()
    world.create(retry_config=RetryConfig(max_retries=3, retry_delay_ms=1000, exponential_backoff=False))
    world.turn(9.9, fire(10, 50))
    suspend(world, 10.5)
    world.partition.book.workers.clear()
    world.beat(10.5)
    assert of(RetryScheduled, world.turn(10.6, failure(50, 10, attempt=1)))
    written = world.turn(12)
    assert [m.reason for m in of(ExecutionCancelled, written)] == [Reason.TENANT_SUSPENDED]
    assert of(AttemptDispatched, written) == []


def test_each_fire_of_a_suspended_tenant_is_skipped_with_its_reason_and_none_is_made_up_for() -> None:
    world = Dispatching()
    world.create()
    suspend(world, 1)
    world.turn(9, fire(10, 50), fire(11, 51))
    assert skips(list(world.turn(11))) == [(uuid_of(n), Reason.TENANT_SUSPENDED) for n in (50, 51)]
    world.turn(12, command(ResumeTenant, 9))
    written = world.turn(13, fire(14, 53)) + world.turn(14)
    assert [d.execution_id for d in of(AttemptDispatched, written)] == [uuid_of(53)]


def test_a_fire_is_judged_at_its_instant_and_not_when_it_was_admitted() -> None:
    world = Dispatching()
    world.create()
    suspend(world, 1)
    assert of(ExecutionAdmitted, world.turn(8.6, fire(10, 50)))
    world.turn(9, command(ResumeTenant, 9))
    assert of(AttemptDispatched, world.turn(10))


def test_jobs_of_a_barred_actor_do_not_run_and_those_of_others_do() -> None:
    world = Dispatching()
    world.create()
    other = command(CreateJob, 2, job_id=uuid_of(2), definition=definition(), actor="user:other")
    world.turn(0, other)
    assert of(ActorBarred, world.turn(1, command(BarActor, 3, barred_actor="user:test")))
    elsewhere = fire(10, 60).model_copy(update={"job_id": uuid_of(2)})
    world.turn(9, fire(10, 50), elsewhere)
    written = world.turn(10)
    assert skips(list(written)) == [(uuid_of(50), Reason.OWNER_BARRED)]
    assert [d.execution_id for d in of(AttemptDispatched, written)] == [uuid_of(60)]
    assert code(world.trigger(11, 4)) == "OWNER_BARRED"
    world.turn(12, command(UnbarActor, 5, barred_actor="user:test"))
    world.turn(13, fire(14, 51))
    assert of(AttemptDispatched, world.turn(14))


def test_what_may_not_run_any_more_is_withdrawn_when_that_is_said() -> None:
    world = created(OPEN)
    world.create()
    world.turn(9, fire(10, 50))
    written = world.turn(9.1, command(UpdateTenant, 5, settings=CLOSED))
    assert skips(list(written)) == [(uuid_of(50), Reason.NOT_ALLOWED)]
    world.turn(10, fire(11, 51))
    assert skips(list(world.turn(11))) == [(uuid_of(51), Reason.NOT_ALLOWED)]


@pytest.mark.parametrize("kind", [SuspendTenant, BarActor])
def test_a_tenant_that_nobody_created_can_be_stopped(kind: type[SuspendTenant | BarActor]) -> None:
    world = Dispatching()
    world.create()
    fields = {"barred_actor": "user:test"} if kind is BarActor else {}
    (tabled,) = of(TenantTabled, world.turn(1, command(kind, 3, **fields)))
    assert (tabled.tenant.version, tabled.tenant.own_settings) == (1, False)
    assert world.partition.book.tenants.settings(TENANT).allowed_modules == OPEN.allowed_modules
    world.turn(9, fire(10, 50))
    assert of(ExecutionSkipped, world.turn(10))


def test_a_tenant_that_was_stopped_before_it_was_created_can_be_created() -> None:
    world = Dispatching()
    suspend(world, 1)
    assert code(world.turn(2, command(UpdateTenant, 5, settings=CLOSED))) == "TENANT_NOT_FOUND"
    (change,) = of(TenantCreated, world.turn(3, command(CreateTenant, 6, settings=CLOSED, actor="user:root")))
    assert (change.tenant.state, change.tenant.own_settings) == (TenantState.SUSPENDED, True)
    assert (change.tenant.version, change.tenant.created_by) == (2, "user:root")
    assert world.partition.book.tenants.settings(TENANT) == CLOSED


def test_whom_the_default_settings_bar_is_not_let_in_by_halves() -> None:
    world = Dispatching()
    defaults = OPEN.model_copy(update={"barred_actors": ("user:7",)})
    world.partition = DispatcherPartition(Book(HOME, defaults), PARTITIONS)
    world.turn(0, command(BarActor, 1, barred_actor="user:8"))
    assert world.partition.book.tenants.settings(TENANT).barred_actors == ("user:7", "user:8")
    assert code(world.turn(1, command(UnbarActor, 2, barred_actor="user:7"))) == "INVALID_TENANT"
    world.turn(2, command(UnbarActor, 3, barred_actor="user:8"))
    assert world.partition.book.tenants.settings(TENANT) == defaults


def test_a_repeated_suspension_changes_nothing_more() -> None:
    world = Dispatching()
    suspend(world, 1)
    assert of(TenantSuspended, suspend(world, 2, number=902)) == []
