"""Functions are registered under names that jobs can name, and a worker refuses what is not for it."""

import asyncio

import pytest

from horolog.function import Cancellation, FunctionContext
from horolog.worker import Worker
from schemas.events.executions import Failure
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, FunctionConfig
from services.executor.guard import ServingGuard
from tests.integration.executor.watching import INSTANT, task_of

SERVED = frozenset({"billing.close_month"})


def test_a_registered_function_is_still_what_it_was() -> None:
    worker = Worker()

    @worker.function("billing.close_month")
    def close_month(region: str) -> str:
        return region

    assert close_month("eu") == "eu"
    assert worker.functions == {"billing.close_month": close_month}


@pytest.mark.parametrize("name", ["", "close_month", ".close", "billing.", "a b.c", "a.b-c", f"{'m' * 201}.f"])
def test_a_name_that_no_job_could_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name like"):
        Worker().function(name)


@pytest.mark.parametrize("name", ["billing.close_month", "_a.b.c9", f"{'m' * 200}.{'f' * 100}"])
def test_every_name_that_is_taken_can_be_named_by_a_job(name: str) -> None:
    Worker().function(name)
    module, _, function = name.rpartition(".")
    assert FunctionConfig(module_path=module, function_name=function, registered=True).registered_name == name


def test_a_name_is_for_one_function() -> None:
    worker = Worker()
    worker.function("a.b")(print)
    with pytest.raises(ValueError, match="two functions"):
        worker.function("a.b")(repr)


class Everything:
    """Lets everything run."""

    def refusal(self, task: TaskAssigned) -> Failure | None:
        return None


@pytest.mark.parametrize(
    ("functions", "config", "is_refused"),
    [
        (SERVED, FunctionConfig(module_path="billing", function_name="close_month", registered=True), False),
        (SERVED, FunctionConfig(module_path="billing", function_name="open_month", registered=True), True),
        (SERVED, FunctionConfig(module_path="billing", function_name="close_month"), True),
        (SERVED, CommandConfig(command="true"), True),
        (None, FunctionConfig(module_path="billing", function_name="close_month", registered=True), True),
        (None, FunctionConfig(module_path="billing", function_name="close_month"), False),
        (None, CommandConfig(command="true"), False),
    ],
)
def test_a_worker_refuses_what_is_not_for_it(
    functions: frozenset[str] | None, config: FunctionConfig | CommandConfig, is_refused: bool
) -> None:
    refusal = ServingGuard(functions, Everything()).refusal(task_of(config))
    assert (refusal is not None and refusal.code == "FUNCTION_NOT_SERVED") is is_refused


def test_the_executor_hears_once_that_a_function_heeds_its_cancellation() -> None:
    heard: list[bool] = []
    cancellation = Cancellation(lambda: heard.append(True))
    context = FunctionContext("e", 1, "j", "t", INSTANT, 1, lambda _: None, cancellation)
    assert (context.is_cancelled, context.is_cancelled, heard) == (False, False, [True])
    cancellation.set()
    assert context.is_cancelled


async def test_who_awaits_its_cancellation_is_woken_by_it_or_was_told_before() -> None:
    cancellation = Cancellation()
    waiting = asyncio.create_task(cancellation.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    cancellation.set()
    await asyncio.wait_for(waiting, 10)
    await asyncio.wait_for(cancellation.wait(), 10)
