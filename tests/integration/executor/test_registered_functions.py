"""Functions of a worker of the SDK: found by their names, told what they may know, and asked to end before they are
killed."""

import asyncio
import os
from pathlib import Path

import pytest

from horolog.adapters.spawner.client import Spawner
from horolog.runtime.settings_error import SettingsError
from schemas.jobs import ErrorType, FunctionConfig
from services.executor.registered import names_registered_by
from services.executor.runners.function import FunctionRunner, FunctionSettings
from tests.integration.executor.watching import EXECUTION_ID, begin, failure_of, field_of, outcome_of

LONG_S = 60.0


@pytest.fixture
def registered(spawner: Spawner) -> FunctionRunner:
    """Runs what `sample_worker` has registered."""
    settings = FunctionSettings(
        process_count=2,
        paths=(str(Path(__file__).parent),),
        environment={"PATH": os.environ["PATH"]},
        directory="/",
        worker="sample_worker:worker",
    )
    return FunctionRunner(spawner, settings)


def _config(name: str, **parameters: str) -> FunctionConfig:
    return FunctionConfig(
        module_path="billing", function_name=name, parameters=dict(parameters) or None, registered=True
    )


async def test_a_registered_function_gets_its_parameters_and_context_and_its_log_is_kept(
    registered: FunctionRunner,
) -> None:
    run = begin(registered, _config("close_month", region="eu"))
    outcome = await run.end()
    assert (outcome.failure, outcome.result, run.progress) == (None, ["eu", EXECUTION_ID], [50])
    assert field_of(outcome.metadata, "stderr") == "INFO closing eu\n"
    assert (await outcome_of(registered, _config("later", value="x"))).result == "x"


async def test_a_name_that_nobody_has_registered_is_told(registered: FunctionRunner, functions: FunctionRunner) -> None:
    for runner, config in ((registered, _config("unheard_of")), (functions, _config("close_month"))):
        failure = failure_of(await outcome_of(runner, config))
        assert (failure.type, failure.code) == (ErrorType.VALIDATION_ERROR, "FUNCTION_NOT_FOUND")


@pytest.mark.parametrize("name", ["patient", "patient_later"])
async def test_a_function_that_asks_is_given_time_to_end_and_its_process_is_not_used_again(
    registered: FunctionRunner, name: str
) -> None:
    run = begin(registered, _config(name))
    await run.first_progress()
    run.stop(LONG_S)
    assert (await run.end()).result == "ended"
    assert (await outcome_of(registered, _config("later", value="x"))).result == "x"


async def test_a_function_that_asked_and_does_not_end_is_killed_after_its_grace(registered: FunctionRunner) -> None:
    run = begin(registered, _config("deaf"))
    await run.first_progress()
    run.stop(0.2)
    assert failure_of(await run.end()).code == "WORKER_PROCESS_DIED"


async def test_a_function_that_asks_is_killed_at_once_where_there_is_no_grace(registered: FunctionRunner) -> None:
    run = begin(registered, _config("patient"))
    await run.first_progress()
    run.stop(0.0)
    assert failure_of(await run.end()).code == "WORKER_PROCESS_DIED"


async def test_the_names_are_asked_of_the_module_in_a_process_of_its_own(functions: FunctionRunner) -> None:
    names = await asyncio.wait_for(names_registered_by("sample_worker", functions), LONG_S)
    assert names == tuple(f"billing.{name}" for name in ("close_month", "deaf", "later", "patient", "patient_later"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no_such_module", "No module named 'no_such_module'"),
        ("sample_worker:nobody", "has no worker named nobody"),
        ("sample_functions", "has no worker named worker"),
        ("sample_worker:empty", "has registered 0 functions"),
    ],
)
async def test_a_module_that_cannot_be_a_worker_is_told_in_a_sentence(
    functions: FunctionRunner, target: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        await names_registered_by(target, functions)
