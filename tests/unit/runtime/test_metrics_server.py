"""One address with the figures; whatever else is asked, and whoever is in the way, the process goes on."""

import asyncio
import logging
import re
import socket
import threading
from functools import partial
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from horolog.limits import METRICS_ANSWER_S_MAX, METRICS_CONNECTION_COUNT_MAX, METRICS_REQUEST_BYTES_MAX
from horolog.runtime.metrics import Metrics
from horolog.runtime.metrics_server import serving
from horolog.runtime.readiness import Readiness
from horolog.runtime.settings import MetricsAddress

ANY = MetricsAddress("127.0.0.1", 0)
DEADLINE_S = 30.0


def port_of(url: str | None) -> int:
    port = urlsplit(url or "").port
    assert port is not None
    return port


async def exchange(port: int, request: bytes) -> tuple[str, str]:
    """Head and body of the answer; both empty when there was none."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        except ConnectionError:
            return "", ""
        finally:
            writer.transport.abort()
        return head, body


async def test_figures_are_served_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.ledger_violation("missing")
    async with serving(metrics, ANY) as url:
        head, body = await exchange(port_of(url), b"GET /metrics?x=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        metrics.ledger_violation("missing")
        _, later = await exchange(port_of(url), b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")
    assert f"Content-Length: {len(body.encode())}" in head
    assert "scheduler_ledger_violations" in {family.name for family in text_string_to_metric_families(body)}
    assert 'violations_total{kind="missing"} 1.0' in body
    assert 'violations_total{kind="missing"} 2.0' in later


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET / HTTP/1.1", 404),
        ("GET /metrics/ HTTP/1.1", 404),
        ("GET /readyz/x HTTP/1.1", 404),
        ("POST /readyz HTTP/1.1", 405),
        ("GET http://elsewhere/metrics HTTP/1.1", 404),
        ("POST /metrics HTTP/1.1", 405),
        ("HEAD /metrics HTTP/1.1", 405),
        ("GET /metrics", 400),
        ("", 400),
    ],
)
async def test_nothing_else_is_served(request_line: str, status: int) -> None:
    async with serving(Metrics(), ANY) as url:
        head, body = await exchange(port_of(url), f"{request_line}\r\n\r\n".encode())
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "scheduler" not in body


async def test_too_long_a_request_is_cut_off_and_the_next_one_served() -> None:
    async with serving(Metrics(), ANY) as url:
        cut = await exchange(port_of(url), b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 3 * METRICS_REQUEST_BYTES_MAX)
        head, _ = await exchange(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n")
    assert cut == ("", "")
    assert head.startswith("HTTP/1.1 200")


async def test_so_many_connections_are_taken_and_no_more() -> None:
    async with serving(Metrics(), ANY) as url, asyncio.timeout(DEADLINE_S):
        idle = [await asyncio.open_connection("127.0.0.1", port_of(url)) for _ in range(METRICS_CONNECTION_COUNT_MAX)]
        assert await exchange(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n") == ("", "")
        reader, writer = idle[0]
        writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        while not (await exchange(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n"))[0]:
            await asyncio.sleep(0)
        for _, writer in idle:
            writer.close()


async def test_silent_connection_does_not_hold_up_the_end() -> None:
    async with asyncio.timeout(METRICS_ANSWER_S_MAX / 2):
        async with serving(Metrics(), ANY) as url:
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(url))
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port_of(url))


async def test_taken_port_is_told_in_one_warning_and_nothing_ends(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with serving(Metrics(), MetricsAddress("127.0.0.1", port)) as url:
            assert url is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"127.0.0.1:{port} cannot be had (Address already in use)" in record.message
    assert "PROMETHEUS_PORT" in record.message


async def test_host_that_does_not_exist_is_told_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Metrics(), MetricsAddress("192.0.2.1", 0)) as url:
        assert url is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_free_port_that_was_taken_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with serving(Metrics(), ANY) as url:
        assert caplog.messages == [f"metrics are served at {url}"]
    assert port_of(url) != 0


async def test_without_an_address_nothing_is_served(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Metrics(), None) as url:
        assert url is None
    assert caplog.records == []


async def test_loop_goes_on_while_the_text_is_put_together() -> None:
    rendering, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow() -> int:
        loop.call_soon_threadsafe(rendering.set)
        assert go_on.wait(DEADLINE_S)
        return 1

    async with serving(Metrics(memory_bytes=slow), ANY) as url, asyncio.timeout(DEADLINE_S):
        answer = asyncio.create_task(exchange(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n"))
        await rendering.wait()
        go_on.set()
        head, _ = await answer
    assert head.startswith("HTTP/1.1 200")


async def test_process_that_turns_is_alive_and_ready_once_every_role_is() -> None:
    readiness, ready = Readiness(), set[str]()
    readiness.expect(("ticker", "dispatcher"), lambda: "end" in ready)
    for role in ("ticker", "dispatcher"):
        readiness.watch(role, partial(ready.__contains__, role))
    async with serving(Metrics(), ANY, readiness) as url:
        answers = []
        for event in ("nothing", "ticker", "dispatcher", "end"):
            ready.add(event)
            head, body = await exchange(port_of(url), b"GET /readyz HTTP/1.1\r\n\r\n")
            answers.append((head.split(" ")[1], body))
        head, body = await exchange(port_of(url), b"GET /livez HTTP/1.1\r\n\r\n")
    assert answers == [
        ("503", "not ready: ticker, dispatcher\n"),
        ("503", "not ready: dispatcher\n"),
        ("200", "ready\n"),
        ("503", "not ready: stopping\n"),
    ]
    assert (head.split(" ")[1], body) == ("200", "alive\n")


async def test_figures_tell_which_roles_do_their_work_and_that_none_does_once_the_process_is_to_end() -> None:
    readiness, ready = Readiness(), set[str]()
    readiness.expect(("ticker", "dispatcher"), lambda: "end" in ready)
    readiness.watch("ticker", partial(ready.__contains__, "ticker"))
    async with serving(Metrics(), ANY, readiness) as url:
        shown = []
        for event in ("nothing", "ticker", "end"):
            ready.add(event)
            _, body = await exchange(port_of(url), b"GET /metrics HTTP/1.1\r\n\r\n")
            shown.append(dict(re.findall(r'^scheduler_role_ready{role="(\w+)"} (\d)', body, re.M)))
    assert shown == [
        {"ticker": "0", "dispatcher": "0"},
        {"ticker": "1", "dispatcher": "0"},
        {"ticker": "0", "dispatcher": "0"},
    ]


async def test_role_that_has_told_nothing_is_not_ready() -> None:
    readiness = Readiness()
    readiness.expect(("api",), lambda: False)
    async with serving(Metrics(), ANY, readiness) as url:
        _, body = await exchange(port_of(url), b"GET /readyz HTTP/1.1\r\n\r\n")
    assert body == "not ready: api\n"
