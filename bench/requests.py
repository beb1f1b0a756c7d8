"""As little of an HTTP client as the latency load needs, so that the client's own time does not count.

Connections are kept and reused, newest first; a new one is opened when none is idle. One that has been idle for long
is not trusted: the server may be about to close it. Answers must carry a Content-Length. Nothing is retried.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

IDLE_S_MAX = 2.0

Connection = tuple[float, asyncio.StreamReader, asyncio.StreamWriter]
"""When it was last used (the loop's time), and its two ends."""


@dataclass(slots=True)
class Requests:
    """Requests to one origin, as many at a time as are asked for."""

    url: str
    headers: Mapping[str, str]
    _idle: list[Connection] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: bytes = b"") -> int:
        """Send a request and read the whole answer; its status."""
        origin = urlsplit(self.url)
        reader, writer = self._kept() or await asyncio.open_connection(origin.hostname, origin.port)
        fields = {**self.headers, "Host": origin.netloc, "Content-Length": str(len(body))}
        if body:
            fields["Content-Type"] = "application/json"
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        known = dict(line.lower().split(": ", 1) for line in lines if line)
        await reader.readexactly(int(known["content-length"]))
        self._idle.append((asyncio.get_running_loop().time(), reader, writer))
        return int(status.split()[1])

    def close(self) -> None:
        """Close every idle connection."""
        for _, _, writer in self._idle:
            writer.close()
        self._idle.clear()

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection used last, if it is fresh; otherwise all are stale."""
        if not self._idle:
            return None
        used_at, reader, writer = self._idle.pop()
        if asyncio.get_running_loop().time() - used_at < IDLE_S_MAX:
            return reader, writer
        writer.close()
        self.close()
        return None
