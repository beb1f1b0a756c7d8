"""`python -m tests.campaign.forwarder PID FILE PORT…`: the only way out of the network namespace of that process.

It listens in there at 127.0.0.1 on the ports, and connects to the same ports out here. After SIGUSR1 it still carries
requests, and swallows every answer. SIGUSR2 ends that: it writes to the file how many bytes it swallowed, and cuts
every connection, whose streams have a hole now.
"""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaign.kernel import enter_network_of

CHUNK_BYTES = 65_536


@dataclass(slots=True)
class Forwarder:
    """Carries bytes both ways, or one way only."""

    swallows: bool = False
    swallowed_bytes: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def connect(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        try:
            answers, onwards = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, onwards}
        carrying = [asyncio.ensure_future(self._carry(reader, onwards, False))]
        carrying.append(asyncio.ensure_future(self._carry(answers, writer, True)))
        await asyncio.wait(carrying)
        self._writers -= {writer, onwards}

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, is_answer: bool) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                if is_answer and self.swallows:
                    self.swallowed_bytes += len(data)
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            return
        finally:
            sink.close()

    def cut(self) -> None:
        """Break every connection, and carry everything again."""
        self.swallows = False
        for writer in self._writers:
            writer.transport.abort()


def _listeners(pid: int, ports: list[int]) -> list[socket.socket]:
    enter_network_of(pid)
    listeners = [socket.create_server(("127.0.0.1", port), backlog=256) for port in ports]
    enter_network_of(os.getppid())
    return listeners


async def forward(pid: int, report: Path, ports: list[int]) -> None:
    """Forward until killed."""
    forwarder, loop = Forwarder(), asyncio.get_running_loop()

    def swallow() -> None:
        forwarder.swallows = True

    def end() -> None:
        report.write_text(str(forwarder.swallowed_bytes))
        forwarder.cut()

    loop.add_signal_handler(signal.SIGUSR1, swallow)
    loop.add_signal_handler(signal.SIGUSR2, end)
    for port, listener in zip(ports, _listeners(pid, ports), strict=True):

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port) -> None:
            await forwarder.connect(port, reader, writer)

        await asyncio.start_server(connect, sock=listener)
    loop.call_soon(report.write_text, "0")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(forward(int(sys.argv[1]), Path(sys.argv[2]), [int(port) for port in sys.argv[3:]]))
