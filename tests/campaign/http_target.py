"""`python -m tests.campaign.http_target FILE PORT`: the server that HTTP jobs ask.

It writes to the file like every target. It understands requests without a body, and no more of them than the two
headers that name the attempt.
"""

import asyncio
import sys

from tests.campaign.targets import HTTP_S, append

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n" + b'{"ok":true}'


async def serve(path: str, port: int) -> None:
    """Serve until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _answer(path, await reader.readuntil(b"\r\n\r\n"), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


async def _answer(path: str, head: bytes, writer: asyncio.StreamWriter) -> None:
    lines = head.decode("latin-1").splitlines()[1:]
    fields = dict(line.lower().split(": ", 1) for line in lines if line)
    execution, attempt = fields["horolog-execution-id"], fields["horolog-attempt"]
    append(path, "S", execution, attempt)
    await asyncio.sleep(HTTP_S)
    append(path, "E", execution, attempt)
    writer.write(_ANSWER)
    await writer.drain()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
