"""Attempts in containers, with a stand-in for the engine that knows no flag but those that are meant."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from horolog.adapters.containers.containers import Containers, Ended
from horolog.adapters.containers.engine import Engine
from horolog.adapters.maker import maker_name
from horolog.runtime.settings_error import SettingsError
from schemas.events.results import SuccessReported
from schemas.events.workers import Resource, WorkerBeat
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, FunctionConfig, Network
from services.executor.composition import PASSED_TO_ENGINE, Apartness, keep_apart
from services.executor.isolation_settings import IsolationSettings
from services.executor.processes import Program
from services.executor.runners.command import CommandRunner
from tests.integration.executor.engine_at_hand import IMAGES, EngineAtHand, engine_in
from tests.integration.executor.test_whole_worker import working
from tests.integration.executor.watching import (
    ACCOUNTS,
    DEADLINE_S,
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

SETTINGS = IsolationSettings(memory_mb=128, tmp_mb=16, process_count_max=32, accounts=ACCOUNTS, cpus=1.0)
EXECUTOR = """
import asyncio, os, sys
from horolog.adapters.containers.containers import Containers
from horolog.adapters.containers.engine import Engine
from services.executor.processes import Program
async def main():
    engine = Engine(sys.argv[1], ("horolog:1",), 128, 16, 32, environment={"PATH": os.environ["PATH"]})
    program = Program(("sh", "-c", "echo begun; exec sleep 1000"), {}, None, {"CORE": 0}, name="left")
    Containers(engine).start(program, (1, 2), print)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def engine(tmp_path: Path) -> EngineAtHand:
    """An engine that works."""
    return engine_in(tmp_path / "engine")


@pytest.fixture
async def apartness(engine: EngineAtHand) -> Apartness:
    """How a worker with this engine isolates."""
    return await keep_apart(replace(SETTINGS, containers=engine.settings), (), ())


@pytest.fixture
async def commands(apartness: Apartness) -> AsyncIterator[CommandRunner]:
    """Runs commands in containers."""
    commands = CommandRunner(apartness.processes(), 100, {}, None, apartness.limits)
    yield commands
    await commands.close()


def shell(script: str, **options: object) -> CommandConfig:
    return CommandConfig.model_validate({"command": "sh", "args": ["-c", script], **options})


async def sleeping(commands: CommandRunner, script: str = "echo ::horolog progress=1; exec sleep 1000") -> Watching:
    run = begin(commands, shell(script))
    await run.first_progress()
    return run


async def test_the_level_is_reached_after_trials_that_the_engine_has_passed(
    apartness: Apartness, engine: EngineAtHand
) -> None:
    assert (apartness.level, apartness.shortcomings) == (Isolation.CONTAINER, ())
    assert (apartness.bounded, apartness.unbounded) == (tuple(Resource), None)
    assert len(engine.calls("run")) == 3
    assert engine.containers() == []


