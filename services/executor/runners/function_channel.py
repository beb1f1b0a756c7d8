"""The executor's end of one function host: one call at a time, and its answer.

Guarantee: every call that was made ends once: with the host's answer, or when the host is gone.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from horolog.limits import OUTPUT_BYTES_MAX, RESULT_BYTES_MAX
from schemas.events.executions import Failure, Usage
from schemas.events.output import OutputStream
from schemas.events.workers import TaskAssigned
from schemas.jobs import ErrorType, FunctionConfig
from services.executor.outcome import NO_USAGE, Outcome, failed, failure, out_of_memory
from services.executor.processes import Ended, Processes, Program
from services.executor.runner import Watcher
from services.executor.runners.capture import both_captures
from services.executor.text import cleaned, kept_bytes_max

_LENGTH_BYTES = 4
_READ_BYTES = 65_536
_MESSAGE_BYTES_MAX = RESULT_BYTES_MAX + 2 * OUTPUT_BYTES_MAX


class FunctionHost:
    """One host process; it serves no other call after one that was told to end.

    `on_free` is called when it can take the next call, `on_gone` when it never will again.
    """

    def __init__(
        self,
        processes: Processes,
        program: Program,
        on_free: Callable[["FunctionHost"], None],
        on_gone: Callable[["FunctionHost"], None],
    ) -> None:
        self._on_free = on_free
        self._on_gone = on_gone
        self.tenant_id: str | None = None
        """Whose functions it runs, once it has run any."""
        self._watcher: Watcher | None = None
        self._heeds = self._is_cancelled = False
        self._call_count = 0
        self._buffer = b""
        self._unsent = b""
        self._broken: str | None = None
        self._is_gone = False
        self._loop = asyncio.get_running_loop()
        self._stdout, self._stderr = both_captures()
        try:
            self._socket, self._stop = self._begun(processes, program)
        except OSError:
            self._stdout.close()
            self._stderr.close()
            raise
        finally:
            self._stdout.handed_over()
            self._stderr.handed_over()
        self._loop.add_reader(self._socket, self._readable)

    def _begun(self, processes: Processes, program: Program) -> tuple[socket.socket, Callable[[float], None]]:
        """The channel to the process, which has begun, and what ends it."""
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            with theirs:
                files = (self._stdout.write_fd, self._stderr.write_fd, theirs.fileno())
                return ours, processes.start(program, files, self._gone)
        except OSError:
            ours.close()
            raise

    def serves(self, tenant_id: str) -> bool:
        """Whether it may run functions of this tenant."""
        return self.tenant_id in (None, tenant_id)

    def call(self, task: TaskAssigned, config: FunctionConfig, watcher: Watcher) -> Callable[[float], None]:
        """Call a function; only while no other call is being made. The returned function ends it.

        A function that heeds the wish has its time for that; the host of any other is killed at once.
        """
        self._call_count += 1
        self._heeds = False
        self.tenant_id = task.tenant_id
        self._watcher = watcher
        self._stdout.bytes_max = self._stderr.bytes_max = kept_bytes_max(task)
        message = to_json(
            {
                "id": self._call_count,
                "module": config.module_path,
                "function": config.function_name,
                "registered": config.registered,
                "parameters": config.parameters or {},
                "context": {
                    "execution_id": task.execution_id,
                    "attempt": task.attempt,
                    "job_id": task.job_id,
                    "tenant_id": task.tenant_id,
                    "scheduled_for": task.scheduled_for,
                    "fencing_token": task.attempt,
                    **({} if watcher.traceparent is None else {"traceparent": watcher.traceparent}),
                },
            }
        )
        self._unsent += len(message).to_bytes(_LENGTH_BYTES, "big") + message
        self._send()
        watcher.prints(self._stdout.tap(OutputStream.STDOUT), self._stderr.tap(OutputStream.STDERR))
        return lambda grace_s: self._end(watcher, grace_s)

    def kill(self) -> None:
        """End the process and everything that it started."""
        self._stop(0.0)

    def _end(self, watcher: Watcher, grace_s: float) -> None:
        if self._watcher is not watcher:
            return
        self._is_cancelled = True
        self._stop(grace_s if self._heeds else 0.0)

    def retire(self) -> None:
        """Let the process end by itself; it takes no more calls."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # The host is dying; its end will end the call.
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        self._loop.remove_writer(self._socket)
        self._send()

    def _readable(self) -> bool:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket)
            self._break("it closed its channel")
            return False
        self._buffer += data
        while self._broken is None and (message := self._next_message()) is not None:
            self._told(message)
        return self._broken is None

    def _next_message(self) -> dict[str, Any] | None:
        length = int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
        if length > _MESSAGE_BYTES_MAX:
            self._break("it wrote what is not an answer")
            return None
        end = _LENGTH_BYTES + length
        if len(self._buffer) < max(end, _LENGTH_BYTES + 1):
            return None
        try:
            message = from_json(self._buffer[_LENGTH_BYTES:end])
        except ValueError:
            message = None
        self._buffer = self._buffer[end:]
        if not isinstance(message, dict):
            self._break("it wrote what is not an answer")
            return None
        return message

    def _told(self, message: dict[str, Any]) -> None:
        watcher = self._watcher
        if watcher is None or message.get("id") != self._call_count:
            return
        if isinstance(percent := message.get("progress"), int):
            watcher.progressed(percent)
            return
        if message.get("heeds") is True:
            self._heeds = True
            return
        try:
            outcome, is_worn_out = self._outcome_of(message), bool(message["worn_out"])
        except (KeyError, TypeError, ValueError):
            self._break("it wrote what is not an answer")
            return
        self._watcher = None
        if is_worn_out or self._is_cancelled:
            self.retire()
        elif not self._is_gone:
            self._on_free(self)
        watcher.ended(outcome)

    def _outcome_of(self, message: dict[str, Any]) -> Outcome:
        usage = Usage(memory_peak_mb=message["memory_mb"], cpu_time_ms=message["cpu_ms"])
        metadata = self._printed()
        if message["failure"] is not None:
            type_, code, text, stack = message["failure"]
            return Outcome(failure=failure(ErrorType(type_), code, text, stack=stack), metadata=metadata, usage=usage)
        result: JsonValue = message["result"]
        if result is not None:
            try:
                result = cleaned(result)
            except ValueError as error:
                return failed(ErrorType.VALIDATION_ERROR, "RESULT_NOT_JSON", f"the result is {error}", usage)
        return Outcome(result=result, metadata=metadata, usage=usage)

    def _printed(self) -> dict[str, JsonValue] | None:
        printed: dict[str, JsonValue] = {}
        for name, capture in (("stdout", self._stdout), ("stderr", self._stderr)):
            if text := capture.take():
                printed[name] = text
                if capture.was_cut:
                    printed[f"{name}Truncated"] = True
                    capture.was_cut = False
        return printed or None

    def _break(self, why: str) -> None:
        if self._broken is None:
            self._broken = why
            self.kill()

    def _gone(self, ended: Ended) -> None:
        self._is_gone = True
        while self._readable():
            pass
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        watcher, self._watcher = self._watcher, None
        self._on_gone(self)
        if watcher is not None:
            watcher.ended(Outcome(failure=_death(ended), metadata=self._printed(), usage=NO_USAGE))
        self._stdout.close()
        self._stderr.close()


def _death(ended: Ended) -> Failure:
    # Something that an earlier call started may have been killed before; what killed the process itself is told now.
    if ended.is_out_of_memory and ended.exit_code == -signal.SIGKILL:
        return out_of_memory()
    why = f"{ended.problem} failed" if ended.exit_code is None else f"exit status {ended.exit_code}"
    return failure(ErrorType.SYSTEM_ERROR, "WORKER_PROCESS_DIED", f"the function's process died: {why}")
