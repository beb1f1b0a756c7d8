"""The port to the operating system's processes, and the identity that every program is given.

Its adapters are the spawner and the containers of `horolog.adapters`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.events.executions import Usage
from schemas.events.workers import TaskAssigned


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `limits` are names of resource limits without their RLIMIT_ prefix (getrlimit(2)).

    One that names no directory begins in a directory of its own. Without `has_network` it needs namespaces. In a
    container, `image` is what it is made of, and the first of the operator's when empty; `name` says whose it is.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    has_network: bool = True
    image: str = ""
    name: str = ""


class Ended(Protocol):
    """The end of a process tree.

    `exit_code` is the leader's, negative for a signal, None when it never ran; then `problem` is the step that
    failed (`fork`, `signals`, `session`, `group`, `files`, `account`, `box`, `limits`, `calls`, `directory`, `program`,
    `spawner`; `engine`, `image`, `environment` of a container) and `problem_errno` why, or 0.
    `is_out_of_memory`: all its processes together took more than they may.
    """

    @property
    def exit_code(self) -> int | None: ...
    @property
    def problem(self) -> str | None: ...
    @property
    def problem_errno(self) -> int: ...
    @property
    def memory_peak_mb(self) -> int | None: ...
    @property
    def cpu_time_ms(self) -> int | None: ...
    @property
    def is_out_of_memory(self) -> bool: ...


class Processes(Protocol):
    """Starts programs and ends their whole trees."""

    def start(self, program: Program, files: Sequence[int], on_end: Callable[[Ended], None]) -> Callable[[float], None]:
        """Run a program; `files` become its descriptors 1, 2, 3 … and may be closed as soon as this returns.

        `on_end` is called once, later, when nothing of the process tree is left. The returned function ends the
        tree: SIGTERM to the group, after so many seconds SIGKILL to everything; 0 kills at once.

        Raises:
            OSError: the means to run one more are used up.
        """
        ...

    async def close(self) -> None:
        """Kill everything that still runs; idempotent."""


def usage_of(ended: Ended) -> Usage:
    """What the tree used, as far as it is known."""
    return Usage(memory_peak_mb=ended.memory_peak_mb, cpu_time_ms=ended.cpu_time_ms)


def identity_of(task: TaskAssigned, traceparent: str | None) -> dict[str, str]:
    """The attempt's identity as environment variables; the attempt number is the fencing token."""
    traced = {} if traceparent is None else {"TRACEPARENT": traceparent}
    return {
        **traced,
        "HOROLOG_EXECUTION_ID": task.execution_id,
        "HOROLOG_ATTEMPT": str(task.attempt),
        "HOROLOG_FENCING_TOKEN": str(task.attempt),
        "HOROLOG_SCHEDULED_FOR": task.scheduled_for.isoformat(),
        "HOROLOG_JOB_ID": task.job_id,
        "HOROLOG_TENANT_ID": task.tenant_id,
    }
