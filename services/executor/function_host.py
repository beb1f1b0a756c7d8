"""A process that runs functions, one at a time: `python -m services.executor.function_host`.

It reads calls from descriptor 3 and answers there, each message with its length before it; what a function prints
goes to descriptors 1 and 2, which are pipes. In a container it reads calls from its standard input and answers on its
standard output, and all that a function prints goes to its error output. It imports little, so that it starts fast and
stays small.

Guarantee: every call is answered once, unless the process dies; a call is answered after whatever the function
printed was written. What it prints is written line by line, so that it can be told while the call goes on.
"""

import io
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from horolog.function import Cancellation, FunctionContext
from horolog.limits import RESULT_BYTES_MAX

CHANNEL_FD = 3
LENGTH_BYTES = 4
_READ_BYTES = 65_536
_STACK_LENGTH_MAX = 16_000
_RESET_PEAK = b"5"  # proc(5), /proc/pid/clear_refs
_RESIDENT_CHECK_CALL_COUNT = 64
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

Answer = dict[str, Any]


class Refused(Exception):
    """The call cannot be made as it was asked for; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Channel:
    """Messages over one descriptor, or over one in and one out."""

    def __init__(self, fd: int, out_fd: int | None = None) -> None:
        self._fd = fd
        self._out_fd = fd if out_fd is None else out_fd
        os.set_inheritable(self._fd, False)
        os.set_inheritable(self._out_fd, False)
        self._buffer = b""

    def receive(self) -> dict[str, Any] | None:
        """The next message; None once the other side has closed."""
        while len(self._buffer) < LENGTH_BYTES or len(self._buffer) < LENGTH_BYTES + self._length():
            data = os.read(self._fd, _READ_BYTES)
            if not data:
                return None
            self._buffer += data
        end = LENGTH_BYTES + self._length()
        message: dict[str, Any] = json.loads(self._buffer[LENGTH_BYTES:end])
        self._buffer = self._buffer[end:]
        return message

    def send(self, message: bytes) -> None:
        """Write one message."""
        data = len(message).to_bytes(LENGTH_BYTES, "big") + message
        while data:
            data = data[os.write(self._out_fd, data) :]

    def _length(self) -> int:
        return int.from_bytes(self._buffer[:LENGTH_BYTES], "big")


class Host:
    """Answers calls until the channel is closed. It asks to be replaced when it is worn out.

    `worker` names where registered functions are, if this host has any.
    """

    def __init__(self, channel: Channel, calls_max: int, resident_mb_max: int, worker: str | None = None) -> None:
        self._channel = channel
        self._worker = worker
        self._pid = os.getpid()
        self._cancellation: Cancellation | None = None
        self._functions: dict[tuple[str, str, bool], tuple[Callable[..., Any], bool]] = {}
        self._calls_max = calls_max
        self._resident_mb_max = resident_mb_max
        self._call_count = 0
        self._clear_refs_fd = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        self._statm_fd = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def serve(self) -> None:
        """Answer calls until the channel is closed."""
        while (call := self._channel.receive()) is not None:
            os.pwrite(self._clear_refs_fd, _RESET_PEAK, 0)
            cpu_before = _cpu_s()
            result, failure = self._answer(call)
            _flush()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            end = {
                "id": call["id"],
                "failure": failure,
                "memory_mb": -(-peak // 1024),
                "cpu_ms": round((_cpu_s() - cpu_before) * 1000),
                "worn_out": self._is_worn_out(),
            }
            self._channel.send(json.dumps(end).encode()[:-1] + b', "result": ' + result + b"}")

    def _answer(self, call: Mapping[str, Any]) -> tuple[bytes, list[str] | None]:
        try:
            function, wants_context = self._find(call["module"], call["function"], call["registered"])
            return _encoded(self._call(function, wants_context, call)), None
        except Refused as refused:
            return b"null", ["VALIDATION_ERROR", refused.code, str(refused), ""]
        except BaseException as error:  # noqa: BLE001 - whatever a function raises is its answer, SystemExit too
            return b"null", ["USER_ERROR", "EXCEPTION", _message(error), _stack(error)]

    def _find(self, module_path: str, name: str, is_registered: bool) -> tuple[Callable[..., Any], bool]:
        found = self._functions.get((module_path, name, is_registered))
        if found is None:
            look = self._registered if is_registered else self._imported
            function = look(module_path, name)
            found = self._functions[module_path, name, is_registered] = function, _wants_context(function)
        return found

    def _registered(self, module_path: str, name: str) -> Callable[..., Any]:
        from horolog.worker import worker_of  # noqa: PLC0415 - only where there is a worker

        if self._worker is None:
            raise Refused("FUNCTION_NOT_FOUND", "no function is registered here")
        function = worker_of(self._worker).functions.get(f"{module_path}.{name}")
        if function is None:
            raise Refused("FUNCTION_NOT_FOUND", f"no function is registered as {module_path}.{name}")
        return function

    def _imported(self, module_path: str, name: str) -> Callable[..., Any]:
        try:
            __import__(module_path)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_path}.".startswith(f"{error.name}."):
                raise
            raise Refused("MODULE_NOT_FOUND", f"there is no module {module_path}") from error
        function: Callable[..., Any] | None = getattr(sys.modules[module_path], name, None)
        if not callable(function) or isinstance(function, type):
            raise Refused("FUNCTION_NOT_FOUND", f"the module {module_path} has no function {name}")
        return function

    def _call(self, function: Callable[..., Any], wants_context: bool, call: Mapping[str, Any]) -> Any:
        arguments = call["parameters"]
        if wants_context:
            arguments = {**arguments, "context": self._context(call)}
        try:
            result = function(**arguments)
        except TypeError as error:
            # Without a frame below ours the function was never entered: its signature does not fit.
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise Refused("ARGUMENTS_INVALID", str(error)) from error
            raise
        if hasattr(result, "__await__"):
            import asyncio  # noqa: PLC0415 - most functions do not need it, and it takes 30 ms

            return asyncio.run(_awaited(result))
        return result

    def _context(self, call: Mapping[str, Any]) -> FunctionContext:
        from datetime import datetime  # noqa: PLC0415 - as above

        id_, told = call["id"], call["context"]

        def report(percent: int) -> None:
            self._channel.send(json.dumps({"id": id_, "progress": percent}).encode())

        self._cancellation = Cancellation(lambda: self._channel.send(json.dumps({"id": id_, "heeds": True}).encode()))
        signal.signal(signal.SIGTERM, self._cancel)
        return FunctionContext(
            **{**told, "scheduled_for": datetime.fromisoformat(told["scheduled_for"])},
            report_progress=report,
            cancellation=self._cancellation,
        )

    def _cancel(self, number: int, _: object) -> None:
        if os.getpid() != self._pid:
            # A process that the function has forked off is to end as any other does.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif self._cancellation is not None:
            self._cancellation.set()

    def _is_worn_out(self) -> bool:
        self._call_count += 1
        if self._call_count >= self._calls_max:
            return True
        if self._call_count % _RESIDENT_CHECK_CALL_COUNT:
            return False
        resident = int(os.pread(self._statm_fd, 100, 0).split()[1]) * _PAGE_BYTES >> 20
        return resident > self._resident_mb_max


async def _awaited(result: Any) -> Any:
    return await result


def _encoded(result: Any) -> bytes:
    if result is None:
        return b"null"
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("RESULT_NOT_JSON", f"the result is not JSON: {error}") from error
    data = text.encode(errors="replace")
    if len(data) > RESULT_BYTES_MAX:
        raise Refused("RESULT_TOO_LARGE", f"the result takes {len(data)} bytes, more than {RESULT_BYTES_MAX}")
    return data


def _wants_context(function: Callable[..., Any]) -> bool:
    from inspect import Parameter, signature  # noqa: PLC0415 - as above; once for each function

    try:
        parameter = signature(function).parameters.get("context")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind not in (Parameter.POSITIONAL_ONLY, Parameter.VAR_KEYWORD)


def _message(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:4000]


def _stack(error: BaseException) -> str:
    import traceback  # noqa: PLC0415 - as above

    # The first frames are this file's; the end of a stack says more than its beginning.
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))[-_STACK_LENGTH_MAX:]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue  # The function has put something else in its place, or closed it.


def _cpu_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _channel_on_stdio() -> Channel:
    """The channel, out of the way of whatever functions read and print."""
    channel = Channel(os.dup(0), os.dup(1))
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return channel


def main() -> NoReturn:
    """Serve with the settings that are the only argument, as JSON."""
    settings = json.loads(sys.argv[1])
    sys.argv[1:] = []
    os.environ.pop("PYTHONPATH", None)
    sys.path[0:0] = settings["paths"]
    # A function's own package called `services` must not be taken for ours.
    for name in [name for name in sys.modules if name.partition(".")[0] == "services"]:
        del sys.modules[name]
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The error output is so already.
        sys.stdout.reconfigure(line_buffering=True)
    channel = _channel_on_stdio() if settings["has_channel_on_stdio"] else Channel(CHANNEL_FD)
    Host(channel, settings["calls_max"], settings["resident_mb_max"], settings["worker"]).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
