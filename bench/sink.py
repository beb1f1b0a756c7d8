"""`python -m bench.sink`: the HTTP server that the HTTP jobs call, in a process of its own.

It prints its port and answers every request at once; it understands no more of HTTP than where a request ends.
"""

import asyncio
import sys

_ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(_ANSWER * data.count(b"\r\n\r\n"))
    except ConnectionResetError:
        return
    finally:
        writer.close()


async def serve() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
