"""Commands: what they are given, how they end, and that nothing of them stays."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from horolog.adapters.spawner.client import Spawner
from horolog.limits import OUTPUT_BYTES_MAX
from schemas.jobs import CommandConfig, ErrorType
from services.executor.outcome import Outcome
from services.executor.runner import Piece
from services.executor.runners.command import CommandRunner
from tests.integration.executor.watching import (
    EXECUTION_ID,
    Watching,
    begin,
    failure_of,
    field_of,
    is_alive,
    outcome_of,
    task_of,
    until,
)


def _python(program: str, **options: object) -> CommandConfig:
    return CommandConfig.model_validate({"command": sys.executable, "args": ["-S", "-c", program], **options})


def _shell(script: str) -> CommandConfig:
    return CommandConfig(command="sh", args=("-c", script))


def _pids(outcome: Outcome) -> list[int]:
    return [int(word) for word in str(field_of(outcome.result, "stdout")).split()]


async def test_a_command_gets_its_arguments_unchanged_and_its_output_is_kept(commands: CommandRunner) -> None:
    """Rundeck CVE-2026-106056 (an option that left its quotes), Airflow CVE-2020-11978 and CVE-2022-40127: there is no
    shell, and nothing is filled in."""
    said = ("$HOME; ls", "*", "", "'; id; '", '"; id; "', "`id`", "$(id)", "&& id", "--help", "{{7*7}}", "%s", "\\x27")
    outcome = await outcome_of(commands, CommandConfig(command="printf", args=("%s|", *said)))
    assert outcome.failure is None
    assert outcome.result == {"stdout": "".join(f"{text}|" for text in said), "stderr": "", "exitCode": 0}
    assert outcome.usage.memory_peak_mb is not None
    assert outcome.usage.cpu_time_ms is not None


async def test_what_a_command_prints_can_be_had_while_it_goes_on(commands: CommandRunner, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    run = begin(commands, _shell(f"echo one; cat '{fifo}'; echo two >&2"))
    assert await run.next_piece(0) == Piece("one\n")
    await asyncio.to_thread(fifo.write_text, "")
    outcome = await run.end()
    assert outcome.result == {"stdout": "one\n", "stderr": "two\n", "exitCode": 0}
    assert [tap.take() for tap in run.taps] == [None, None]


async def test_the_environment_is_clean_and_names_the_attempt(commands: CommandRunner) -> None:
    config = CommandConfig(command="env", environment={"MINE": "1"}, working_directory="/tmp")
    lines = str(field_of((await outcome_of(commands, config)).result, "stdout")).splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert {f"HOROLOG_EXECUTION_ID={EXECUTION_ID}", "HOROLOG_FENCING_TOKEN=3", "MINE=1"} <= set(lines)
    assert {name for name in names if not name.startswith("HOROLOG_")} == {"MINE", "PATH"}


async def test_the_program_has_its_directory_an_empty_input_and_no_other_descriptor(commands: CommandRunner) -> None:
    program = "import os; print(os.getcwd(), repr(os.read(0, 1)), len(os.listdir('/proc/self/fd')))"
    outcome = await outcome_of(commands, _python(program, workingDirectory="/usr"))
    assert field_of(outcome.result, "stdout") == "/usr b'' 4\n"


@pytest.mark.parametrize(
    ("script", "code", "exit_code"), [("echo no >&2; exit 7", "EXIT_STATUS", 7), ("kill -9 $$", "SIGNAL", 137)]
)
async def test_a_bad_exit_is_the_users_error(commands: CommandRunner, script: str, code: str, exit_code: int) -> None:
    outcome = await outcome_of(commands, _shell(script))
    assert (failure_of(outcome).type, failure_of(outcome).code) == (ErrorType.USER_ERROR, code)
    assert field_of(outcome.result, "exitCode") == exit_code


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (CommandConfig(command="no-such-command"), "COMMAND_NOT_FOUND"),
        (CommandConfig(command="/etc/passwd"), "COMMAND_NOT_EXECUTABLE"),
        (CommandConfig(command="true", working_directory="/no/such"), "WORKING_DIRECTORY"),
    ],
)
async def test_a_command_that_cannot_run_is_invalid(commands: CommandRunner, config: CommandConfig, code: str) -> None:
    outcome = await outcome_of(commands, config)
    assert (failure_of(outcome).type, failure_of(outcome).code) == (ErrorType.VALIDATION_ERROR, code)


async def test_output_beyond_the_bound_is_read_and_dropped(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, _python("import os\nfor _ in range(50): os.write(1, b'x' * 65536)"))
    assert outcome.failure is None
    assert len(str(field_of(outcome.result, "stdout"))) == OUTPUT_BYTES_MAX
    assert outcome.metadata == {"stdoutTruncated": True}


async def test_a_command_reports_progress(commands: CommandRunner) -> None:
    run = begin(commands, _shell("echo ::horolog progress=42; echo done"))
    assert field_of((await run.end()).result, "stdout") == "done\n"
    assert run.progress == [42]


async def test_a_polite_command_may_clean_up_within_its_grace(commands: CommandRunner) -> None:
    script = "trap 'echo cleaned; exit 0' TERM; echo ::horolog progress=1; while :; do sleep 0.05; done"
    run = begin(commands, _shell(script))
    await run.first_progress()
    run.stop(20.0)
    assert field_of((await run.end()).result, "stdout") == "cleaned\n"


async def test_a_command_that_ignores_sigterm_is_killed_and_asking_again_does_not_spare_it(
    commands: CommandRunner,
) -> None:
    run = begin(commands, _shell("trap '' TERM; echo ::horolog progress=1; while :; do sleep 0.05; done"))
    await run.first_progress()
    run.stop(0.3)
    run.stop(1000.0)
    assert field_of((await run.end()).result, "exitCode") == 128 + signal.SIGKILL


async def test_a_command_that_is_stopped_before_it_has_begun_ends_at_once(commands: CommandRunner) -> None:
    for grace_s in (1000.0, 0.0) * 10:
        run = begin(commands, CommandConfig(command="sleep", args=("1000",)))
        run.stop(grace_s)
        assert failure_of(await run.end()).code == "SIGNAL"


@pytest.fixture
def ignored_hangup() -> Iterator[None]:
    """As nohup(1) starts a service."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_a_command_ignores_no_signal_whatever_its_service_does(
    ignored_hangup: None, commands: CommandRunner
) -> None:
    outcome = await outcome_of(commands, _shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"))
    words = str(field_of(outcome.result, "stdout")).split()
    # Signals 32 and up belong to the C library, which may have them ignored from before this process (signal(7)).
    assert [int(word, 16) & 0x7FFFFFFF for word in words[1::2]] == [0, 0]


async def test_what_left_the_session_ends_with_the_command(commands: CommandRunner) -> None:
    script = "setsid sh -c 'sleep 1000 & sleep 1000' & echo $!; echo ::horolog progress=1; sleep 1000"
    run = begin(commands, _shell(script))
    await run.first_progress()
    run.stop(0.0)
    pids = _pids(await run.end())
    assert pids
    assert not any(is_alive(pid) for pid in pids)


async def test_a_daemon_left_behind_by_a_finished_command_is_ended(commands: CommandRunner) -> None:
    program = (
        "import os, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(1000)\n"
    )
    # Many at a time: daemons that fork while the spawner looks for them are the ones that could be overlooked.
    runs = [begin(commands, _python(program)) for _ in range(20)]
    outcomes = [await run.end() for run in runs]
    assert [outcome.failure for outcome in outcomes] == [None] * 20
    assert not any(is_alive(pid) for outcome in outcomes for pid in _pids(outcome))


async def _leaving_something(commands: CommandRunner, folder: Path) -> tuple[Watching, int]:
    """A run that goes on, and the id of a process that has left its session."""
    told = folder / "pid"
    run = begin(commands, _shell(f"setsid sh -c 'echo $$ > {told}.new; mv {told}.new {told}; sleep 1000' & wait"))
    await until(told.exists)
    return run, int(told.read_text())


async def test_a_spawner_that_dies_takes_everything_along_and_is_replaced(
    commands: CommandRunner, spawner: Spawner, tmp_path: Path
) -> None:
    run, left_behind = await _leaving_something(commands, tmp_path)
    spawner_pid = spawner.pid
    assert spawner_pid is not None
    os.kill(spawner_pid, signal.SIGKILL)
    outcome = await run.end()
    assert (failure_of(outcome).type, failure_of(outcome).code) == (ErrorType.SYSTEM_ERROR, "SPAWN_FAILED")
    await until(lambda: not is_alive(left_behind))
    assert (await outcome_of(commands, CommandConfig(command="true"))).failure is None
    assert spawner.pid != spawner_pid


async def test_a_spawner_that_dies_takes_everything_along_once_that_can_be_looked_for(
    commands: CommandRunner, spawner: Spawner, tmp_path: Path
) -> None:
    run, left_behind = await _leaving_something(commands, tmp_path)
    spawner_pid, usual = spawner.pid, resource.getrlimit(resource.RLIMIT_NOFILE)
    assert spawner_pid is not None
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, usual[1]))
    try:
        os.kill(spawner_pid, signal.SIGKILL)
        await until(lambda: spawner.pid is None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert failure_of(await run.end()).code == "SPAWN_FAILED"
    assert not is_alive(left_behind)


async def test_closing_the_spawner_ends_all_that_runs(commands: CommandRunner, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    run = begin(commands, _shell(f"trap '' TERM; setsid sh -c 'echo $$ > {told}; sleep 1000' & wait"))
    await until(lambda: told.exists() and told.read_text().endswith("\n"))
    await commands.close()
    assert (await run.end()).failure is not None
    assert not is_alive(int(told.read_text()))


async def test_of_each_stream_no_more_is_kept_than_the_tenant_may_keep(commands: CommandRunner) -> None:
    watching = Watching()
    config = CommandConfig(command="/bin/sh", args=("-c", "printf 123456789; printf abcdefghi >&2"))
    commands.start(task_of(config).model_copy(update={"output_bytes_max": 4}), watching)
    outcome = await watching.end()
    assert (field_of(outcome.result, "stdout"), field_of(outcome.result, "stderr")) == ("1234", "abcd")
    assert outcome.metadata == {"stdoutTruncated": True, "stderrTruncated": True}
