"""What a hostile program tries, run as the best level runs it: with an account of its own, and with the executor's."""

import asyncio
import contextlib
import errno
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from horolog.adapters.spawner.client import Spawner
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, Network
from services.executor.composition import Apartness, keep_apart
from services.executor.isolation_settings import GroupUse, IsolationSettings
from services.executor.outcome import Outcome
from services.executor.runners.command import CommandRunner
from tests.integration.executor.watching import (
    ACCOUNTS,
    Watching,
    begin,
    failure_of,
    field_of,
    is_alive,
    outcome_of,
    own_variable,
    until,
)

SECRET = "the-secret-of-the-worker"
MEMORY_MB = 128
PROCESS_COUNT_MAX = 32
TMP_MB = 8
WAYS = (ACCOUNTS, range(0)) if ACCOUNTS else (ACCOUNTS,)


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """A directory of the worker that programs may read; they may write to its `out`, and its `home` is hidden."""
    path = tmp_path / "shown"
    path.mkdir(mode=0o755)
    (path / "file").write_text("of the worker")
    for name in ("home", "out"):
        (path / name).mkdir()
        (path / name).chmod(0o777)
    (path / "home" / "secret").write_text(SECRET)
    return path


async def _apartness(accounts: range, shown: Path) -> Apartness:
    """Namespaces, as they are found on this machine. Where there are none these tests fail: nothing would be held."""
    settings = IsolationSettings(
        demanded=Isolation.NAMESPACES,
        memory_mb=MEMORY_MB,
        process_count_max=PROCESS_COUNT_MAX,
        tmp_mb=TMP_MB,
        paths=((str(shown / "out"), True),),
        accounts=accounts,
        group_use=GroupUse.OFF,
    )
    return await keep_apart(settings, (str(shown),), (str(shown / "home"),))


@pytest.fixture(params=WAYS, ids=lambda accounts: "own account" if accounts else "executor's account")
async def apartness(request: pytest.FixtureRequest, shown: Path) -> Apartness:
    """As for an executor that is root, and as for one that is not."""
    return await _apartness(request.param, shown)


@contextlib.asynccontextmanager
async def _running(apartness: Apartness) -> AsyncIterator[CommandRunner]:
    spawner = Spawner(apartness.cells)
    yield CommandRunner(spawner, 100, {"PATH": os.environ["PATH"]}, None, apartness.limits)
    await spawner.close()


@pytest.fixture
async def commands(apartness: Apartness) -> AsyncIterator[CommandRunner]:
    """Runs commands in boxes."""
    async with _running(apartness) as commands:
        yield commands


def python(program: str, *args: str, **options: object) -> CommandConfig:
    return CommandConfig.model_validate(
        {"command": sys.executable, "args": ["-I", "-S", "-c", program, *args], **options}
    )


def shell(script: str, *args: str) -> CommandConfig:
    return CommandConfig(command="sh", args=("-c", script, "sh", *args))


def told(outcome: Outcome) -> str:
    assert outcome.failure is None, outcome
    return str(field_of(outcome.result, "stdout")).strip()


async def test_no_environment_but_its_own_can_be_read(commands: CommandRunner) -> None:
    script = "cat /proc/[0-9]*/environ /proc/$1/environ /proc/$2/environ 2>/dev/null | tr '\\0' '\\n'; true"
    seen = told(await outcome_of(commands, shell(script, str(os.getpid()), str(os.getppid()))))
    assert "HOROLOG_ATTEMPT=3" in seen
    assert own_variable() not in seen
    assert {line.partition("=")[0] for line in seen.splitlines()} <= {
        *("PATH", "HOME", "PWD", "SHLVL", "OLDPWD", "_", "HOROLOG_PROCESS_TREE", "HOROLOG_EXECUTION_ID"),
        *("HOROLOG_ATTEMPT", "HOROLOG_FENCING_TOKEN", "HOROLOG_SCHEDULED_FOR", "HOROLOG_JOB_ID", "HOROLOG_TENANT_ID"),
    }


