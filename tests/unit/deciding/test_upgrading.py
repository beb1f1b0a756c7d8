"""Beside the release before this one, a dispatcher decides nothing that the other could not read; otherwise it does."""

import pytest

from schemas.base import Message
from schemas.commands import BarActor, CreateJob, PauseJob, SuspendTenant
from schemas.events.owners import CommandAccepted
from schemas.events.tenants import TenantTabled
from schemas.jobs import CommandConfig, FunctionConfig, JobType
from schemas.releases import unread_before
from services.dispatcher.book import Book
from services.dispatcher.partition import DispatcherPartition
from tests.unit.deciding.kit import HOME, OPEN, PARTITIONS, Dispatching, command, definition, uuid_of
from tests.unit.deciding.tenant_kit import code, outcome, suspend
from tests.unit.deciding.test_dispatching import of

IMAGE = {"job_type": JobType.COMMAND, "config": CommandConfig(command="true", image="reports:1")}
REGISTERED = {"config": FunctionConfig(module_path="a", function_name="b", registered=True)}
NEW = [
    command(CreateJob, 1, job_id=uuid_of(1), definition=definition(**IMAGE)),
    command(CreateJob, 1, job_id=uuid_of(1), definition=definition(**REGISTERED)),
    command(CreateJob, 1, job_id=uuid_of(1), definition=definition(tags=("a",)), within_tags=("a",)),
    command(BarActor, 1, barred_actor="user:ada", disabled=True),
]


def beside(is_upgrading: bool = True) -> Dispatching:
    world = Dispatching()
    world.partition = DispatcherPartition(Book(HOME, OPEN, is_upgrading=is_upgrading), PARTITIONS)
    return world


@pytest.mark.parametrize("new", NEW, ids=lambda new: str(unread_before(new)))
def test_what_the_release_before_cannot_read_is_refused_for_as_long_as_it_is_at_work(new: Message) -> None:
    (refused,) = beside().turn(0, new)
    assert code([refused]) == "UPGRADE_IN_PROGRESS"
    assert isinstance(outcome(beside(is_upgrading=False).turn(0, new)), CommandAccepted)


def test_facts_about_a_job_that_the_release_before_cannot_read_are_not_written_either() -> None:
    world = beside(is_upgrading=False)
    world.turn(0, NEW[0])
    world.partition.book.is_upgrading = True
    assert code(world.turn(1, command(PauseJob, 2, job_id=uuid_of(1)))) == "UPGRADE_IN_PROGRESS"


def test_a_tenant_that_nobody_created_is_suspended_as_the_release_before_would_do_it() -> None:
    world = beside()
    (tabled,) = of(TenantTabled, suspend(world, 0))
    assert (tabled.tenant.own_settings, tabled.tenant.settings) == (True, OPEN)
    assert unread_before(tabled) == ()
    alone = beside(is_upgrading=False).turn(0, command(SuspendTenant, 1))
    assert unread_before(of(TenantTabled, alone)[0]) == ("tenant.ownSettings",)


def test_what_both_can_read_is_decided_as_ever() -> None:
    world = beside()
    written = world.turn(0, command(CreateJob, 1, job_id=uuid_of(1), definition=definition()))
    assert isinstance(outcome(written), CommandAccepted)
    assert world.partition.book.jobs.get(uuid_of(1)) is not None
