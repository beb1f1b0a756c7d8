"""What a greedy program tries against the control group that it is in, with and without namespaces."""

import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import Hierarchy, found_here
from horolog.adapters.maker import maker_name
from horolog.adapters.spawner.client import Spawner
from horolog.runtime.settings_error import SettingsError
from schemas.events.workers import Resource
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, FunctionConfig
from services.executor.composition import Apartness, keep_apart
from services.executor.isolation_settings import GroupUse, IsolationSettings
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner, FunctionSettings
from tests.integration.executor.watching import ACCOUNTS, Watching, begin, failure_of, field_of, outcome_of, until

pytestmark = pytest.mark.control_groups
MEMORY_MB, TMP_MB = 64, 16
PROCESS_COUNT_MAX = 12
HERE = (str(Path(__file__).parent),)
ENVIRONMENT = {"PATH": os.environ["PATH"]}
TOGETHER = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        held = bytearray(b"x") * (40 << 20)
        time.sleep(1000)
try:
    os.wait()
except ChildProcessError:
    pass
"""
"""Four processes, none of which takes more than one may."""
SHARED = "import mmap; block = mmap.mmap(-1, 160 << 20)\nfor place in range(0, len(block), 4096): block[place] = 1"


SETTINGS = IsolationSettings(
    memory_mb=MEMORY_MB,
    tmp_mb=TMP_MB,
    process_count_max=PROCESS_COUNT_MAX,
    accounts=ACCOUNTS,
    group_use=GroupUse.REQUIRED,
    cpus=0.5,
)


def settings_with(demanded: Isolation, **changes: Any) -> IsolationSettings:
    return replace(SETTINGS, demanded=demanded, **changes)


@pytest.fixture(params=[Isolation.PROCESS, Isolation.NAMESPACES])
async def apartness(request: pytest.FixtureRequest) -> Apartness:
    """Groups on this machine, with either level."""
    return await keep_apart(settings_with(request.param), HERE, ())


@pytest.fixture
async def spawner(apartness: Apartness) -> AsyncIterator[Spawner]:
    """Starts programs in groups."""
    spawner = Spawner(apartness.cells)
    yield spawner
    await spawner.close()


@pytest.fixture
def commands(spawner: Spawner, apartness: Apartness) -> CommandRunner:
    """Runs commands in groups."""
    return CommandRunner(spawner, 100, ENVIRONMENT, None, apartness.limits)


def python(program: str) -> CommandConfig:
    return CommandConfig(command=sys.executable, args=("-I", "-S", "-c", program))


def homes() -> list[Path]:
    return [Path(home) for home in Groups(found_here(), Bounds(1, 1)).homes]


def groups_left() -> list[Path]:
    places = [place for home in homes() if home.is_dir() for place in home.iterdir()]
    return [place for place in places if place.is_dir() and place.name != "self"]


async def sleeping(commands: CommandRunner) -> Watching:
    """A program that hides from its parents and from its session."""
    script = "(setsid env -i sleep 98801 &); echo ::horolog progress=1; exec sleep 98801"
    run = begin(commands, CommandConfig(command="sh", args=("-c", script)))
    await run.first_progress()
    return run


async def test_everything_is_bounded_here(apartness: Apartness) -> None:
    assert (apartness.bounded, apartness.unbounded) == (tuple(Resource), None)


async def test_a_program_is_in_its_group_before_it_runs(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, CommandConfig(command="cat", args=("/proc/self/cgroup",)))
    seen = [line for line in str(field_of(outcome.result, "stdout")).splitlines() if f"/{maker_name()}/" in line]
    assert len(seen) == len(found_here())


@pytest.mark.parametrize("program", [TOGETHER, SHARED])
async def test_memory_taken_together_is_bounded_and_told_by_a_code(commands: CommandRunner, program: str) -> None:
    outcome = await outcome_of(commands, python(program))
    assert (failure_of(outcome).type, failure_of(outcome).code) == ("USER_ERROR", "MEMORY_EXCEEDED")
    assert (await outcome_of(commands, CommandConfig(command="true"))).failure is None


async def test_what_a_program_makes_of_a_killed_part_of_it_does_not_count(commands: CommandRunner) -> None:
    # In version 1 the kernel kills one process, and in version 2 all of the group.
    greedy = f"import os\nif os.fork() == 0:\n    exec({SHARED!r})\nos.wait()"
    assert failure_of(await outcome_of(commands, python(greedy))).code == "MEMORY_EXCEEDED"


async def test_one_process_is_refused_memory_before_the_group_is_full(commands: CommandRunner) -> None:
    program = "try: bytearray(b'x') * (128 << 20)\nexcept MemoryError: print('refused')"
    outcome = await outcome_of(commands, python(program))
    assert (outcome.failure, field_of(outcome.result, "stdout")) == (None, "refused\n")


async def test_processes_are_bounded_for_each_attempt_whatever_its_account() -> None:
    program = (
        "import os, time\ncount = 0\n"
        "try:\n    while count < 100:\n        if os.fork() == 0: time.sleep(1000)\n        count += 1\n"
        "except OSError: print(count, flush=True)\n"
    )
    apartness = await keep_apart(settings_with(Isolation.PROCESS, accounts=range(0)), (), ())
    spawner = Spawner(apartness.cells)
    commands = CommandRunner(spawner, 100, ENVIRONMENT, None, apartness.limits)
    outcome = await outcome_of(commands, python(program))
    assert field_of(outcome.result, "stdout") == f"{PROCESS_COUNT_MAX - 1}\n"
    await spawner.close()


async def test_cores_are_bounded() -> None:
    # So few that a busy machine gives more.
    apartness = await keep_apart(settings_with(Isolation.PROCESS, cpus=0.05), (), ())
    commands = CommandRunner(apartness.processes(), 100, ENVIRONMENT, None, apartness.limits)
    run = begin(commands, python("print('::horolog progress=1', flush=True)\nwhile True: pass"))
    await run.first_progress()

    def is_throttled() -> bool:
        told = [place / "cpu.stat" for place in groups_left() if (place / "cpu.stat").exists()]
        return any("nr_throttled" in text and "nr_throttled 0\n" not in text for text in map(Path.read_text, told))

    await until(is_throttled)
    run.stop(0.0)
    await run.end()
    await commands.close()


async def test_nothing_is_left_of_a_group_after_its_program(commands: CommandRunner) -> None:
    run = await sleeping(commands)
    assert len(groups_left()) == len(found_here())
    run.stop(0.0)
    await run.end()
    await until(lambda: groups_left() == [])


async def test_a_spawner_that_is_killed_leaves_no_group(commands: CommandRunner, spawner: Spawner) -> None:
    run = await sleeping(commands)
    assert spawner.pid is not None
    os.kill(spawner.pid, 9)
    assert failure_of(await run.end()).code == "SPAWN_FAILED"
    await until(lambda: groups_left() == [])


async def test_nothing_at_all_is_left_of_an_executor_that_ends(spawner: Spawner, commands: CommandRunner) -> None:
    await outcome_of(commands, CommandConfig(command="true"))
    await spawner.close()
    assert [home for home in homes() if home.exists()] == []


async def test_a_function_that_takes_too_much_fails_with_the_same_code(spawner: Spawner, apartness: Apartness) -> None:
    settings = FunctionSettings(1, 2, HERE, ENVIRONMENT, None, apartness.limits)
    functions = FunctionRunner(spawner, settings)
    config = FunctionConfig(module_path="sample_functions", function_name="share_memory", parameters={"mb": 160})
    assert failure_of(await outcome_of(functions, config)).code == "MEMORY_EXCEEDED"


NOWHERE = Hierarchy(2, "/no/such/group", ("memory", "pids", "cpu"))


@pytest.mark.parametrize(
    ("found", "why"), [([], "bounds memory and processes and cpu"), ([NOWHERE], "No such file or directory")]
)
async def test_groups_that_are_required_and_cannot_be_had_stop_the_start(found: list[Hierarchy], why: str) -> None:
    with pytest.raises(SettingsError, match=f"HOROLOG_CONTROL_GROUPS is required, .*{why}.*Delegate=yes"):
        await keep_apart(settings_with(Isolation.PROCESS), (), (), lambda: found)


async def test_groups_that_cannot_be_had_are_told_and_done_without() -> None:
    settings = settings_with(Isolation.PROCESS, group_use=GroupUse.AUTO)
    apartness = await keep_apart(settings, (), (), lambda: [NOWHERE])
    assert (apartness.bounded, apartness.level) == ((), Isolation.PROCESS)
    assert "No such file" in (apartness.unbounded or "")


async def test_groups_that_are_off_are_not_made() -> None:
    apartness = await keep_apart(settings_with(Isolation.PROCESS, group_use=GroupUse.OFF), (), ())
    assert (apartness.bounded, apartness.unbounded) == ((), None)
