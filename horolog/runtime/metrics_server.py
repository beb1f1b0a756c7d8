"""The address at which a process is watched: `GET /metrics` for Prometheus, `/livez` and `/readyz` for whoever runs it.

`/livez` answers while the process turns, `/readyz` while each of its roles does its work (503 otherwise, with their
names). Nothing else is there.

Guarantee: serving them never ends or holds up the process. An address that cannot be had is told in one warning. What
is watched is looked at on the loop, where nothing of it changes meanwhile; the text is put together beside the loop,
one at a time. Connections, the size of a request and the time of an answer are
bounded, and whoever exceeds them is cut off.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from horolog.limits import METRICS_ANSWER_S_MAX, METRICS_CONNECTION_COUNT_MAX, METRICS_REQUEST_BYTES_MAX
from horolog.runtime.metrics import Metrics
from horolog.runtime.readiness import Readiness
from horolog.runtime.settings import MetricsAddress

_logger = logging.getLogger(__name__)

PATH, LIVE_PATH, READY_PATH = "/metrics", "/livez", "/readyz"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"
_Answer = tuple[str, str, bytes]


@asynccontextmanager
async def serving(
    metrics: Metrics, address: MetricsAddress | None, readiness: Readiness | None = None
) -> AsyncIterator[str | None]:
    """Serve the figures while the block runs; gives their URL, or None where they are not served."""
    if address is None:
        yield None
        return
    readiness = readiness or Readiness()
    metrics.watch_roles(readiness.standing)
    desk = _Desk(metrics, readiness)
    try:
        server = await asyncio.start_server(desk.serve, address.host, address.port, limit=METRICS_REQUEST_BYTES_MAX)
    except OSError as error:
        _logger.warning(
            "metrics are not served: %s:%d cannot be had (%s); give this process a PROMETHEUS_PORT of its own "
            "(0 takes a free one), or set METRICS_ENABLED=false",
            *(address.host, address.port, os.strerror(error.errno) if error.errno else error),
        )
        yield None
        return
    try:
        host, port = server.sockets[0].getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
        _logger.info("metrics are served at %s", url)
        yield url
    finally:
        server.close()
        await desk.close()


class _Desk:
    """Answers one request on each connection."""

    def __init__(self, metrics: Metrics, readiness: Readiness) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._rendering = asyncio.Lock()
        self._open: set[asyncio.Task[None]] = set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, unless there are too many."""
        if len(self._open) >= METRICS_CONNECTION_COUNT_MAX:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._exchange(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """Cut off whoever is still connected."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # With no room in the buffer, `drain` ends when all was taken over, and the time for that is bounded too.
        writer.transport.set_write_buffer_limits(0)
        try:
            async with asyncio.timeout(METRICS_ANSWER_S_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(*await self._answer(head)))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _logger.debug("a request for metrics was cut off")
        finally:
            writer.transport.abort()

    async def _answer(self, head: bytes) -> _Answer:
        line = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(line) != 3 or not line[2].startswith("HTTP/1."):
            return "400 Bad Request", _PLAIN, b"not HTTP/1\n"
        path = line[1].partition("?")[0]
        if path not in (PATH, LIVE_PATH, READY_PATH):
            return "404 Not Found", _PLAIN, b"only /metrics, /livez and /readyz are here\n"
        if line[0] != "GET":
            return "405 Method Not Allowed", _PLAIN, b"only GET is served\n"
        if path != PATH:
            return self._probed(path)
        async with self._rendering:
            self._metrics.look()
            return "200 OK", CONTENT_TYPE, await asyncio.to_thread(self._metrics.text)

    def _probed(self, path: str) -> _Answer:
        waiting = self._readiness.waiting() if path == READY_PATH else []
        if waiting:
            return "503 Service Unavailable", _PLAIN, f"not ready: {', '.join(waiting)}\n".encode()
        return "200 OK", _PLAIN, b"ready\n" if path == READY_PATH else b"alive\n"


def _response(status: str, content_type: str, body: bytes) -> bytes:
    allow = "Allow: GET\r\n" if status.startswith("405") else ""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{allow}"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
