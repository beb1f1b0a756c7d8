"""What only a real server shows: bodies in pieces, lengths that lie, bytes that no client library would send."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from horolog.adapters.local_rates import LocalRates
from services.api.app import create_app
from services.api.authentication import ServiceTokens, StaticTokens
from services.api.ports import ApiPorts
from services.api.settings import ApiSettings, CallingService, TenantToken, digest_of
from tests.contract.notifications.memory import MemoryNotifications
from tests.unit.api.auditing import MemoryAudit
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.measuring import MemoryWindows
from tests.unit.api.scheduler import AnsweringLog
from tests.unit.api.world import API, JOB, OUR_TOKEN, OURS, SERVICE_TOKEN, START, CountedIds, HandClock

HEAD = f"Host: test\r\nAuthorization: Bearer {OUR_TOKEN}\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """The API on a port of this machine."""
    read_model, settings = MemoryReadModel(), ApiSettings(services=(CallingService(digest_of(SERVICE_TOKEN)),))
    log = AnsweringLog(read_model, START)
    ports = ApiPorts(
        log=log,
        read_model=read_model,
        history=log.history,
        tenants=log.tenants,
        clock=HandClock(),
        ids=CountedIds(),
        callers=StaticTokens([TenantToken(digest_of(OUR_TOKEN), OURS, "ours")]),
        services=ServiceTokens(settings.services),
        served=lambda _: None,
        memory_bytes=lambda: 0,
        rates=LocalRates(),
        audit=MemoryAudit(),
        audit_dropped=lambda: None,
        notifications=MemoryNotifications(),
        windows=MemoryWindows(),
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_app(ports, settings), log_config=None, access_log=False, server_header=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a serving API."""
    async with serving() as number:
        yield number


async def exchange(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes, and read one answer: status, headers, body."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        return int(head[0].split()[1]), headers, body


async def test_job_is_created_and_read_over_a_socket(port: int) -> None:
    body = json.dumps(JOB)
    created = await exchange(
        port, f"POST {API}/jobs HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    read = await exchange(port, f"GET {created[1]['location']} HTTP/1.1\r\n{HEAD}\r\n".encode())
    assert (created[0], read[0]) == (201, 200)
    assert (created[2], created[1]["etag"]) == (read[2], read[1]["etag"])
    assert "server" not in created[1]


async def test_body_in_pieces_without_a_length_is_cut_off_at_the_limit(port: int) -> None:
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    head = f"POST {API}/jobs HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
    status, headers, body = await exchange(port, head + piece * 9)
    assert (status, json.loads(body)["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert headers["connection"] == "close"


async def test_announced_length_beyond_the_limit_is_refused_before_the_body_comes(port: int) -> None:
    request = f"POST {API}/jobs HTTP/1.1\r\n{HEAD}Content-Length: 99999999\r\n\r\n".encode()
    assert (await exchange(port, request))[0] == 413


@pytest.mark.parametrize(
    "path", ["/%68ealth/x", "/health%2f", "/internal/%2e%2e/health", f"{API}/..%2f..%2f..%2fhealth"]
)
async def test_no_spelling_of_an_address_opens_a_closed_one(port: int, path: str) -> None:
    assert (await exchange(port, f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()))[0] == 401


async def test_bytes_that_are_no_text_prove_nobody(port: int) -> None:
    request = b"GET " + API.encode() + b"/jobs HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    assert (await exchange(port, request))[0] in (400, 401)


async def test_id_of_bytes_that_are_no_text_is_unknown(port: int) -> None:
    assert (await exchange(port, f"GET {API}/jobs/%ff%00 HTTP/1.1\r\n{HEAD}\r\n".encode()))[0] == 404


async def test_tag_of_bytes_that_are_no_text_is_a_conflict(port: int) -> None:
    body = json.dumps(JOB)
    created = await exchange(
        port, f"POST {API}/jobs HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    place = created[1]["location"]
    request = f"DELETE {place} HTTP/1.1\r\n{HEAD}If-Match: ".encode() + b'"\xb2"\r\n\r\n'
    assert (await exchange(port, request))[0] in (400, 412)
