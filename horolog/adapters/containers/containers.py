"""Starts programs in containers and ends them; to be used from the event loop's thread only.

A container goes RUNNING → (TERM sent, for as long as the grace) → KILL sent until the engine's `run` has ended. That is
what tells that nothing is left: the engine removes a container (`--rm`) with all that is in it.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from horolog.adapters.containers.arguments import (
    Naming,
    container_name,
    kill_arguments,
    list_arguments,
    remove_arguments,
    run_arguments,
    variables_text,
)
from horolog.adapters.containers.calls import call_engine
from horolog.adapters.containers.engine import Engine, Program
from horolog.adapters.maker import is_gone, maker_in, maker_name
from horolog.adapters.spawner.accounts import Accounts

ENGINE_FAILED_STATUS = 125
"""That of an engine that could not run what it was asked to; both take it for themselves."""
_KILL_STEP_S = 0.5
_KILL_S_MAX = 15.0
_WITH_CHANNEL_FILE_COUNT = 3


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a container. `exit_code` is the program's, None when the engine did not run it; then `problem` is
    `engine`, `environment` (it cannot be passed) or `image` (it is not the operator's). What it used is not told."""

    exit_code: int | None = None
    problem: str | None = None
    problem_errno: int = 0
    memory_peak_mb: int | None = None
    cpu_time_ms: int | None = None
    is_out_of_memory: bool = False


class _Run:
    """One container: when it is to be ended, and what becomes of its files."""

    def __init__(self, name: str, files: Sequence[int]) -> None:
        self.name = name
        self.files = [os.dup(fd) for fd in files]
        self.asked = asyncio.Event()
        self.kill_at = float("inf")

    def stop(self, grace_s: float) -> None:
        """End it. Asked again, the end may come sooner for it, never later."""
        self.kill_at = min(self.kill_at, asyncio.get_running_loop().time() + grace_s)
        self.asked.set()

    def close_files(self) -> None:
        while self.files:
            os.close(self.files.pop())


class Containers:
    """Runs programs, each in a container of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._maker = maker_name()
        self._accounts = Accounts(engine.accounts)
        self._running: dict[asyncio.Task[None], _Run] = {}
        self._started_count = 0

    def start(self, program: Program, files: Sequence[int], on_end: Callable[[Ended], None]) -> Callable[[float], None]:
        """Run a program; `files` become its output and its error output, and may be closed as soon as this returns.

        A third file becomes both its input and its output, in the place of the first; else its input is empty.
        `on_end` is called once, later, when the container is gone. The returned function ends it: SIGTERM, after so
        many seconds SIGKILL; 0 kills at once.

        Raises:
            OSError: there is no account for it, or no further file.
        """
        account = self._accounts.take()
        self._started_count += 1
        name = container_name(self._maker, self._started_count, program.name)
        try:
            run = _Run(name, files)
        except OSError:
            self._accounts.give_back(account)
            raise
        task = asyncio.get_running_loop().create_task(self._run(run, program, account, on_end))
        self._running[task] = run
        task.add_done_callback(self._running.pop)
        return run.stop

    async def close(self) -> None:
        """Kill everything that still runs; idempotent."""
        running = dict(self._running)
        for run in running.values():
            run.stop(0.0)
        if running:
            await asyncio.wait(running)

    async def remove_leftovers(self) -> int:
        """Kill and remove the containers of executors that are no more; returns how many there were."""
        names = (await self._call(list_arguments()) or "").split()
        left = [name for name in names if (maker := maker_in(name)) is not None and is_gone(maker)]
        for name in left:
            await self._call(kill_arguments(name, "KILL"))
            await self._call(remove_arguments(name))
        return len(left)

    async def _run(self, run: _Run, program: Program, account: int | None, on_end: Callable[[Ended], None]) -> None:
        try:
            ended = await self._ended(run, program, account)
        except OSError as error:
            ended = Ended(problem="engine", problem_errno=error.errno or 0)
        finally:
            run.close_files()
            self._accounts.give_back(account)
        on_end(ended)

    async def _ended(self, run: _Run, program: Program, account: int | None) -> Ended:
        try:
            text = variables_text(program)
        except ValueError:
            return Ended(problem="environment")
        variables_fd = os.memfd_create("variables", os.MFD_CLOEXEC)
        try:
            os.write(variables_fd, text.encode())
            os.lseek(variables_fd, 0, os.SEEK_SET)
            process = await self._launch(run, program, account, variables_fd)
        except ValueError:
            return Ended(problem="image")
        finally:
            os.close(variables_fd)
        run.close_files()
        status = await self._wait(run, process)
        if status < 0 or status == ENGINE_FAILED_STATUS:
            # The engine's process is gone, but perhaps not what it had begun.
            await self._call(remove_arguments(run.name))
            return Ended(problem="engine")
        return Ended(exit_code=status)

    async def _launch(
        self, run: _Run, program: Program, account: int | None, variables_fd: int
    ) -> asyncio.subprocess.Process:
        has_channel = len(run.files) == _WITH_CHANNEL_FILE_COUNT
        naming = Naming(run.name, self._maker)
        arguments = run_arguments(self._engine, program, naming, account, variables_fd, has_input=has_channel)
        return await asyncio.create_subprocess_exec(
            self._engine.executable,
            *arguments,
            stdin=run.files[2] if has_channel else asyncio.subprocess.DEVNULL,
            stdout=run.files[2] if has_channel else run.files[0],
            stderr=run.files[1],
            env=dict(self._engine.environment),
            pass_fds=(variables_fd,),
            start_new_session=True,
        )

    async def _wait(self, run: _Run, process: asyncio.subprocess.Process) -> int:
        loop = asyncio.get_running_loop()
        ending, asked = loop.create_task(process.wait()), loop.create_task(run.asked.wait())
        await asyncio.wait((ending, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not ending.done() and run.kill_at > loop.time():
            await self._call(kill_arguments(run.name, "TERM"))
            while not ending.done() and (rest := run.kill_at - loop.time()) > 0:
                # Looked at again, since it may have been asked to end sooner.
                await asyncio.wait((ending,), timeout=min(rest, _KILL_STEP_S))
        until = loop.time() + _KILL_S_MAX
        while not ending.done() and loop.time() < until:
            # It fails while the container is only being made: then it is repeated.
            await self._call(kill_arguments(run.name, "KILL"))
            await asyncio.wait((ending,), timeout=_KILL_STEP_S)
        if not ending.done():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return await ending

    async def _call(self, arguments: Sequence[str]) -> str | None:
        return await call_engine(self._engine.executable, arguments, self._engine.environment)
