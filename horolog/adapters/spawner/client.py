"""The executor's side of the spawner: starts programs, and tells when their process trees are gone."""

import asyncio
import collections
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import horolog
from horolog.adapters.spawner import tree
from horolog.adapters.spawner.cells import Cell, Cells

_MESSAGE_BYTES_MAX = 4096
_GONE_WAIT_S = 5.0
_KILL_ROUND_COUNT_MAX = 100
_LOOK_AGAIN_S = 0.5
_logger = logging.getLogger(__name__)


class Program(Protocol):
    """What to run. `limits` are names of resource limits without their RLIMIT_ prefix (getrlimit(2)).

    Only in a box can a program be without network, and only there, or with cells, it has a directory if it names none.
    """

    @property
    def argv(self) -> Sequence[str]: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    @property
    def directory(self) -> str | None: ...
    @property
    def limits(self) -> Mapping[str, int]: ...
    @property
    def has_network(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a process tree.

    `exit_code` is the leader's, negative for a signal, None when it never ran; then `problem` is the step that
    failed (`fork`, `signals`, `session`, `group`, `files`, `account`, `box`, `limits`, `calls`, `directory`, `program`,
    `spawner`) and `problem_errno` why.
    `memory_peak_mb` (MiB) is that of the largest process; `cpu_time_ms` counts the leader and what it waited for.
    `is_out_of_memory`: all of it together took more than its control group may, and something of it was killed.
    """

    exit_code: int | None = None
    problem: str | None = None
    problem_errno: int = 0
    memory_peak_mb: int | None = None
    cpu_time_ms: int | None = None
    is_out_of_memory: bool = False


class Spawner:
    """Starts programs through a spawner process, each in a cell of its own where there are `cells`; to be used from
    the event loop's thread only."""

    def __init__(self, cells: Cells | None = None, python: str = sys.executable) -> None:
        self._cells = cells
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._running: dict[int, tuple[Callable[[Ended], None], Cell]] = {}
        self._unsent: collections.deque[tuple[bytes, list[int]]] = collections.deque()
        self._started_count = 0
        self._gone = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The spawner's process id, while there is one."""
        return self._process.pid if self._process is not None else None

    def start(self, program: Program, files: Sequence[int], on_end: Callable[[Ended], None]) -> Callable[[float], None]:
        """Run a program; `files` become its descriptors 1, 2, 3 … and may be closed as soon as this returns.

        `on_end` is called once, later, when nothing of the process tree is left. The returned function ends the
        tree: SIGTERM to the group, after so many seconds SIGKILL to everything; 0 kills at once.

        Raises:
            OSError: there is no cell for it, or there are no descriptors.
        """
        channel = self._channel or self._launch()
        self._started_count += 1
        id_ = self._started_count
        cell = self._cells.open() if self._cells is not None else Cell()
        self._running[id_] = on_end, cell
        try:
            self._ask_for(channel, id_, _request(program, cell), files)
        except OSError:
            self._take_end(id_)
            raise
        return lambda grace_s: self._stop(id_, grace_s)

    def _ask_for(self, channel: socket.socket, id_: int, request: Mapping[str, object], files: Sequence[int]) -> None:
        request_fd = os.memfd_create("program", os.MFD_CLOEXEC)
        try:
            _write_all(request_fd, json.dumps(request).encode())
            self._send(channel, {"start": id_}, [request_fd, *files])
        finally:
            os.close(request_fd)

    async def close(self) -> None:
        """Kill everything that still runs, and the spawner; idempotent."""
        if self._process is None or self._channel is None:
            self._clear_cells()
            return
        process, gone = self._process, self._gone
        self._channel.shutdown(socket.SHUT_WR)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gone.wait(), _GONE_WAIT_S)
        if self._process is process:
            self._lost()
        self._clear_cells()

    def _clear_cells(self) -> None:
        if self._cells is not None:
            self._cells.clear()

    def _launch(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            passed = [theirs.fileno(), *(self._cells.held if self._cells is not None else ())]
            self._process = subprocess.Popen(
                [self._python, "-S", "-P", "-m", "horolog.adapters.spawner", *map(str, passed)],
                stdin=subprocess.DEVNULL,
                pass_fds=passed,
                env={"PYTHONPATH": str(Path(horolog.__file__).parent.parent)},
                start_new_session=True,
            )
        self._channel, self._gone = ours, asyncio.Event()
        asyncio.get_running_loop().add_reader(ours, self._readable)
        return ours

    def _stop(self, id_: int, grace_s: float) -> None:
        if id_ in self._running and self._channel is not None:
            self._send(self._channel, {"stop": id_, "grace": grace_s}, [])

    def _send(self, channel: socket.socket, message: Mapping[str, object], files: Sequence[int]) -> None:
        data = json.dumps(message).encode()
        if not self._unsent:
            try:
                _send_message(channel, data, files)
            except BlockingIOError:
                asyncio.get_running_loop().add_writer(channel, self._writable)
            except OSError:
                return  # The spawner is gone; its end of file ends all that was asked of it.
            else:
                return
        self._unsent.append((data, [os.dup(fd) for fd in files]))

    def _writable(self) -> None:
        channel = self._channel
        if channel is None:
            return
        with contextlib.suppress(OSError):
            while self._unsent:
                data, files = self._unsent[0]
                _send_message(channel, data, files)
                self._unsent.popleft()
                _close_all(files)
        if not self._unsent:
            asyncio.get_running_loop().remove_writer(channel)

    def _readable(self) -> None:
        channel = self._channel
        while channel is not None:
            try:
                data = channel.recv(_MESSAGE_BYTES_MAX)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            if not data:
                self._lost()
                return
            self._told(json.loads(data))

    def _told(self, end: dict[str, object]) -> None:
        on_end = self._take_end(_whole(end["id"]))
        if on_end is None:
            return
        problem = end.get("problem")
        if isinstance(problem, list):
            on_end(Ended(problem=str(problem[0]), problem_errno=_whole(problem[1])))
            return
        on_end(
            Ended(
                exit_code=_whole(end["status"]),
                memory_peak_mb=_whole(end["memory_mb"]),
                cpu_time_ms=_whole(end["cpu_ms"]),
                is_out_of_memory=end["out_of_memory"] is True,
            )
        )

    def _lost(self) -> None:
        """The spawner is gone: nothing of what it started may stay, and each is told as ended."""
        process, channel = self._process, self._channel
        self._process = self._channel = None
        self._gone.set()
        if process is None or channel is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(channel)
        loop.remove_writer(channel)
        channel.close()
        while self._unsent:
            _close_all(self._unsent.popleft()[1])
        process.kill()
        process.wait()
        self._clear_up(process.pid, list(self._running))

    def _clear_up(self, spawner_pid: int, ids: Sequence[int]) -> None:
        """Kill what a spawner that is gone had started, and tell of its end; later, while it cannot be looked for."""
        try:
            # Again, since what is killed may have forked meanwhile; not for ever, since the loop stands still here.
            for _ in range(_KILL_ROUND_COUNT_MAX):
                if not tree.kill_marked(f"{spawner_pid}."):
                    break
        except OSError as error:
            _logger.error("what a spawner left cannot be looked for, trying again: %s", error)
            asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._clear_up, spawner_pid, ids)
            return
        for id_ in ids:
            if (on_end := self._take_end(id_)) is not None:
                on_end(Ended(problem="spawner"))

    def _take_end(self, id_: int) -> Callable[[Ended], None] | None:
        """Whom to tell of the end of a program, of which nothing is left."""
        on_end, cell = self._running.pop(id_, (None, Cell()))
        if self._cells is not None:
            self._cells.close(cell)
        return on_end


def _request(program: Program, cell: Cell) -> dict[str, object]:
    return {
        "argv": list(program.argv),
        "environment": {**cell.environment, **program.environment},
        "directory": program.directory or cell.directory,
        "limits": dict(program.limits),
        "account": cell.account,
        "box": cell.box,
        "groups": list(cell.groups),
        "network": program.has_network,
    }


def _send_message(channel: socket.socket, data: bytes, files: Sequence[int]) -> None:
    if files:
        socket.send_fds(channel, [data], list(files))
    else:
        channel.send(data)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _close_all(files: Sequence[int]) -> None:
    for fd in files:
        os.close(fd)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
