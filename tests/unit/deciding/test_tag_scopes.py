"""A caller within tags acts on jobs by the tags that they have when that is decided, and on no others."""

from typing import Any

import pytest

from schemas.commands import (
    CancelExecution,
    CreateJob,
    DeleteJob,
    JobCommand,
    PauseJob,
    ResumeJob,
    StopJob,
    TriggerJob,
    UpdateJob,
)
from schemas.events.jobs import JobUpdated
from schemas.events.owners import CommandRejected
from tests.unit.deciding.kit import Dispatching, command, definition, uuid_of
from tests.unit.deciding.tenant_kit import code, outcome
from tests.unit.deciding.test_dispatching import of

WITHIN: dict[str, Any] = {"within_tags": ("billing", "reports")}
KINDS = [UpdateJob, PauseJob, ResumeJob, StopJob, DeleteJob, TriggerJob]


def tagged(*tags: str) -> Dispatching:
    """A partition with one job that carries these tags, paused where that makes no difference."""
    world = Dispatching()
    world.create(tags=tags)
    return world


def about_job(kind: type[JobCommand], number: int = 2, job: int = 1, **fields: Any) -> JobCommand:
    changed = {"definition": definition(tags=("billing",), name="other")} if kind is UpdateJob else {}
    return command(kind, number, job_id=uuid_of(job), **changed, **WITHIN, **fields)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_with_one_of_the_tags_is_reached(kind: type[JobCommand]) -> None:
    assert code(tagged("other", "reports").turn(1, about_job(kind))) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tags", [("other",), ()])
def test_any_other_job_is_told_like_one_that_does_not_exist(kind: type[JobCommand], tags: tuple[str, ...]) -> None:
    world = tagged(*tags)
    asked = [about_job(kind), about_job(kind, expected_version=9), about_job(kind, job=7)]
    told = []
    for number, each in enumerate(asked):
        rejected = outcome(world.turn(1, each.model_copy(update={"command_id": uuid_of(20 + number)})))
        assert isinstance(rejected, CommandRejected)
        told.append((rejected.code, rejected.message.replace(each.job_id, "<id>")))
    assert len(set(told)) == 1
    assert told[0][0] == "JOB_NOT_FOUND"


def test_the_tags_that_count_are_those_at_the_moment_of_the_decision() -> None:
    world = tagged("billing")
    retagged = command(UpdateJob, 2, job_id=uuid_of(1), definition=definition(tags=("other",)))
    first, second = world.turn(1, retagged), world.turn(1, about_job(PauseJob, 3))
    assert of(JobUpdated, first)
    assert code(second) == "JOB_NOT_FOUND"


@pytest.mark.parametrize(
    ("tags", "refused"), [(("billing", "x"), None), (("x",), "TAG_REQUIRED"), ((), "TAG_REQUIRED")]
)
def test_a_job_is_created_and_changed_only_with_one_of_the_tags(tags: tuple[str, ...], refused: str | None) -> None:
    world = tagged("reports")
    wanted = definition(tags=tags)
    made = world.turn(1, command(CreateJob, 2, job_id=uuid_of(2), definition=wanted, **WITHIN))
    changed = world.turn(2, command(UpdateJob, 3, job_id=uuid_of(1), definition=wanted, **WITHIN))
    assert (code(made), code(changed)) == (refused, refused)


def test_an_execution_is_cancelled_only_of_a_job_with_one_of_the_tags() -> None:
    for tags, refused in ((("billing",), None), (("other",), "EXECUTION_NOT_FOUND")):
        world = tagged(*tags)
        world.trigger(1, 2)
        (execution,) = world.partition.book.executions.values()
        found = command(CancelExecution, 3, execution_id=execution.execution_id, **WITHIN)
        unknown = command(CancelExecution, 4, execution_id=uuid_of(99), **WITHIN)
        told = [outcome(world.turn(2, each)) for each in (found, unknown)]
        assert [one.code if isinstance(one, CommandRejected) else None for one in told] == [
            refused,
            "EXECUTION_NOT_FOUND",
        ]


def test_without_tags_every_job_is_reached() -> None:
    assert code(tagged().turn(1, command(PauseJob, 2, job_id=uuid_of(1)))) is None