async def test_the_engine_is_called_with_these_words_and_no_others(
    commands: CommandRunner, engine: EngineAtHand
) -> None:
    await outcome_of(commands, CommandConfig(command="echo", args=("--privileged", "-v/:/host")))
    said = [re.sub(r"fd/\d+", "fd/N", word) for word in engine.calls("run")[-1]]
    user = ACCOUNTS[0] if ACCOUNTS else 65534
    assert said == [
        *("run", "--rm", "--init", "--pull=never", "--log-driver=none"),
        *(f"--name={maker_name()}-1-{EXECUTION_ID}-3", f"--label=horolog.maker={maker_name()}", "--network=none"),
        *("--ipc=private", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
        *(f"--user={user}:{user}", "--memory=144m", "--memory-swap=144m", "--pids-limit=33", "--cpus=1"),
        *("--shm-size=16m", "--ulimit=core=0:0", "--ulimit=nofile=1024:1024", "--ulimit=fsize=1073741824:1073741824"),
        *("--ulimit=data=134217728:134217728", f"--ulimit=cpu={_cpu_seconds()}:{_cpu_seconds()}"),
        "--tmpfs=/tmp:rw,nosuid,nodev,exec,mode=1777,size=16m",
        "--tmpfs=/job:rw,nosuid,nodev,exec,mode=1777,size=16m",
        *("--workdir=/job", "--env-file=/proc/self/fd/N", "--entrypoint=echo", IMAGES[0], "--privileged", "-v/:/host"),
    ]


def _cpu_seconds() -> int:
    return 61 * (os.cpu_count() or 1) + 1


async def test_how_a_program_ends_is_told_as_on_other_levels(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, shell("echo out; echo err >&2; exit 7"))
    assert outcome.result == {"stdout": "out\n", "stderr": "err\n", "exitCode": 7}
    assert failure_of(outcome).code == "EXIT_STATUS"
    assert (await outcome_of(commands, shell('test -z "$(cat)"'))).failure is None


async def test_the_engine_sees_no_variable_of_the_executor_nor_of_a_job(
    commands: CommandRunner, engine: EngineAtHand
) -> None:
    outcome = await outcome_of(
        commands, shell("echo $DOCKER_HOST $HOROLOG_ATTEMPT", environment={"DOCKER_HOST": "x y"})
    )
    assert field_of(outcome.result, "stdout") == "x y 3\n"
    assert engine.seen_variables() <= {*PASSED_TO_ENGINE, "LC_CTYPE"}
    assert "DOCKER_HOST" in os.environ or "DOCKER_HOST" not in engine.seen_variables()
    assert not [word for call in engine.calls("run") for word in call if "x y" in word]


async def test_a_variable_with_a_line_break_fails_the_attempt(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, shell("true", environment={"KEY": "a\nDOCKER_HOST=evil"}))
    assert failure_of(outcome).code == "VARIABLE_NOT_PASSABLE"


async def test_of_the_operators_images_a_job_may_name_one(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, shell("echo $IMAGE", image=IMAGES[1]))
    assert field_of(outcome.result, "stdout") == f"{IMAGES[1]}\n"
    refused = await outcome_of(commands, shell("true", image="elsewhere/miner"))
    assert failure_of(refused).code == "IMAGE_NOT_ALLOWED"


async def test_a_network_is_had_only_where_operator_and_job_allow_it(engine: EngineAtHand) -> None:
    allowed = replace(engine.settings, network="jobs")
    apartness = await keep_apart(replace(SETTINGS, containers=allowed), (), ())
    commands = CommandRunner(apartness.processes(), 100, {}, None, apartness.limits)
    for network in (Network.HOST, Network.NONE):
        await outcome_of(commands, shell("true", network=network))
    said = [word for call in engine.calls("run") for word in call if word.startswith("--network")]
    assert said[-2:] == ["--network=jobs", "--network=none"]
    await commands.close()


async def test_what_is_killed_is_gone_by_its_name(commands: CommandRunner, engine: EngineAtHand) -> None:
    run = await sleeping(commands)
    [name] = engine.containers()
    assert EXECUTION_ID in name
    run.stop(0.0)
    assert field_of((await run.end()).result, "exitCode") == 128 + signal.SIGKILL
    assert engine.containers() == []
    assert {tuple(call) for call in engine.calls("kill")} == {("kill", "--signal=KILL", name)}


async def test_a_program_may_clean_up_within_its_grace_and_no_longer(commands: CommandRunner) -> None:
    loop = "echo ::horolog progress=1; while :; do sleep 0.05; done"
    polite = await sleeping(commands, f"trap 'echo bye; exit 0' TERM; {loop}")
    polite.stop(20.0)
    assert field_of((await polite.end()).result, "stdout") == "bye\n"
    stubborn = await sleeping(commands, f"trap '' TERM; {loop}")
    stubborn.stop(1000.0)
    stubborn.stop(0.1)
    assert field_of((await stubborn.end()).result, "exitCode") == 128 + signal.SIGKILL


async def test_what_is_stopped_before_it_has_begun_is_gone_too(commands: CommandRunner, engine: EngineAtHand) -> None:
    for grace_s in (0.0, 0.05):
        run = begin(commands, shell("exec sleep 1000"))
        run.stop(grace_s)
        await run.end()
        assert engine.containers() == []


async def test_nothing_is_left_of_a_worker_that_ends(commands: CommandRunner, engine: EngineAtHand) -> None:
    run = await sleeping(commands)
    await commands.close()
    await run.end()
    assert engine.containers() == []


async def test_an_engine_process_that_is_killed_takes_its_container_along(
    commands: CommandRunner, engine: EngineAtHand
) -> None:
    run = await sleeping(commands)
    [name] = engine.containers()
    [pid] = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _asked_for(pid, name)]
    os.kill(pid, signal.SIGKILL)
    assert failure_of(await run.end()).code == "SPAWN_FAILED"
    assert (engine.containers(), engine.calls("rm")) == ([], [["rm", "--force", name]])


