"""A gate at which runs wait: whoever connects to it is kept waiting until it is opened."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Gate:
    """Closed until `opened` is set; `port` is one of this machine."""

    port: int = 0
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def waiting(self) -> str:
        """The line of a shell that waits here."""
        wait = f"import socket; socket.create_connection(('127.0.0.1', {self.port})).recv(1)"
        return f'{sys.executable} -S -c "{wait}"'

    async def serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let somebody through once it is open."""
        await self.opened.wait()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def gate() -> AsyncIterator[Gate]:
    """A gate that is opened at the end, if not before."""
    closed = Gate()
    server = await asyncio.start_server(closed.serve, "127.0.0.1", 0)
    closed.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield closed
        finally:
            closed.opened.set()
