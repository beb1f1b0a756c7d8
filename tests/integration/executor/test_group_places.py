"""Groups of version 2 as Linux makes them, and what is left of executors that died.

The controller is one that bounds nothing of a job: what matters is where processes are and may be. It has to be there
for these tests, and so has the right to make groups.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from horolog.adapters.groups import group
from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import Hierarchy, found_here
from horolog.adapters.maker import maker_name
from tests.integration.executor.watching import is_alive, until

pytestmark = pytest.mark.control_groups
BOUNDS = Bounds(64, 8)
EXECUTOR = """
import os, subprocess, sys
from horolog.adapters.groups import group
from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import Hierarchy
version, base, *controllers = sys.argv[1:]
if version == "2":
    group.enter([base])
groups = Groups([Hierarchy(int(version), base, tuple(controllers))], Bounds(64, 8))
[place] = groups.open()
program = subprocess.Popen(["sleep", "1000"], start_new_session=True, stdout=subprocess.DEVNULL,
    preexec_fn=lambda: group.enter([place]))
print(place, program.pid, flush=True)
if sys.stdin.readline():
    program.kill()
    program.wait()
    groups.clear()
    print(open("/proc/self/cgroup").read(), flush=True)
"""


def _top() -> Path:
    """Where version 2 is mounted."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return next(Path(line.split()[1]) for line in lines if line.split()[2] == "cgroup2")


OLD = [one for one in found_here() if one.version == 1][:1]
"""A hierarchy of version 1, where the machine has any."""


@contextlib.contextmanager
def _group_below(place: Path) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="test-of-horolog-", dir=place))
    yield path
    while not group.remove([str(path)]):
        group.kill([str(inner) for inner, _, _ in os.walk(path)])


@pytest.fixture
def base() -> Iterator[Path]:
    """A group of version 2 that is an executor's own to divide."""
    control = _top() / "cgroup.subtree_control"
    was_offered = _controller() in control.read_text()
    control.write_text(f"+{_controller()}")
    with _group_below(_top()) as path:
        yield path
    if not was_offered:
        control.write_text(f"-{_controller()}")


@pytest.fixture(params=[2, *(one.version for one in OLD)])
def hierarchy(request: pytest.FixtureRequest, base: Path) -> Iterator[Hierarchy]:
    """Such a group, in each version that the machine has."""
    if request.param == 2:
        yield Hierarchy(2, str(base), (_controller(),))
    else:
        with _group_below(Path(OLD[0].base)) as path:
            yield replace(OLD[0], base=str(path))


def _controller() -> str:
    return (_top() / "cgroup.controllers").read_text().split()[-1]


class Executor:
    """Another process that makes groups, and one program in one of them."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        words = (str(hierarchy.version), hierarchy.base, *hierarchy.controllers)
        self.process = subprocess.Popen(
            [sys.executable, "-c", EXECUTOR, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        place, pid = self.process.stdout.readline().split()
        self.place, self.pid = Path(place), int(pid)

    def clear(self) -> str:
        """Let it undo all that it made; its own groups then."""
        return self.process.communicate("clear\n", timeout=20)[0]

    def die(self) -> None:
        """As by SIGKILL, and its program lives on."""
        self.process.kill()
        self.process.communicate(timeout=20)


def test_an_executor_moves_aside_so_that_its_own_group_can_be_divided(base: Path) -> None:
    executor = Executor(Hierarchy(2, str(base), (_controller(),)))
    assert (base / "cgroup.procs").read_text() == ""
    home = executor.place.parent
    assert (home / "self" / "cgroup.procs").read_text() == f"{executor.process.pid}\n"
    assert (executor.place / "cgroup.procs").read_text() == f"{executor.pid}\n"
    assert _controller() in (home / "cgroup.subtree_control").read_text()
    assert f"0::/{base.relative_to(_top())}\n" in executor.clear()
    assert not home.exists()


def test_what_a_dead_executor_left_is_killed_and_removed(hierarchy: Hierarchy) -> None:
    executor = Executor(hierarchy)
    executor.die()
    assert is_alive(executor.pid)
    assert Groups([hierarchy], BOUNDS).remove_leftovers() == 1
    assert not is_alive(executor.pid)
    assert not executor.place.parent.exists()
    assert Groups([hierarchy], BOUNDS).remove_leftovers() == 0


def test_what_a_living_executor_has_is_left_alone(hierarchy: Hierarchy) -> None:
    executor = Executor(hierarchy)
    other = Path(hierarchy.base, "of-somebody-else")
    other.mkdir()
    assert Groups([hierarchy], BOUNDS).remove_leftovers() == 0
    assert is_alive(executor.pid)
    executor.clear()
    assert other.exists()


def test_a_group_of_version_two_is_killed_as_a_whole(base: Path) -> None:
    script = "for n in 1 2 3; do sleep 1000 & done; echo begun; wait"
    leader = subprocess.Popen(
        ["sh", "-c", f"echo 0 > {base}/cgroup.procs; {script}"], stdout=subprocess.PIPE, text=True
    )
    assert leader.stdout is not None
    leader.stdout.readline()
    assert len(group.members([str(base)])) == 4
    group.kill([str(base)])
    assert leader.wait(20) == -signal.SIGKILL
    leader.stdout.close()
    while group.members([str(base)]):
        os.sched_yield()


async def test_a_group_in_which_something_is_left_is_emptied_before_it_is_removed(base: Path) -> None:
    groups = Groups([Hierarchy(2, str(base), ())], BOUNDS)
    places = groups.open()
    assert Path(places[0]).parent == base / maker_name()
    program = await asyncio.create_subprocess_exec("sleep", "1000")
    group.write(places[0], "cgroup.procs", str(program.pid))
    groups.close(places)
    assert await program.wait() == -signal.SIGKILL
    await until(lambda: not Path(places[0]).exists())
    groups.clear()
    assert not (base / maker_name()).exists()
