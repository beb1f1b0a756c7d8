"""A private Valkey: it answers on a socket of its own, starts empty, has one supervisor and dies with it."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.local.ports import free_ports
from horolog.adapters.servers import PrivateValkey, ServerUnavailable
from horolog.adapters.servers.process import await_end
from tests.integration.servers.conftest import DEADLINE_S, HoldServer, held_process


async def test_every_start_begins_empty(home: Path) -> None:
    with PrivateValkey(home / "valkey") as url:
        async with Redis.from_url(url) as client:
            await client.set("key", "value")
            assert await client.get("key") == b"value"
    with PrivateValkey(home / "valkey") as url:
        async with Redis.from_url(url) as client:
            assert await client.get("key") is None


async def test_tcp_port_is_open_on_request(home: Path) -> None:
    (port,) = free_ports(1)
    with PrivateValkey(home / "valkey", tcp_port=port) as url:
        assert url == f"redis://127.0.0.1:{port}/0"
        async with Redis.from_url(url) as client:
            assert await client.ping()


async def test_long_path_gets_its_socket_elsewhere(home: Path) -> None:
    with PrivateValkey(home / ("long" * 30)) as url:
        assert "long" not in url
        async with Redis.from_url(url) as client:
            assert await client.ping()
    Path(url.removeprefix("unix://")).parent.rmdir()


def test_second_supervisor_is_refused(home: Path) -> None:
    with PrivateValkey(home / "valkey"), pytest.raises(ServerUnavailable, match="Another supervisor"):
        PrivateValkey(home / "valkey").start()


def test_killed_supervisor_leaves_no_server(home: Path, hold_server: HoldServer) -> None:
    holder = hold_server("valkey", home / "valkey")
    server = held_process(holder)
    holder.kill()
    assert await_end(server, DEADLINE_S)


def test_binary_that_cannot_run_is_reported_with_its_last_words(home: Path) -> None:
    binary = home / "server"
    binary.write_text("#!/bin/sh\necho no such option >&2\nexit 3\n")
    binary.chmod(0o755)
    with pytest.raises(ServerUnavailable, match=r"code 3.*\n.*no such option"):
        PrivateValkey(home / "valkey", binary=binary).start()
