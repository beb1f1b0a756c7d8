"""What a tenant has used up is refused or waits, in nobody else's way; and a new owner counts as the old one did."""

from dataclasses import replace

import pytest

from schemas.commands import CancelExecution, CreateJob, DeleteJob, TriggerJob, UpdateJob, UpdateTenant
from schemas.events.executions import AttemptDispatched, ExecutionAdmitted, ExecutionSkipped, Reason
from schemas.events.workers import TaskAssigned
from schemas.jobs import HttpConfig, JobType
from tests.unit.deciding.histories import begun
from tests.unit.deciding.kit import START, TENANT, Dispatching, command, definition, fire, messages, uuid_of
from tests.unit.deciding.tenant_kit import code, created, settings
from tests.unit.deciding.test_dispatching import of, success


def create(number: int, **changes: object) -> CreateJob:
    return command(CreateJob, number, job_id=uuid_of(number), definition=definition(**changes))


def test_no_more_jobs_are_created_than_a_tenant_may_have() -> None:
    world = created(settings(max_jobs=2))
    assert [code(world.turn(1, create(number))) for number in (1, 2, 3)] == [None, None, "QUOTA_EXCEEDED"]
    world.turn(2, command(DeleteJob, 8, job_id=uuid_of(1)))
    assert code(world.turn(3, create(4))) is None


@pytest.mark.parametrize(
    ("expression", "refused"),
    [
        ("0 * * * * *", None),
        ("0 0 9 * * MON", None),
        ("*/59 * * * * *", "QUOTA_EXCEEDED"),
        ("0,1 0 0 1 1 *", "QUOTA_EXCEEDED"),
        # Not within a day, but from one to the next.
        ("59 59 0,23 * * *", None),
        ("30 0,59 0,23 * * *", None),
        ("0,59 0,59 0,23 * * *", "QUOTA_EXCEEDED"),
    ],
)
def test_a_schedule_that_fires_more_often_than_the_tenant_may_is_refused(expression: str, refused: str | None) -> None:
    world = created(settings(min_interval_seconds=60))
    assert code(world.turn(1, create(1, cron_expression=expression))) == refused
    assert code(world.turn(2, create(2, cron_expression="@daily"))) is None
    update = command(UpdateJob, 3, job_id=uuid_of(2), definition=definition(cron_expression=expression))
    assert code(world.turn(3, update)) == refused


def test_a_clock_that_is_turned_back_brings_instants_closer_than_any_day_before() -> None:
    world = created(settings(min_interval_seconds=3600))
    expression = {"cron_expression": "0 30 * * * *", "timezone": "Australia/Lord_Howe"}
    assert code(world.turn(1, create(1, **expression))) == "QUOTA_EXCEEDED"


def test_fires_beyond_those_of_a_minute_are_in_the_ledger_as_skipped() -> None:
    world = created(settings(fires_per_minute=2))
    world.create(max_concurrent=10)
    written = world.turn(59, *[fire(59 + n, 50 + n) for n in range(4)])
    # One is of the minute before.
    assert [e.execution_id for e in of(ExecutionAdmitted, written)] == [uuid_of(n) for n in (50, 51, 52)]
    assert [(e.execution_id, e.reason, e.seq) for e in of(ExecutionSkipped, written)] == [
        (uuid_of(53), Reason.QUOTA, 1)
    ]


def test_a_trigger_counts_as_a_fire() -> None:
    world = created(settings(fires_per_minute=1))
    world.create(max_concurrent=10)
    assert [code(world.trigger(1, number)) for number in (10, 11)] == [None, "QUOTA_EXCEEDED"]
    assert code(world.trigger(61, 12)) is None


def test_a_skip_ahead_of_its_instant_is_not_owed_again_by_a_new_schedule() -> None:
    world = created(settings(fires_per_minute=0))
    world.create()
    assert of(ExecutionSkipped, world.turn(9, fire(10, 50)))
    world.turn(9.1, command(UpdateJob, 3, job_id=uuid_of(1), definition=definition(cron_expression="*/2 * * * * *")))
    job = world.partition.book.jobs.get(uuid_of(1))
    assert job is not None
    assert job.effective_from >= START.replace(second=10)
    assert world.turn(9.2, fire(10, 50, version=2)) == []


def test_no_more_of_a_tenant_are_in_workers_hands_than_may_be() -> None:
    world = created(settings(max_running=2))
    world.create(max_concurrent=10)
    world.turn(9, *[fire(10, 50 + n) for n in range(4)])
    first = of(AttemptDispatched, world.turn(10))
    assert [d.execution_id for d in first] == [uuid_of(50), uuid_of(51)]
    assert of(AttemptDispatched, world.turn(11)) == []
    assert [d.execution_id for d in of(AttemptDispatched, world.turn(12, success(50, 10)))] == [uuid_of(52)]
    raised = command(UpdateTenant, 5, settings=settings(max_running=9))
    assert [d.execution_id for d in of(AttemptDispatched, world.turn(13, raised))] == [uuid_of(53)]


def test_as_many_wait_as_the_tenant_may_have_waiting() -> None:
    world = created(settings(max_running=1, max_queued=2))
    world.create(max_concurrent=10)
    world.turn(9, *[fire(10, 50 + n) for n in range(5)])
    given_up = of(ExecutionSkipped, world.turn(10))
    assert {e.reason for e in given_up} == {Reason.QUOTA}
    assert [e.execution_id for e in given_up] == [uuid_of(52), uuid_of(53), uuid_of(54)]


def test_a_task_tells_what_its_tenant_may_call_and_how_much_is_kept() -> None:
    world = created(settings(output_bytes_max=100).model_copy(update={"http_allowed": ("10.0.0.0/8",)}))
    world.create()
    http = {"job_type": JobType.HTTP, "config": HttpConfig(url="http://10.0.0.1/", method="GET")}
    world.turn(0, create(2, **http))
    world.turn(9, fire(10, 50), fire(10, 51).model_copy(update={"job_id": uuid_of(2)}))
    told = {t.job_id: (t.http_allowed, t.output_bytes_max) for t in of(TaskAssigned, world.turn(10))}
    assert told == {uuid_of(1): ((), 100), uuid_of(2): (("10.0.0.0/8",), 100)}


def test_a_successor_goes_on_counting_the_fires_of_the_minute() -> None:
    owned = begun(9, definition(max_concurrent=9))
    for number in range(3):
        owned.learn_end()
        (admitted,) = of(ExecutionAdmitted, messages(owned.turn([command(TriggerJob, number + 50, job_id=uuid_of(1))])))
        owned.turn([command(CancelExecution, number + 60, execution_id=admitted.execution_id)])
    quota = command(UpdateTenant, 70, settings=settings(fires_per_minute=4))
    owned.learn_end()
    owned.turn([quota])
    assert not owned.partition.book.executions
    successor = replace(owned, partition=owned.successor())
    triggers = [command(TriggerJob, number, job_id=uuid_of(1)) for number in (80, 81)]
    assert [code(messages(successor.turn([trigger]))) for trigger in triggers] == [None, "QUOTA_EXCEEDED"]


def test_no_tenant_is_told_of_while_it_has_nothing_of_its_own() -> None:
    world = Dispatching()
    world.create()
    world.turn(9, fire(10, 50))
    (task,) = of(TaskAssigned, world.turn(10))
    assert b"httpAllowed" not in task.to_json()
    assert b"outputBytesMax" not in task.to_json()
    assert task.tenant_id == TENANT
