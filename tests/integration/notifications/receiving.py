"""Servers of this machine that get what is sent, and keep it: one speaks HTTP, one SMTP."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer as it stands on the wire."""
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\n{told}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Hook:
    """Answers what it is told to, one after the other, then 200; while `held` is not set, it does not answer.

    With `tls` it speaks nothing else.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.got: list[Got] = []
        self.answers: list[bytes] = []
        self.arrived = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()
        self.port = 0

    @property
    def origin(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/hook"

    @property
    def ids(self) -> list[str]:
        return [got.headers["webhook-id"] for got in self.got]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.held.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.got.append(Got(head.split(" ")[1], headers, body))
            self.arrived.set()
            await self.held.wait()
            writer.write(self.answers.pop(0) if self.answers else OK)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # Who sends went away, or did not believe this server's certificate.
        finally:
            writer.close()


@dataclass
class MailBox:
    """A server of SMTP that takes one mail a connection. With `tls` it offers STARTTLS, and takes no mail without."""

    tls: ssl.SSLContext | None = None
    refusals: Mapping[str, str] = field(default_factory=dict)
    mails: list[tuple[list[str], str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer, self.tls is None)
        try:
            await session.talk()
        except (OSError, asyncio.IncompleteReadError):
            pass  # Who sends went away, or did not believe this server's certificate.
        finally:
            writer.close()


@dataclass
class _Session:
    """One conversation."""

    box: MailBox
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_safe: bool
    recipients: list[str] = field(default_factory=list)

    async def talk(self) -> None:
        await self._say("220 test")
        while line := (await self.reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "QUIT":
                await self._say("221 bye")
                return
            await self._take(verb, line)

    async def _take(self, verb: str, line: str) -> None:
        if verb == "EHLO":
            offers = "AUTH PLAIN" if self.is_safe else "STARTTLS"
            await self._say(f"250-test\r\n250 {offers}")
        elif verb == "STARTTLS" and self.box.tls is not None:
            await self._say("220 go on")
            await self.writer.start_tls(self.box.tls)
            self.is_safe = True
        elif not self.is_safe:
            await self._say("530 Must issue a STARTTLS command first")
        elif verb == "AUTH":
            self.box.logins.append(line)
            await self._say("235 welcome")
        elif verb == "RCPT":
            await self._recipient(line)
        elif verb == "DATA":
            await self._data()
        else:
            await self._say("250 ok")

    async def _recipient(self, line: str) -> None:
        address = line.partition("<")[2].partition(">")[0]
        refusal = self.box.refusals.get(address)
        if refusal is None:
            self.recipients.append(address)
        await self._say(refusal or "250 ok")

    async def _data(self) -> None:
        await self._say("354 go on")
        text = (await self.reader.readuntil(b"\r\n.\r\n")).decode()
        self.box.mails.append((self.recipients, text))
        await self._say("250 taken")

    async def _say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()
