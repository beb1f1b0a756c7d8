"""A container engine for tests: the few subcommands that executors use, and not one flag more. Not a test.

It really keeps programs apart, in this product's own boxes and control groups, and its containers live on without the
process that asked for them, as an engine's do. Every call is written down. What it cannot show is how Docker or Podman
understand the same arguments.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from horolog.adapters.groups import group
from horolog.adapters.groups.groups import Bounds, Groups
from horolog.adapters.groups.hierarchies import found_here
from horolog.adapters.spawner import kernel
from horolog.adapters.spawner.cells import Box
from horolog.adapters.spawner.child import fork_child
from services.executor.places import SYSTEM, arranged, python_places

ROOT = Path(__file__).resolve().parents[3]
FLAGS = {
    *("rm", "init", "pull", "log-driver", "name", "label", "interactive", "network", "ipc", "read-only", "cap-drop"),
    *("security-opt", "user", "memory", "memory-swap", "pids-limit", "cpus", "shm-size", "ulimit", "tmpfs", "volume"),
    *("workdir", "env-file", "entrypoint"),
}
FAILED_STATUS = 125
WITH_INPUT = 'exec "$@" <&3 3<&-'
Flags = dict[str, list[str]]


def main(state: Path) -> NoReturn:
    """Do what the command line says; `state` is where containers and calls are remembered."""
    call = json.dumps({"arguments": sys.argv[1:], "environment": sorted(os.environ)})
    with open(state / "calls", "a") as calls:
        calls.write(f"{call}\n")
    if (state / "fails").exists():
        _fail("the engine is not well")
    subcommand, *words = sys.argv[1:]
    does = {"run": _run, "kill": _kill, "rm": _remove, "ps": _list}
    sys.exit(does[subcommand](state / "containers", words) if subcommand in does else _fail("no such subcommand"))


def _fail(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(FAILED_STATUS)


def _run(containers: Path, words: Sequence[str]) -> int:
    flags: Flags = {}
    rest = list(words)
    while rest and rest[0].startswith("--"):
        name, _, value = rest.pop(0)[2:].partition("=")
        if name not in FLAGS:
            _fail(f"unknown flag: {name}")
        flags.setdefault(name, []).append(value)
    told_read, told_write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.close(told_read)
        os.write(told_write, str(_contain(containers / flags["name"][0], flags, rest[0], rest[1:])).encode())
        os._exit(0)
    os.close(told_write)
    return int(os.read(told_read, 10) or FAILED_STATUS)


def _contain(place: Path, flags: Flags, image: str, args: Sequence[str]) -> int:
    """Be the container's keeper until its program has ended; how it did."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    memory_mb, count = int(flags["memory"][0].removesuffix("m")), int(flags["pids-limit"][0])
    cpus = float(flags["cpus"][0]) if "cpus" in flags else None
    hierarchies = found_here()
    groups = Groups(hierarchies, Bounds(memory_mb, count, cpus))
    own = groups.open() if hierarchies else ()
    has_input = "interactive" in flags
    pid, status_fd = fork_child(_request(flags, image, args, own), (1, 2, 0) if has_input else (1, 2))
    place.write_text(str(pid))
    os.close(1)
    os.close(0)
    os.waitpid(pid, 0)
    word, *numbers = os.read(status_fd, 200).decode().split() or ["killed"]
    group.remove(own)
    groups.clear()
    place.unlink(missing_ok=True)
    if word == "ended":
        code = os.waitstatus_to_exitcode(int(numbers[0]))
        return code if code >= 0 else 128 - code
    print(f"{word} {numbers}", file=sys.stderr)
    return 137 if word == "killed" else 127


def _request(flags: Flags, image: str, args: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    shown = [volume.split(":") for volume in flags.get("volume", [])]
    own = {path: options for path, _, options in (text.partition(":") for text in flags["tmpfs"])}
    size_mb = int(own["/tmp"].partition("size=")[2].removesuffix("m"))
    places, links = arranged(
        (*SYSTEM, *python_places(), *(path for path, _, mode in shown if mode == "ro")),
        (path for path, _, mode in shown if mode == "rw"),
        (path for path in own if path not in ("/tmp", "/job")),
    )
    variables = dict(line.split("=", 1) for line in Path(flags["env-file"][0]).read_text().splitlines())
    argv = [flags["entrypoint"][0], *args]
    return {
        "argv": ["sh", "-c", WITH_INPUT, "sh", *argv] if "interactive" in flags else argv,
        "environment": {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "IMAGE": image} | variables,
        "directory": flags["workdir"][0],
        "limits": {name.upper(): int(value.split(":")[0]) for name, value in (u.split("=") for u in flags["ulimit"])},
        "account": int(flags["user"][0].split(":")[0]) if os.geteuid() == 0 else None,
        "box": asdict(Box(places, links, size_mb)),
        "groups": groups,
        "network": flags["network"] != ["none"],
    }


def _kill(containers: Path, words: Sequence[str]) -> int:
    how, name = words
    number = signal.Signals[f"SIG{how.removeprefix('--signal=')}"]
    try:
        pid = int((containers / name).read_text())
    except (FileNotFoundError, ValueError):
        print("no such container", file=sys.stderr)
        return 1
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return 0


def _remove(containers: Path, words: Sequence[str]) -> int:
    how, name = words
    if how != "--force":
        _fail("unknown flag")
    while (containers / name).exists():
        _kill(containers, ("--signal=KILL", name))
        os.sched_yield()
    return 0


def _list(containers: Path, words: Sequence[str]) -> int:
    if list(words) != ["--all", "--no-trunc", "--filter=label=horolog.maker", "--format={{.Names}}"]:
        _fail("unknown flag")
    print("\n".join(sorted(os.listdir(containers))))
    return 0
