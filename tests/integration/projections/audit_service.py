"""An audit service of the tests' own: it verifies what it is sent as its makers would, and answers as it is told."""

import asyncio
import hashlib
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from horolog.domain.audit import genesis
from horolog.domain.signing import signed
from tests.integration.projections.world import DEADLINE_S

SECRET = "2sJ0dNqv7mTjYx1cWq9KfR4uZb8LhGpE"
OK = "200 OK"
Chain = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document

    @property
    def id(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def chain(self) -> Chain:
        return self.document["tenant_id"], self.document["chain"]

    @property
    def seqs(self) -> list[int]:
        return [entry["seq"] for entry in self.document["entries"]]


def accept(_: Received) -> str:
    """The answer to everything."""
    return OK


@dataclass
class AuditService:
    """Takes batches. `script` are the next answers (status line, and headers after it), then `judge` gives them.

    While `gate` is closed, nothing is answered. `problems` are what the service would ring its bells for: a wrong
    signature, a hash that is not that of its entry, an entry that is neither the next one nor known.
    """

    url: str = ""
    script: deque[str] = field(default_factory=deque)
    judge: Callable[[Received], str] = accept
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[Received] = field(default_factory=list)
    taken: dict[Chain, list[dict[str, Any]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: Counter[Chain] = field(default_factory=Counter)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def taken_count(self) -> int:
        return sum(map(len, self.taken.values()))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until that is so."""
        async with asyncio.timeout(DEADLINE_S), self._news:
            await self._news.wait_for(holds)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await self._answer(await _request(reader), writer)
        writer.close()

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        self._at_once[received.chain] += 1
        self.most_at_once = max(self.most_at_once, self._at_once[received.chain])
        self.requests.append(received)
        await self._tell()
        await self.gate.wait()
        status = self.script.popleft() if self.script else self.judge(received)
        if status.startswith("2"):
            self._take(received)
        body = b"words of the service"
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        self._at_once[received.chain] -= 1
        await self._tell()
        await writer.drain()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _take(self, received: Received) -> None:
        at = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
        if not signed(SECRET, received.id, at, received.body).items() <= received.headers.items():
            self.problems.append("the signature is wrong")
        if received.document["batch_id"] != received.id:
            self.problems.append("the id is another one")
        known = self.taken.setdefault(received.chain, [])
        for entry in received.document["entries"]:
            self._take_entry(received.chain, known, entry)

    def _take_entry(self, chain: Chain, known: list[dict[str, Any]], entry: dict[str, Any]) -> None:
        told = {name: value for name, value in entry.items() if name != "record_hash"}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if hashlib.sha256(text.encode()).hexdigest() != entry["record_hash"]:
            self.problems.append(f"{chain}: the hash of entry {entry['seq']} is not its own")
        if entry in known:
            return
        previous = known[-1]["record_hash"] if known else genesis(*chain).record_hash
        if entry["seq"] != len(known) + 1 or entry["previous_hash"] != previous:
            self.problems.append(f"{chain}: entry {entry['seq']} came after {len(known)}")
        known.append(entry)


@asynccontextmanager
async def serving(port: int = 0, service: AuditService | None = None) -> AsyncIterator[AuditService]:
    """The service on the loopback address."""
    service = service or AuditService()
    service.gate.set()
    async with await asyncio.start_server(service.serve, "127.0.0.1", port) as server:
        service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/batches"
        yield service


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = (line.partition(": ") for line in head.split("\r\n")[1:] if line)
    headers = {name.lower(): value for name, _, value in fields}
    return Received(headers, await reader.readexactly(int(headers["content-length"])))