def _asked_for(pid: int, name: str) -> bool:
    """Whether this is the engine's process of our own that waits for the container, and not what it has made."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return False
    return f"--name={name}".encode() in words and parent == os.getpid()


async def test_containers_of_an_executor_that_is_no_more_are_removed_at_the_start(engine: EngineAtHand) -> None:
    words = (sys.executable, "-c", EXECUTOR, engine.settings.engine)
    left = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert left.stdout is not None
    await left.stdout.readline()
    [name] = engine.containers()
    settings = replace(SETTINGS, containers=engine.settings)
    await keep_apart(settings, (), ())
    assert engine.containers() == [name]
    left.kill()
    await until(lambda: not is_alive(left.pid))
    assert engine.containers() == [name]
    await keep_apart(settings, (), ())
    assert engine.containers() == []
    await left.wait()


async def test_an_engine_that_fails_is_told_and_less_is_reached(engine: EngineAtHand) -> None:
    engine.fail()
    apartness = await keep_apart(replace(SETTINGS, containers=engine.settings), (), ())
    assert apartness.level is Isolation.NAMESPACES
    assert "container, with" in apartness.shortcomings[0]
    assert "the step engine failed: the engine is not well" in apartness.shortcomings[0]


async def test_a_container_that_is_demanded_of_an_engine_that_fails_stops_the_start(engine: EngineAtHand) -> None:
    nowhere = replace(engine.settings, engine=str(engine.state / "none"))
    with pytest.raises(SettingsError, match=r"by container: .*the step engine failed: No such file or directory"):
        await keep_apart(replace(SETTINGS, demanded=Isolation.CONTAINER, containers=nowhere), (), ())


async def test_an_engine_that_fails_later_fails_the_attempt(commands: CommandRunner, engine: EngineAtHand) -> None:
    engine.fail()
    failed = failure_of(await outcome_of(commands, shell("true")))
    assert (failed.type, failed.code) == ("SYSTEM_ERROR", "SPAWN_FAILED")
    assert "container engine" in failed.message


async def test_functions_of_a_whole_worker_run_in_containers(engine: EngineAtHand) -> None:
    async with working(replace(SETTINGS, containers=engine.settings)) as (colleague, _):
        assert (await colleague.hear(WorkerBeat)).isolation == Isolation.CONTAINER
        config = FunctionConfig(module_path="sample_functions", function_name="add", parameters={"a": 1})
        await colleague.send(task_of(config))
        assert (await colleague.hear(SuccessReported)).result == 2
        talking = FunctionConfig(module_path="sample_functions", function_name="talk")
        await colleague.send(task_of(talking, attempt=4))
        said = (await colleague.hear(SuccessReported)).metadata
        assert sorted(str(field_of(said, "stderr")).splitlines()) == ["hello", "trouble"]
    await until(lambda: engine.containers() == [])


async def test_every_end_is_told_once_and_an_image_of_nobody_is_none(engine: EngineAtHand) -> None:
    containers = Containers(Engine(engine.settings.engine, IMAGES, 128, 16, 32))
    ends: asyncio.Queue[Ended] = asyncio.Queue()
    containers.start(Program(("true",), {}, image="elsewhere"), (1, 2), ends.put_nowait)
    assert (await asyncio.wait_for(ends.get(), DEADLINE_S)).problem == "image"
    await containers.close()
    assert (ends.empty(), engine.calls("run")) == (True, [])
