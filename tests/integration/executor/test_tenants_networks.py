"""HTTP jobs go where their own tenant may go, over connections that no other tenant's list has opened."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from horolog.adapters.system import SystemClock
from horolog.limits import TENANT_POOL_COUNT_MAX
from schemas.jobs import HttpConfig
from services.executor.outcome import Outcome
from services.executor.runners.http import HttpRunner
from tests.integration.executor.watching import DEADLINE_S, Watching, failure_of, task_of

HERE, AROUND = "127.0.0.1/32", "127.0.0.0/8"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n0123456789"


@dataclass
class Listener:
    """A server that keeps its connections open, and counts them; and the worker's end of them."""

    runner: HttpRunner
    url: str = ""
    connection_count: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        self.serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """On the loopback address, with a worker that may call no network by itself."""
    found = Listener(HttpRunner(10, SystemClock()))
    server = await asyncio.start_server(found.connected, "127.0.0.1", 0)
    async with server:
        found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        yield found
        await found.runner.close()
        await asyncio.wait_for(asyncio.gather(*found.serving), DEADLINE_S)


async def called(listener: Listener, *allowed: str, kept: int | None = None) -> Outcome:
    """What comes of calling the server for a tenant that may call these networks."""
    watching = Watching()
    task = task_of(HttpConfig(url=listener.url, method="GET"))
    listener.runner.start(task.model_copy(update={"http_allowed": allowed, "output_bytes_max": kept}), watching)
    return await watching.end()


async def test_only_the_tenant_that_may_call_a_network_reaches_it(listener: Listener) -> None:
    assert failure_of(await called(listener)).code == "DESTINATION_FORBIDDEN"
    assert (await called(listener, HERE)).result == "0123456789"
    # A connection is open now, and is nobody else's.
    assert failure_of(await called(listener)).code == "DESTINATION_FORBIDDEN"
    assert failure_of(await called(listener, "10.0.0.0/8")).code == "DESTINATION_FORBIDDEN"
    assert listener.connection_count == 1


async def test_a_connection_serves_again_under_the_same_list_and_under_no_other(
    listener: Listener,
) -> None:
    for _ in range(3):
        await called(listener, HERE, "10.0.0.0/8")
        await called(listener, "10.0.0.0/8", HERE)
    assert listener.connection_count == 1
    await called(listener, AROUND)
    assert listener.connection_count == 2


async def test_however_many_lists_there_are_requests_are_sent_and_connections_are_given_up(
    listener: Listener,
) -> None:
    for number in range(TENANT_POOL_COUNT_MAX + 3):
        assert (await called(listener, HERE, f"10.0.{number}.0/24")).failure is None
    assert len(listener.runner._pools._kept) == TENANT_POOL_COUNT_MAX
    many = (called(listener, HERE, f"10.1.{number}.0/24") for number in range(TENANT_POOL_COUNT_MAX + 3))
    assert {outcome.failure for outcome in await asyncio.gather(*many)} == {None}


async def test_no_more_is_kept_of_an_answer_than_the_tenant_may_keep(listener: Listener) -> None:
    outcome = await called(listener, HERE, kept=4)
    assert outcome.result == "0123"
    assert outcome.metadata is not None
    assert outcome.metadata["truncated"] is True
