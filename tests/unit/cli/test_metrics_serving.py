"""Every process serves its figures and tells whether it is ready while it runs, and runs without where it cannot."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts, run_roles
from horolog.log.embedded.log import EmbeddedLog
from horolog.runtime.settings import MetricsAddress, Settings

DEADLINE_S = 60.0
PAUSE_S = 0.02
PARTITION_COUNT = 2
NOBODY_LISTENS = "postgresql://u@127.0.0.1:1/d"


async def figures(port: int, path: str = "/metrics") -> str:
    """What the port serves; nothing while nobody listens."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return ""
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def shown(port: int, line: str, path: str = "/metrics") -> None:
    async with asyncio.timeout(DEADLINE_S):
        while line not in await figures(port, path):
            await asyncio.sleep(PAUSE_S)


async def parts_with(port: int) -> Parts:
    log = EmbeddedLog.open(None, SystemClock(), PARTITION_COUNT)
    await log.create_topics()
    settings = Settings(home=Path.cwd(), member="a", metrics=MetricsAddress("127.0.0.1", port))
    return Parts(settings, log, SystemClock(), RandomIds())


async def test_owners_are_shown_at_the_process_s_port_until_it_stops() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    parts, stop = await parts_with(port), asyncio.Event()
    running = asyncio.create_task(run_roles(parts, ("ticker", "dispatcher"), stop))
    for role in ("ticker", "dispatcher"):
        await shown(port, f'scheduler_lock_acquisitions_total{{role="{role}"}} {PARTITION_COUNT}.0')
    await shown(port, "200 OK", "/readyz")
    stop.set()
    await asyncio.wait_for(running, DEADLINE_S)
    assert await figures(port) == ""
    await parts.log.close()


async def test_process_without_its_database_is_alive_and_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    parts, stop = await parts_with(port), asyncio.Event()
    settings = replace(parts.settings, database_url=NOBODY_LISTENS)
    running = asyncio.create_task(run_roles(replace(parts, settings=settings), ("projections",), stop))
    await shown(port, "alive", "/livez")
    assert "503 Service Unavailable" in await figures(port, "/readyz")
    assert "not ready: projections" in await figures(port, "/readyz")
    stop.set()
    await asyncio.wait_for(running, DEADLINE_S)
    await parts.log.close()


async def test_process_whose_port_is_taken_runs_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        parts, stop = await parts_with(taken.getsockname()[1]), asyncio.Event()
        running = asyncio.create_task(run_roles(parts, ("ticker",), stop))
        async with asyncio.timeout(DEADLINE_S):
            while b"ticker" not in parts.metrics.render():
                await asyncio.sleep(PAUSE_S)
            assert not running.done()
            stop.set()
            await running
    assert len([message for message in caplog.messages if "metrics are not served" in message]) == 1
    await parts.log.close()
