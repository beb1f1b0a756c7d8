"""The arguments of the engine: pure, so that they can be read and tested as what they are.

Flags and values are one word each, joined by `=`: a value that looks like a flag is none.
Source: the reference pages of `docker run` and `podman-run(1)`; only what both have is used.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from horolog.adapters.containers.engine import Engine, Program

JOB = "/job"
"""Where a program runs that names no directory; the second of the two places, besides `/tmp`, that it may write to."""
NOBODY = 65_534
LABEL = "horolog.maker"
_HIDDEN_KB = 64


@dataclass(frozen=True, slots=True)
class Naming:
    """A container's name, and the maker that it is labelled with."""

    name: str
    maker: str


def container_name(maker: str, number: int, program: str) -> str:
    """A name that nobody else gives, by which the attempt can be told."""
    return f"{maker}-{number}-{re.sub('[^A-Za-z0-9_.-]', '-', program)[:100]}"


def run_arguments(
    engine: Engine, program: Program, naming: Naming, account: int | None, variables_fd: int, *, has_input: bool
) -> list[str]:
    """What `run` is called with.

    Raises:
        ValueError: the program's image is none of the operator's.
    """
    image = program.image or engine.images[0]
    if image not in engine.images:
        raise ValueError("the image is none that the operator has named")
    user = NOBODY if account is None else account
    return [
        *("run", "--rm", "--init", "--pull=never", "--log-driver=none"),
        *(f"--name={naming.name}", f"--label={LABEL}={naming.maker}"),
        *(["--interactive"] if has_input else []),
        f"--network={(engine.network if program.has_network else None) or 'none'}",
        *("--ipc=private", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
        f"--user={user}:{user}",
        *_bounds(engine),
        *(f"--ulimit={name.lower()}={value}:{value}" for name, value in program.limits.items()),
        *_places(engine),
        f"--workdir={program.directory or JOB}",
        f"--env-file=/proc/self/fd/{variables_fd}",
        f"--entrypoint={program.argv[0]}",
        image,
        *program.argv[1:],
    ]


def variables_text(program: Program) -> str:
    """The variables as the engine reads them from a file: on its command line anybody could read them.

    Raises:
        ValueError: one cannot be said there.
    """
    variables = {"HOME": JOB, **program.environment}
    if not all(map(_can_be_told, variables.values())):
        raise ValueError("a variable cannot be told in a line")
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def kill_arguments(name: str, signal_name: str) -> list[str]:
    """What sends a signal to a container's program."""
    return ["kill", f"--signal={signal_name}", name]


def remove_arguments(name: str) -> list[str]:
    """What ends a container, running or not, and leaves nothing of it."""
    return ["rm", "--force", name]


def list_arguments() -> list[str]:
    """What tells the names of all containers that some executor has made, one a line."""
    return ["ps", "--all", "--no-trunc", f"--filter=label={LABEL}", "--format={{.Names}}"]


def _can_be_told(value: str) -> bool:
    # Podman takes a value that begins with a quotation mark to go on in the lines below, until there is another.
    is_open = value[:1] in tuple("\"'`") and (len(value) == 1 or value[-1] != value[0])
    return not is_open and not set(value) & set("\n\r")


def _bounds(engine: Engine) -> Iterator[str]:
    # What is written to its own places is memory, too. As much memory and swap together as memory: no swap.
    memory = f"{engine.memory_mb + engine.tmp_mb}m"
    yield f"--memory={memory}"
    yield f"--memory-swap={memory}"
    yield f"--pids-limit={engine.process_count + 1}"  # One more for the first process, that of `--init`.
    if engine.cpus is not None:
        yield f"--cpus={engine.cpus:g}"
    yield f"--shm-size={engine.tmp_mb}m"


def _places(engine: Engine) -> Iterator[str]:
    for path in ("/tmp", JOB):  # noqa: S108 - of a container in which nobody else is
        yield f"--tmpfs={path}:rw,nosuid,nodev,exec,mode=1777,size={engine.tmp_mb}m"
    for path, kind in engine.places:
        if kind == "hidden":
            yield f"--tmpfs={path}:ro,nosuid,nodev,noexec,mode=0755,size={_HIDDEN_KB}k"
        else:
            yield f"--volume={path}:{path}:{'rw' if kind == 'writable' else 'ro'}"
