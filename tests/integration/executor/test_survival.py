"""What is left of a worker's attempts when its process is killed, and of its memory when they write without end."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from horolog.adapters.spawner.cells import Cells
from horolog.adapters.spawner.client import Spawner
from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Outgoing, Place
from schemas.codec import headers_of
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, FunctionConfig
from schemas.topics import TASKS, WORKERS
from services.executor.composition import keep_apart, open_worker
from services.executor.runners.command import CommandRunner
from services.executor.settings import WorkerSettings
from tests.integration.executor.watching import ACCOUNTS, BEST, DEADLINE_S, begin, is_alive, outcome_of, task_of, until

_COMMAND = "sleep 1000 & setsid sleep 1000 & env -i setsid sleep 1000 & sleep 1000"
_SLEEP_COUNT = 5
_EXECUTOR = "import asyncio, tests.integration.executor.test_survival as test; asyncio.run(test.live_for_ever())"
_ACCOUNT_HOLDER = "import asyncio, tests.integration.executor.test_survival as test; asyncio.run(test.sleep_for_ever())"


async def sleep_for_ever() -> None:
    """A program that has an account and no namespaces; a test kills the process that has it run, and the spawner."""
    commands = CommandRunner(Spawner(Cells(None, ACCOUNTS)), 1, {"PATH": os.environ["PATH"]}, None, {})
    await begin(commands, CommandConfig(command="sleep", args=("1000",))).end()


async def live_for_ever() -> None:
    """A worker that runs a command and a function which never end; a test kills the process it runs in."""
    log = EmbeddedLog.open(None, SystemClock(), partition_count=1)
    settings = WorkerSettings(worker_id="worker-a", function_paths=(str(Path(__file__).parent),))
    apartness = await keep_apart(BEST, settings.function_paths, ())
    running = asyncio.create_task(open_worker(log, SystemClock(), settings, apartness).run(asyncio.Event()))
    reader = log.reader()
    reader.assign({Place(WORKERS.name, 0): 0})
    assert await reader.poll(1, DEADLINE_S)
    await _send(log, task_of(CommandConfig(command="sh", args=("-c", _COMMAND))))
    hang = task_of(FunctionConfig(module_path="sample_functions", function_name="hang"))
    await _send(log, hang.model_copy(update={"execution_id": hang.job_id}))
    await running


async def _send(log: EmbeddedLog, task: TaskAssigned) -> None:
    await log.append([Outgoing(TASKS.name, 0, b"", task.to_json(), headers_of(task, "test", task.not_before))])


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    family = {root}
    while grown := {pid for pid, parent in parents.items() if parent in family and pid not in family}:
        family |= grown
    return family - {root}


def _sleeps(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep")
    except (FileNotFoundError, ProcessLookupError):
        return False


def _begin_new_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_kib() -> int:
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


async def test_nothing_survives_an_executor_that_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    executor = await asyncio.create_subprocess_exec(sys.executable, "-c", _EXECUTOR, env=environment)
    try:
        await until(lambda: sum(map(_sleeps, _descendants(executor.pid))) >= _SLEEP_COUNT)
        family = _descendants(executor.pid)
    finally:
        os.kill(executor.pid, signal.SIGKILL)
        await executor.wait()
    await until(lambda: not any(is_alive(pid) for pid in family))


@pytest.mark.root
async def test_a_program_with_an_account_of_its_own_does_not_survive_executor_and_spawner() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    executor = await asyncio.create_subprocess_exec(sys.executable, "-c", _ACCOUNT_HOLDER, env=environment)
    try:
        await until(lambda: any(map(_sleeps, _descendants(executor.pid))))
        family = _descendants(executor.pid)
        (program,) = filter(_sleeps, family)
        assert os.stat(f"/proc/{program}").st_uid in ACCOUNTS
        # None of them has a moment to end the others.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (executor.pid, *family - {program}):
                os.kill(pid, number)
    finally:
        if executor.returncode is None:
            executor.kill()
        await executor.wait()
    await until(lambda: not is_alive(program))


async def test_a_gigabyte_of_output_does_not_grow_the_worker(commands: CommandRunner) -> None:
    await outcome_of(commands, CommandConfig(command="true"))
    _begin_new_peak()
    before = _peak_kib()
    outcome = await outcome_of(commands, CommandConfig(command="head", args=("-c", "1G", "/dev/zero")))
    assert outcome.failure is None
    assert json.dumps(outcome.metadata) == '{"stdoutTruncated": true}'
    assert _peak_kib() - before < 30_000
