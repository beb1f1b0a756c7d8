"""Functions that a function host is made to call; not a test."""

import asyncio
import mmap
import os
import signal
import subprocess
import sys
import threading
from typing import Any

from horolog.function import FunctionContext


def add(a: int, b: int = 1) -> int:
    return a + b


def print_around(fifo: str, text: str = "one") -> None:
    print(text)
    with open(fifo, encoding="utf-8") as waiting:
        waiting.read()
    print("two", file=sys.stderr)


def nothing() -> None:
    return None


async def later(value: str) -> str:
    await asyncio.sleep(0)
    return value


def identity(context: FunctionContext) -> list[Any]:
    context.progress(42.9)
    names = (context.execution_id, context.attempt, context.job_id, context.tenant_id, context.fencing_token)
    return [*names, context.scheduled_for.isoformat()]


def trace(context: FunctionContext) -> str | None:
    return context.traceparent


def environment() -> dict[str, str]:
    return dict(os.environ)


def fail() -> None:
    raise LookupError("nobody is home")


def confused() -> None:
    add("a", 1)  # type: ignore[arg-type] # the failure is what is wanted


def leave() -> None:
    sys.exit(3)


def unserializable() -> object:
    return object()


def huge() -> str:
    return "x" * 300_000


def talk() -> None:
    print("hello")
    print("trouble", file=sys.stderr)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def close_channel() -> None:
    os.close(3)


def hang(context: FunctionContext) -> None:
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print(os.getpid(), child.pid, flush=True)
    context.progress(1)
    threading.Event().wait()


def pid() -> int:
    return os.getpid()


def share_memory(mb: int) -> None:
    block = mmap.mmap(-1, mb << 20)
    for place in range(0, len(block), 4096):
        block[place] = 1
