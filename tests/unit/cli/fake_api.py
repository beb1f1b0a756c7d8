"""An HTTP server in this process that answers as told and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

BASE = "/api/v1/scheduler"
JOB_ID = "6f1c1f7e-0000-4000-8000-000000000002"
LOST = -1
"""As a status: read the request, then close the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class FakeApi:
    """`tell` adds an answer to a method and path; the last one told stays. Query strings are not compared."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = field(default_factory=dict)

    def tell(self, method: str, path: str, body: Any, status: int = 200, **headers: str) -> None:
        """Answer so, after what was told before for the same method and path; what begins with `/api/` is whole."""
        place = path if path == "/health" or path.startswith("/api/") else BASE + path
        self._answers.setdefault((method, place), []).append((status, body, headers))

    def refuse(self, method: str, path: str, status: int, code: str) -> None:
        """Answer with an error of the API."""
        error = {"code": code, "message": "It was refused.", "details": {"field": "name"}}
        self.tell(method, path, {"error": error, "timestamp": "2026-01-01T00:00:00Z", "path": path}, status)

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """The next answer to a request."""
        self.asked.append(asked)
        told = self._answers.get((asked.method, asked.path.partition("?")[0]))
        if not told:
            return 404, {"error": {"code": "NOT_TOLD", "message": f"{asked.method} {asked.path}"}}, {}
        return told.pop(0) if len(told) > 1 else told[0]


@contextmanager
def fake_api() -> Iterator[FakeApi]:
    """A fake that listens on a free port of 127.0.0.1."""
    api = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(raw) if raw else None
            status, answer, extra = api.answer(Asked(self.command, self.path, headers, body))
            if status == LOST:
                self.close_connection = True
                return
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **extra}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names are the library's

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def job(**fields: Any) -> dict[str, Any]:
    """A job as the API answers it."""
    return {
        "id": JOB_ID,
        "name": "disk",
        "description": None,
        "status": "active",
        "cronExpression": "0 * * * * *",
        "timezone": "UTC",
        "jobType": "http",
        "config": {"url": "https://example.org", "method": "GET", "timeout": 30_000},
        "retryConfig": None,
        "timeout": 300,
        "priority": 0,
        "maxConcurrent": 1,
        "tags": ["a"],
        "nextExecutionAt": "2026-01-01T00:01:00Z",
        "executionCount": 3,
        "version": 4,
        **fields,
    }


def execution(number: int, status: str = "completed", **fields: Any) -> dict[str, Any]:
    """An execution as the API answers it."""
    return {
        "id": f"6f1c1f7e-0000-5000-8000-{number:012d}",
        "jobId": JOB_ID,
        "triggerType": "scheduled",
        "status": status,
        "reason": None,
        "progress": 0,
        "scheduledAt": f"2026-01-01T00:00:{number:02d}Z",
        "createdAt": f"2026-01-01T00:00:{number:02d}Z",
        "durationMs": 12 if status == "completed" else None,
        "attempt": 1,
        "retryCount": 0,
        "lateCount": 0,
        "errorType": None,
        "errorMessage": None,
        **fields,
    }
