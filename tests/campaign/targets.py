"""What the campaign's jobs run. Each target writes down by itself that it began and that it ended.

One line for each: `S` or `E`, the execution, the attempt, and the machine's wall clock in nanoseconds. Lines are
appended by single writes, so they survive the end of whoever wrote them, and those of many writers do not mix.
"""

import os
import threading
import time
from pathlib import Path
from typing import Any

from horolog.function import FunctionContext
from tests.campaign.evidence import Mark

FUNCTION_S = 0.05
HTTP_S = 0.2
COMMAND_S = 1.0
NS = 1_000_000_000
_SCRIPT = """printf 'S %s %s %s\\n' "$HOROLOG_EXECUTION_ID" "$HOROLOG_ATTEMPT" "$(date +%s%N)" >> "$0"
sleep "$1"
printf 'E %s %s %s\\n' "$HOROLOG_EXECUTION_ID" "$HOROLOG_ATTEMPT" "$(date +%s%N)" >> "$0"
"""


def append(path: str, phase: str, execution_id: str, attempt: int | str) -> None:
    """Write one line."""
    line = f"{phase} {execution_id} {attempt} {time.time_ns()}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def function(context: FunctionContext, path: str, hold_s: float) -> None:
    """The target of function jobs."""
    append(path, "S", context.execution_id, context.attempt)
    threading.Event().wait(hold_s)
    append(path, "E", context.execution_id, context.attempt)


def function_job(path: Path, hold_s: float = FUNCTION_S) -> dict[str, Any]:
    """Type and config of a job that calls `function`."""
    parameters = {"path": str(path), "hold_s": hold_s}
    config = {"modulePath": "tests.campaign.targets", "functionName": "function", "parameters": parameters}
    return {"jobType": "function", "config": config}


def command_job(path: Path) -> dict[str, Any]:
    """Type and config of a job that runs a shell script."""
    return {"jobType": "command", "config": {"command": "/bin/sh", "args": ["-c", _SCRIPT, str(path), str(COMMAND_S)]}}


def http_job(port: int) -> dict[str, Any]:
    """Type and config of a job that asks the server of `tests.campaign.http_target`."""
    return {"jobType": "http", "config": {"url": f"http://127.0.0.1:{port}/", "method": "GET"}}


def marks_of(path: Path) -> list[Mark]:
    """Everything that targets have written to this file."""
    lines = path.read_text().splitlines() if path.exists() else []
    fields = (line.split() for line in lines)
    return [Mark(phase, id_, int(attempt), int(at_ns) / NS) for phase, id_, attempt, at_ns in fields]
