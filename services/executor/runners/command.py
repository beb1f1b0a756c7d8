"""Command jobs: a program and its arguments, never a shell, in a process tree that ends with the attempt.

The program gets its attempt's identity as `HOROLOG_…` variables (and its trace as `TRACEPARENT`, where there are
traces), an empty standard input, and of the worker's own environment nothing but what the runner was told to pass on.
What it leaves running is killed once it has exited.

It may report how far it is by writing the line `::horolog progress=42` to its standard output.

The result is `{stdout, stderr, exitCode}`, each text cut after as much as the tenant may keep (then the metadata says
`stdoutTruncated` or `stderrTruncated`). Exit code 0 is success; a signal counts as 128 plus its number, as in a shell.
Where something was killed because all of the attempt together took more memory than it may, it has failed.
"""

import errno
import os
import signal
from collections.abc import Mapping

from pydantic import JsonValue

from schemas.events.executions import Failure
from schemas.events.output import OutputStream
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, ErrorType, Network
from services.executor.outcome import Outcome, failure, out_of_memory
from services.executor.processes import Ended, Processes, Program, identity_of, usage_of
from services.executor.runner import Stop, Watcher
from services.executor.runners.capture import Capture, both_captures
from services.executor.text import kept_bytes_max

_SHELL_SIGNAL_BASE = 128
_NOT_PASSABLE = "a variable has a line break, or an opening quotation mark: that cannot be passed into a container"
_UNUSABLE = {
    "directory": ("WORKING_DIRECTORY", "the working directory cannot be used"),
    "program": ("COMMAND_NOT_EXECUTABLE", "the command cannot be executed"),
    "image": ("IMAGE_NOT_ALLOWED", "the image is none of the worker's"),
    "environment": ("VARIABLE_NOT_PASSABLE", _NOT_PASSABLE),
}
_DEATHS = {
    "spawner": "the process that starts commands died",
    "engine": "the container engine could not run it, or was itself ended",
}
_SHORTAGES = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class CommandRunner:
    """Runs programs. `environment` is what they get of the worker's; `limits` are named as in `Program`."""

    warmth = None

    def __init__(
        self,
        processes: Processes,
        capacity: int,
        environment: Mapping[str, str],
        directory: str | None,
        limits: Mapping[str, int],
    ) -> None:
        self._processes = processes
        self._capacity = capacity
        self._environment = environment
        self._directory = directory
        self._limits = limits

    @property
    def capacity(self) -> int:
        return self._capacity

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        config = task.config
        if not isinstance(config, CommandConfig):
            raise TypeError("not a command task")
        program = Program(
            argv=(config.command, *config.args),
            environment={**self._environment, **(config.environment or {}), **identity_of(task, watcher.traceparent)},
            directory=config.working_directory or self._directory,
            limits={**self._limits, "CPU": _cpu_seconds(task)},
            has_network=config.network is Network.HOST,
            image=config.image or "",
            name=f"{task.execution_id}-{task.attempt}",
        )
        bytes_max = kept_bytes_max(task)
        stdout, stderr = both_captures(watcher.progressed, bytes_max)

        def on_end(ended: Ended) -> None:
            outcome = _outcome_of(config, ended, stdout, stderr)
            stdout.close()
            stderr.close()
            watcher.ended(outcome)

        try:
            stop = self._processes.start(program, (stdout.write_fd, stderr.write_fd), on_end)
        except OSError:
            stdout.close()
            stderr.close()
            raise
        else:
            watcher.prints(stdout.tap(OutputStream.STDOUT), stderr.tap(OutputStream.STDERR))
            return stop
        finally:
            stdout.handed_over()
            stderr.handed_over()

    async def close(self) -> None:
        await self._processes.close()


def _cpu_seconds(task: TaskAssigned) -> int:
    # A backstop: nothing can use more, since the timeout ends it, unless it escaped every other means.
    return (task.timeout_ms // 1000 + 1) * (os.cpu_count() or 1) + 1


def _outcome_of(config: CommandConfig, ended: Ended, stdout: Capture, stderr: Capture) -> Outcome:
    if ended.exit_code is None:
        return Outcome(failure=_not_run(config, ended))
    code = ended.exit_code if ended.exit_code >= 0 else _SHELL_SIGNAL_BASE - ended.exit_code
    result: JsonValue = {"stdout": stdout.take(), "stderr": stderr.take(), "exitCode": code}
    metadata: dict[str, JsonValue] = {
        name: True for name, capture in (("stdoutTruncated", stdout), ("stderrTruncated", stderr)) if capture.was_cut
    }
    return Outcome(
        failure=_failure_of(ended),
        result=result,
        metadata=metadata or None,
        usage=usage_of(ended),
    )


def _failure_of(ended: Ended) -> Failure | None:
    if ended.is_out_of_memory:
        # Whatever it made of that: a part of it was killed.
        return out_of_memory()
    return _bad_exit(ended.exit_code) if ended.exit_code else None


def _bad_exit(exit_code: int) -> Failure:
    if exit_code > 0:
        return failure(ErrorType.USER_ERROR, "EXIT_STATUS", f"the command exited with {exit_code}")
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = str(-exit_code)
    return failure(ErrorType.USER_ERROR, "SIGNAL", f"the command was killed by signal {name}")


def _not_run(config: CommandConfig, ended: Ended) -> Failure:
    why = os.strerror(ended.problem_errno) if ended.problem_errno else _DEATHS.get(ended.problem or "", "unknown")
    if ended.problem in _UNUSABLE and ended.problem_errno not in _SHORTAGES:
        code, what = _UNUSABLE[ended.problem]
        if ended.problem == "program" and ended.problem_errno == errno.ENOENT:
            code, what = "COMMAND_NOT_FOUND", f"there is no command {config.command!r}"
        return failure(ErrorType.VALIDATION_ERROR, code, f"{what}: {why}" if ended.problem_errno else what)
    return failure(ErrorType.SYSTEM_ERROR, "SPAWN_FAILED", f"the command could not be run: {why}")