async def test_only_its_own_processes_are_there(commands: CommandRunner) -> None:
    other = begin(commands, shell("echo ::horolog progress=1; sleep 1000"))
    await other.first_progress()
    program = "import os; print(os.getpid(), sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))"
    assert told(await outcome_of(commands, python(program))) == "2 [1, 2]"
    other.stop(0.0)
    await other.end()


async def test_nothing_of_another_attempts_files_is_there(commands: CommandRunner) -> None:
    script = (
        "for d in /tmp /var/tmp /dev/shm /job; do echo mine > $d/secret; done; echo ::horolog progress=1; sleep 1000"
    )
    other = begin(commands, shell(script))
    await other.first_progress()
    assert told(await outcome_of(commands, shell("cat /tmp/* /var/tmp/* /dev/shm/* /job/* 2>/dev/null; true"))) == ""
    other.stop(0.0)
    await other.end()


async def test_nothing_can_be_written_but_its_own_directories(commands: CommandRunner, shown: Path) -> None:
    """n8n CVE-2026-21877 (files that were written outside led to code that ran)."""
    places = ("/", "/usr", "/etc", "/dev", "/proc", str(shown))
    script = 'for d in "$@"; do touch "$d/mine" && echo "$d"; done 2>/dev/null; echo x > "$6/file"; cat "$6/file"; pwd'
    assert told(await outcome_of(commands, shell(script, *places))) == "of the worker/job"
    assert set(os.listdir(shown)) == {"file", "home", "out"}
    assert told(await outcome_of(commands, shell("for d in /job /tmp /dev/shm; do touch $d/x && echo $d; done"))) == (
        "/job\n/tmp\n/dev/shm"
    )


async def test_a_place_that_is_named_as_writable_can_be_written_to(commands: CommandRunner, shown: Path) -> None:
    assert told(await outcome_of(commands, shell('echo result > "$1/out/file"', str(shown)))) == ""
    assert (shown / "out" / "file").read_text() == "result\n"


async def test_what_is_hidden_is_empty_and_stays_so(commands: CommandRunner, shown: Path) -> None:
    script = 'cd "$1"; ls -A home; (touch home/mine; umount home) 2>/dev/null; ls -A home'
    assert told(await outcome_of(commands, shell(script, str(shown)))) == ""


async def test_a_link_leads_to_nothing_outside(commands: CommandRunner, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    script = 'ln -s "$1" out; ln -s /etc/hostname in; cat out; echo x > in; test -L in && echo ok'
    seen = told(await outcome_of(commands, shell(script, str(tmp_path / "secret"))))
    assert SECRET not in seen
    assert seen.splitlines()[-1] == "ok"


async def test_no_privilege_is_left_or_can_be_gained(commands: CommandRunner) -> None:
    script = "grep -E '^(CapPrm|CapEff|CapInh|CapAmb|NoNewPrivs)' /proc/self/status | tr -s '\\t ' ' '; id -u"
    *lines, user_id = told(await outcome_of(commands, shell(script))).splitlines()
    assert lines == [*(f"Cap{name}: 0000000000000000" for name in ("Inh", "Prm", "Eff", "Amb")), "NoNewPrivs: 1"]
    assert int(user_id) != 0


async def test_mounts_cannot_be_changed(commands: CommandRunner) -> None:
    script = "mount -o remount,rw,bind /usr || umount /usr || mount -t tmpfs none /job || echo refused"
    assert told(await outcome_of(commands, shell(script))) == "refused"


async def test_no_namespaces_can_be_made_and_no_keys_be_left(commands: CommandRunner) -> None:
    program = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def why(result): return 'done' if result >= 0 else os.strerror(ctypes.get_errno())\n"
        "number = {'x86_64': (56, 435, 248), 'aarch64': (220, 435, 217)}[os.uname().machine]\n"
        "print(why(libc.unshare(0x10000000)))\n"
        "print(why(libc.syscall(number[0], ctypes.c_ulong(0x10000011), None, None, None, None)))\n"
        "print(why(libc.syscall(number[1], None, 0)))\n"
        "print(why(libc.syscall(number[2], b'user', b'mine', b'secret', ctypes.c_size_t(6), -4)))\n"
    )
    refused = os.strerror(errno.EPERM)
    seen = told(await outcome_of(commands, python(program))).splitlines()
    assert seen == [refused, refused, os.strerror(errno.ENOSYS), refused]


