"""What the forwarder does to the streams that it carries, one kind of harm at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.campaign.forwarder import DELAY_S, Forwarder, Harm

DEADLINE_S = 10.0
BROKEN = (ConnectionError, asyncio.IncompleteReadError)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1000):
            writer.write(data.upper())
    except ConnectionError:
        return
    finally:
        writer.close()


@asynccontextmanager
async def forwarding(harm: Harm) -> AsyncIterator[tuple[Forwarder, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A forwarder before a server that answers in capitals, and a connection through it that has been used once."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    target, forwarder, is_over = server.sockets[0].getsockname()[1], Forwarder(harm), asyncio.Event()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await forwarder.connect(target, reader, writer)
        is_over.set()

    way = await asyncio.start_server(connect, "127.0.0.1", 0)
    breaking = asyncio.create_task(forwarder.break_often())
    reader, writer = await asyncio.open_connection("127.0.0.1", way.sockets[0].getsockname()[1])
    async with asyncio.timeout(DEADLINE_S):
        writer.write(b"first")
        assert await reader.readexactly(5) == b"FIRST"
        yield forwarder, reader, writer
        writer.close()
        await is_over.wait()
    breaking.cancel()
    way.close()
    server.close()


@pytest.mark.parametrize(("harm", "count"), [(Harm.NO_REQUESTS, 6), (Harm.NO_ANSWERS, 6)])
async def test_what_is_swallowed_is_counted_and_its_connection_is_cut_in_the_end(harm: Harm, count: int) -> None:
    async with forwarding(harm) as (forwarder, reader, writer):
        forwarder.begin()
        writer.write(b"second")
        while forwarder.harmed_count < count:
            await asyncio.sleep(0)
        forwarder.end()
        with pytest.raises(BROKEN):
            await reader.readexactly(1)
        assert forwarder.harmed_count == count


async def test_what_is_delayed_comes_late_and_whole() -> None:
    async with forwarding(Harm.DELAY) as (forwarder, reader, writer):
        loop = asyncio.get_running_loop()
        forwarder.begin()
        began = loop.time()
        writer.write(b"second")
        assert await reader.readexactly(6) == b"SECOND"
        assert loop.time() - began >= 2 * DELAY_S[0]
        forwarder.end()
        writer.write(b"third")
        assert await reader.readexactly(5) == b"THIRD"
        assert forwarder.harmed_count == 12


async def test_connections_are_broken_only_while_that_is_the_harm_that_is_done() -> None:
    async with forwarding(Harm.BREAK) as (forwarder, reader, _):
        assert forwarder.harmed_count == 0
        forwarder.begin()
        with pytest.raises(BROKEN):
            await reader.readexactly(1)
        assert forwarder.harmed_count == 1
