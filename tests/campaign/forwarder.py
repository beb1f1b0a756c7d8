"""`python -m tests.campaign.forwarder PID FILE HARM PORT…`: the only way out of the network namespace of that process.

It listens in there at 127.0.0.1 on the ports, and connects to the same ports out here. From SIGUSR1 to SIGUSR2 it does
harm, of the kind that it was started for; then it writes to the file how much of it there was. What was swallowed
leaves a hole in its stream, so those connections are cut in the end.
"""

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

from tests.campaign.kernel import enter_network_of

CHUNK_BYTES = 65_536
DELAY_S = (0.05, 0.35)
"""How long each piece is under way, each anew: an answer is 0.1 to 0.7 s later, and pieces come in bursts."""
BREAK_S = (0.3, 1.5)
"""How long connections last."""


class Harm(StrEnum):
    """What is done to the streams: in number of bytes, or of connections."""

    NO_ANSWERS = "no-answers"
    NO_REQUESTS = "no-requests"
    DELAY = "delay"
    BREAK = "break"


@dataclass(slots=True)
class Forwarder:
    """Carries bytes both ways, and harms them for as long as it is told to."""

    harm: Harm
    is_harming: bool = False
    harmed_count: int = 0
    _random: Random = field(default_factory=lambda: Random(1))
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def connect(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        try:
            answers, onwards = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, onwards}
        carrying = [asyncio.ensure_future(self._carry(reader, onwards, Harm.NO_REQUESTS))]
        carrying.append(asyncio.ensure_future(self._carry(answers, writer, Harm.NO_ANSWERS)))
        await asyncio.wait(carrying)
        self._writers -= {writer, onwards}

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, swallowing: Harm) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                if await self._is_swallowed(len(data), swallowing):
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            return
        finally:
            sink.close()

    async def _is_swallowed(self, size: int, swallowing: Harm) -> bool:
        """Do the harm to a piece of this size; whether it goes no further."""
        if not self.is_harming or self.harm not in (swallowing, Harm.DELAY):
            return False
        self.harmed_count += size
        if self.harm is Harm.DELAY:
            await asyncio.sleep(self._random.uniform(*DELAY_S))
        return self.harm is not Harm.DELAY

    def begin(self) -> None:
        """Do harm from now on."""
        self.is_harming = True

    def end(self) -> None:
        """Carry everything again."""
        self.is_harming = False
        if self.harm is not Harm.DELAY:
            self._cut()

    def _cut(self) -> int:
        writers = list(self._writers)
        for writer in writers:
            writer.transport.abort()
        return len(writers) // 2

    async def break_often(self) -> None:
        """Break every connection again and again, while that is the harm that is done."""
        while True:
            await asyncio.sleep(self._random.uniform(*BREAK_S))
            if self.is_harming and self.harm is Harm.BREAK:
                self.harmed_count += self._cut()


def _listeners(pid: int, ports: list[int]) -> list[socket.socket]:
    enter_network_of(pid)
    listeners = [socket.create_server(("127.0.0.1", port), backlog=256) for port in ports]
    enter_network_of(os.getppid())
    return listeners


async def forward(pid: int, report: Path, harm: Harm, ports: list[int]) -> None:
    """Forward until killed."""
    forwarder, loop = Forwarder(harm), asyncio.get_running_loop()

    def end() -> None:
        report.write_text(str(forwarder.harmed_count))
        forwarder.end()

    loop.add_signal_handler(signal.SIGUSR1, forwarder.begin)
    loop.add_signal_handler(signal.SIGUSR2, end)
    for port, listener in zip(ports, _listeners(pid, ports), strict=True):

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port) -> None:
            await forwarder.connect(port, reader, writer)

        await asyncio.start_server(connect, sock=listener)
    loop.call_soon(report.write_text, "0")
    await forwarder.break_often()


if __name__ == "__main__":
    asyncio.run(forward(int(sys.argv[1]), Path(sys.argv[2]), Harm(sys.argv[3]), [int(port) for port in sys.argv[4:]]))