async def test_programs_may_have_threads_and_children(commands: CommandRunner) -> None:
    program = (
        "import subprocess, threading\n"
        "thread = threading.Thread(target=lambda: print('thread', flush=True)); thread.start(); thread.join()\n"
        "subprocess.run(['echo', 'child'])\n"
    )
    assert told(await outcome_of(commands, CommandConfig(command=sys.executable, args=("-I", "-c", program)))) == (
        "thread\nchild"
    )


async def test_no_other_process_can_be_traced_or_signalled(commands: CommandRunner) -> None:
    program = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def attach(pid): return libc.ptrace(16, pid, 0, 0)\n"
        "def memory(pid):\n"
        "    try: open(f'/proc/{pid}/mem', 'rb')\n"
        "    except OSError: return -1\n"
        "def signal(pid):\n"
        "    try: os.kill(pid, 0)\n"
        "    except OSError: return -1\n"
        "others = [int(word) for word in sys.argv[1:]]\n"
        "print([act(pid) for pid in (1, *others) for act in (attach, memory)], [signal(pid) for pid in others])"
    )
    seen = told(await outcome_of(commands, python(program, str(os.getpid()), str(os.getppid()))))
    assert seen == "[-1, -1, -1, -1, -1, -1] [-1, -1]"


async def test_the_first_process_outlives_what_its_program_sends_it(commands: CommandRunner) -> None:
    script = "kill -9 1; kill -TERM 1; kill -9 -1 2>/dev/null; sleep 0.01; exit 7"
    outcome = await outcome_of(commands, shell(script))
    assert field_of(outcome.result, "exitCode") == 7


async def test_no_descriptor_of_the_worker_is_there(commands: CommandRunner) -> None:
    program = "import os; print(os.listdir('/proc/self/fd'), os.read(0, 1))"
    assert told(await outcome_of(commands, python(program))) == "['0', '1', '2', '3'] b''"


async def test_output_may_be_opened_anew(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, shell("echo out > /dev/stdout; echo err > /dev/stderr"))
    assert outcome.result == {"stdout": "out\n", "stderr": "err\n", "exitCode": 0}


async def test_a_fork_bomb_is_bounded_and_gone(shown: Path) -> None:
    program = (
        "import os, time\n"
        "count = 0\n"
        "try:\n"
        "    while True:\n"
        "        if os.fork() == 0: time.sleep(1000)\n"
        "        count += 1\n"
        "except OSError: print(count, flush=True)\n"
    )
    # The kernel counts nobody's processes whose account is root (setrlimit(2)), so that one is not among the ways here.
    async with _running(await _apartness(ACCOUNTS, shown)) as commands:
        count = int(told(await outcome_of(commands, python(program))))
        assert 1 <= count < PROCESS_COUNT_MAX
        assert told(await outcome_of(commands, shell("echo still"))) == "still"


