"""Functions: what they are given, what becomes of what they return, raise and print, and how they are ended."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from horolog.limits import RESULT_BYTES_MAX
from schemas.jobs import ErrorType, FunctionConfig
from services.executor.outcome import Outcome
from services.executor.runner import Piece
from services.executor.runners.function import FunctionRunner
from tests.integration.executor.watching import (
    EXECUTION_ID,
    INSTANT,
    JOB_ID,
    TENANT_ID,
    begin,
    failure_of,
    field_of,
    is_alive,
    outcome_of,
    until,
)


def _config(name: str, module: str = "sample_functions", **parameters: Any) -> FunctionConfig:
    return FunctionConfig(module_path=module, function_name=name, parameters=parameters or None)


def _verdict(outcome: Outcome) -> tuple[ErrorType, str]:
    return failure_of(outcome).type, failure_of(outcome).code


async def test_parameters_are_keyword_arguments_and_the_result_is_json(functions: FunctionRunner) -> None:
    outcome = await outcome_of(functions, _config("add", a=41))
    assert (outcome.failure, outcome.result, outcome.metadata) == (None, 42, None)
    assert outcome.usage.memory_peak_mb is not None
    assert outcome.usage.cpu_time_ms is not None
    assert (await outcome_of(functions, _config("later", value="grün"))).result == "grün"


async def test_what_a_function_prints_can_be_had_while_it_goes_on_and_is_of_no_later_call(
    functions: FunctionRunner, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    run = begin(functions, _config("print_around", fifo=str(fifo)))
    assert await run.next_piece(0) == Piece("one\n")
    await asyncio.to_thread(fifo.write_text, "")
    assert (await run.end()).metadata == {"stdout": "one\n", "stderr": "two\n"}
    again = begin(functions, _config("print_around", fifo=str(fifo), text="longer"))
    assert await again.next_piece(0) == Piece("longer\n")
    assert [tap.take() for tap in run.taps] == [None, None]
    await asyncio.to_thread(fifo.write_text, "")
    await again.end()


async def test_numbers_of_any_size_reach_the_function(functions: FunctionRunner) -> None:
    assert (await outcome_of(functions, _config("add", a=10**30))).result == 10**30 + 1


async def test_the_context_names_the_attempt_and_takes_progress(functions: FunctionRunner) -> None:
    run = begin(functions, _config("identity"))
    expected = [EXECUTION_ID, 3, JOB_ID, TENANT_ID, 3, INSTANT.isoformat()]
    assert (await run.end()).result == expected
    assert run.progress == [42]


async def test_the_environment_holds_nothing_of_the_workers_but_what_was_passed_on(functions: FunctionRunner) -> None:
    outcome = await outcome_of(functions, _config("environment"))
    assert isinstance(outcome.result, dict)
    assert {name for name in outcome.result if not name.startswith(("HOROLOG_", "LC_"))} == {"PATH"}


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (_config("add", module="no_such_module"), "MODULE_NOT_FOUND"),
        (_config("add", module="sample_functions.inner"), "MODULE_NOT_FOUND"),
        (_config("no_such_function"), "FUNCTION_NOT_FOUND"),
        (_config("FunctionContext"), "FUNCTION_NOT_FOUND"),
        (_config("add", c=1), "ARGUMENTS_INVALID"),
        (_config("unserializable"), "RESULT_NOT_JSON"),
        (_config("huge"), "RESULT_TOO_LARGE"),
    ],
)
async def test_what_cannot_work_is_invalid(functions: FunctionRunner, config: FunctionConfig, code: str) -> None:
    assert _verdict(await outcome_of(functions, config)) == (ErrorType.VALIDATION_ERROR, code)
    assert RESULT_BYTES_MAX < 300_000


@pytest.mark.parametrize(("name", "text"), [("fail", "nobody is home"), ("confused", "TypeError"), ("leave", "3")])
async def test_an_exception_is_the_users_error_with_its_stack(functions: FunctionRunner, name: str, text: str) -> None:
    outcome = await outcome_of(functions, _config(name))
    assert _verdict(outcome) == (ErrorType.USER_ERROR, "EXCEPTION")
    assert text in failure_of(outcome).message
    assert f"in {name}" in (failure_of(outcome).stack or "")
    assert "function_host" not in (failure_of(outcome).stack or "")


async def test_what_is_printed_is_kept_with_the_call_that_printed_it(functions: FunctionRunner) -> None:
    assert (await outcome_of(functions, _config("talk"))).metadata == {"stdout": "hello\n", "stderr": "trouble\n"}
    assert (await outcome_of(functions, _config("nothing"))).metadata is None


async def test_processes_are_kept_warm_and_replaced_when_worn_out(functions: FunctionRunner) -> None:
    pids = [(await outcome_of(functions, _config("pid"))).result for _ in range(41)]
    assert len(set(map(str, pids[:40]))) == 1
    assert pids[40] != pids[0]


async def test_calls_at_the_same_time_run_in_different_processes(functions: FunctionRunner) -> None:
    runs = [begin(functions, _config("pid")) for _ in range(3)]
    assert len({str((await run.end()).result) for run in runs}) == 3


async def test_a_stopped_function_is_killed_with_all_that_it_started(functions: FunctionRunner) -> None:
    run = begin(functions, _config("hang"))
    await run.first_progress()
    run.stop(5.0)
    outcome = await run.end()
    assert _verdict(outcome) == (ErrorType.SYSTEM_ERROR, "WORKER_PROCESS_DIED")
    pids = [int(word) for word in str(field_of(outcome.metadata, "stdout")).split()]
    assert [is_alive(pid) for pid in pids] == [False, False]
    assert (await outcome_of(functions, _config("add", a=1))).result == 2


@pytest.mark.parametrize("name", ["die", "close_channel"])
async def test_a_function_that_breaks_its_process_breaks_no_other_call(functions: FunctionRunner, name: str) -> None:
    assert _verdict(await outcome_of(functions, _config(name))) == (ErrorType.SYSTEM_ERROR, "WORKER_PROCESS_DIED")
    assert (await outcome_of(functions, _config("add", a=1))).result == 2


async def test_a_process_that_dies_while_idle_is_not_used_again(functions: FunctionRunner) -> None:
    first = (await outcome_of(functions, _config("pid"))).result
    assert isinstance(first, int)
    run = begin(functions, _config("pid"))
    run.stop(0.0)
    await run.end()
    await until(lambda: not is_alive(first))
    assert (await outcome_of(functions, _config("pid"))).result != first
