"""A port that speaks TLS, with a server behind it whose wheel was built without."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from struct import pack

from horolog.runtime.tls import server_context
from tests.integration.tls.certificates import Authority

SSL_REQUEST = pack("!ii", 8, 80877103)
"""How a client of PostgreSQL asks whether TLS is spoken (its documentation, section 54.7: SSLRequest)."""


@asynccontextmanager
async def behind_tls(socket_path: str, owner: str, ours: Authority, *, is_asked_first: bool) -> AsyncIterator[int]:
    """The port; with `is_asked_first`, TLS begins once a client has asked for it as clients of PostgreSQL do."""
    context = server_context(replace(ours.issue(owner), authorities=None), "X")
    context.set_alpn_protocols(["postgresql"])
    passing: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing.add(asyncio.create_task(_pass_on(reader, writer, socket_path, context if is_asked_first else None)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=None if is_asked_first else context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, socket_path: str, context: ssl.SSLContext | None
) -> None:
    if context is not None:
        assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
        writer.write(b"S")
        await writer.start_tls(context)
    from_server, to_server = await asyncio.open_unix_connection(socket_path)
    await asyncio.gather(_copy(reader, to_server), _copy(from_server, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()