async def test_memory_is_bounded(commands: CommandRunner) -> None:
    program = "try: bytearray(int(__import__('sys').argv[1]) << 20)\nexcept MemoryError: print('refused')"
    assert told(await outcome_of(commands, python(program, str(MEMORY_MB * 2)))) == "refused"
    assert told(await outcome_of(commands, python(program, str(MEMORY_MB // 2)))) == ""


async def test_ten_gigabytes_of_files_are_bounded(commands: CommandRunner) -> None:
    script = "head -c 10G /dev/zero > /job/big; head -c 10G /dev/zero > /tmp/big; du -xcm /job /tmp | tail -1"
    outcome = await outcome_of(commands, shell(script))
    assert int(told(outcome).split()[0]) <= TMP_MB


async def test_without_network_nothing_can_be_reached_and_with_it_the_machine_can(commands: CommandRunner) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = str(server.sockets[0].getsockname()[1])
        program = (
            "import socket, sys\n"
            "try: socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10); print('reached')\n"
            "except OSError as error: print(error.strerror)\n"
        )
        assert told(await outcome_of(commands, python(program, port))) == "reached"
        isolated = python(program, port, network=Network.NONE)
        assert told(await outcome_of(commands, isolated)) == "Network is unreachable"


def _pids_of(word: str) -> list[int]:
    """The processes of the machine that have this argument."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if word.encode() in Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0"):
                found.append(int(name))
    return found


def _sleeping(seconds: str) -> CommandConfig:
    return shell("setsid sleep $1 & (setsid env -i sleep $1 &) ; echo ::horolog progress=1; sleep $1", seconds)


async def _three_of(run: Watching, word: str) -> list[int]:
    await run.first_progress()
    await until(lambda: len([pid for pid in _pids_of(word) if _is_sleep(pid)]) == 3)
    return _pids_of(word)


def _is_sleep(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep")
    return False


async def test_what_left_the_session_ends_with_the_attempt(commands: CommandRunner) -> None:
    run = begin(commands, _sleeping("98701"))
    pids = await _three_of(run, "98701")
    run.stop(0.0)
    assert failure_of(await run.end()).code == "SIGNAL"
    assert [is_alive(pid) for pid in pids] == [False] * len(pids)


async def test_what_left_the_session_ends_soon_after_its_program(commands: CommandRunner) -> None:
    outcome = await outcome_of(commands, shell("setsid sleep 98702 & echo begun"))
    assert told(outcome) == "begun"
    assert _pids_of("98702") == []


async def test_a_spawner_that_is_killed_takes_everything_along(apartness: Apartness) -> None:
    spawner = Spawner(apartness.cells)
    commands = CommandRunner(spawner, 100, {"PATH": os.environ["PATH"]}, None, apartness.limits)
    run = begin(commands, _sleeping("98703"))
    pids = await _three_of(run, "98703")
    assert spawner.pid is not None
    os.kill(spawner.pid, signal.SIGKILL)
    assert failure_of(await run.end()).code == "SPAWN_FAILED"
    await until(lambda: not any(is_alive(pid) for pid in pids))
    await spawner.close()


async def test_a_program_may_clean_up_within_its_grace_and_no_longer(commands: CommandRunner) -> None:
    polite = begin(
        commands, shell("trap 'echo bye; exit 0' TERM; echo ::horolog progress=1; while :; do sleep 0.05; done")
    )
    await polite.first_progress()
    polite.stop(20.0)
    assert told(await polite.end()) == "bye"
    stubborn = begin(commands, shell("trap '' TERM; echo ::horolog progress=1; while :; do sleep 0.05; done"))
    await stubborn.first_progress()
    stubborn.stop(0.2)
    assert field_of((await stubborn.end()).result, "exitCode") == 128 + signal.SIGKILL


async def test_an_attempt_that_is_stopped_before_it_has_begun_ends_at_once(commands: CommandRunner) -> None:
    for grace_s in (1000.0, 0.0) * 10:
        run = begin(commands, CommandConfig(command="sleep", args=("1000",)))
        run.stop(grace_s)
        assert failure_of(await run.end()).code == "SIGNAL"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (CommandConfig(command="no-such-command"), "COMMAND_NOT_FOUND"),
        (CommandConfig(command="/etc/passwd"), "COMMAND_NOT_EXECUTABLE"),
        (CommandConfig(command="true", working_directory=tempfile.gettempdir() + "/elsewhere"), "WORKING_DIRECTORY"),
        (CommandConfig(command="false"), "EXIT_STATUS"),
    ],
)
async def test_how_it_ends_is_told_as_without_a_box(commands: CommandRunner, config: CommandConfig, code: str) -> None:
    assert failure_of(await outcome_of(commands, config)).code == code
