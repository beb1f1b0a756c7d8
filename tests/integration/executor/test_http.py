"""HTTP jobs against real servers: what is sent, what is kept, and that no server can hold or swell the worker."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from horolog.limits import HTTP_BODY_READ_BYTES_MAX, OUTPUT_BYTES_MAX
from schemas.jobs import ErrorType, HttpConfig
from services.executor.guard import RequestGuard
from services.executor.outcome import Outcome
from services.executor.runners.http import HttpRunner
from tests.integration.executor.watching import (
    DEADLINE_S,
    EXECUTION_ID,
    INSTANT,
    begin,
    failure_of,
    field_of,
    outcome_of,
    task_of,
)


@dataclass
class Server:
    """Answers every request with the same bytes, then closes; `drips` repeats its last part until that fails."""

    answer: bytes
    drips: bytes = b""
    url: str = ""
    request: bytes = b""
    is_reached: asyncio.Event = field(default_factory=asyncio.Event)
    is_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            self.request = head + await reader.readexactly(length)
            writer.write(self.answer)
            await writer.drain()
            self.is_reached.set()
            while self.drips:
                writer.write(self.drips)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
        self.is_left.set()


@contextlib.asynccontextmanager
async def serving(answer: bytes, drips: bytes = b"") -> AsyncIterator[Server]:
    """A server on the loopback address."""
    server = Server(answer, drips)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/path?q=1"
        yield server


def _answer(body: bytes = b"", status: str = "200 OK", content_type: str = "text/plain") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\nconnection: close"
    return head.encode() + b"\r\n\r\n" + body


async def _outcome(runner: HttpRunner, answer: bytes, **options: Any) -> Outcome:
    async with serving(answer) as server:
        return await outcome_of(runner, HttpConfig(url=server.url, method="GET", **options))


async def test_a_request_carries_its_body_its_headers_and_its_attempt(requests: HttpRunner) -> None:
    async with serving(_answer(b'{"ok": [true]}', content_type="application/json; charset=utf-8")) as server:
        headers = {"X-Mine": "1", "Idempotency-Key": "forged"}
        config = HttpConfig(url=server.url, method="POST", headers=headers, body={"n": 10**30, "t": "ü"})
        outcome = await outcome_of(requests, config)
    head, _, body = server.request.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /path?q=1 http/1.1"
    assert json.loads(body) == {"n": 10**30, "t": "ü"}
    assert {"x-mine: 1", f"idempotency-key: {EXECUTION_ID}", "accept-encoding: identity"} <= set(lines)
    assert {"horolog-attempt: 3", "horolog-fencing-token: 3", f"horolog-execution-id: {EXECUTION_ID}"} <= set(lines)
    assert f"horolog-scheduled-for: {INSTANT.isoformat()}".lower() in lines
    assert (outcome.failure, outcome.result) == (None, {"ok": [True]})
    assert field_of(outcome.metadata, "statusCode") == 200


@pytest.mark.parametrize("text", ["{{7*7}}", "${7*7}", "={{ $json.a }}", "{% print(7*7) %}", "<%= 7*7 %>", "$(id)"])
async def test_no_text_of_a_request_is_evaluated(requests: HttpRunner, text: str) -> None:
    """n8n CVE-2025-68613 and CVE-2026-1470 (expressions that were run), Airflow CVE-2024-39877 (templates)."""
    async with serving(_answer()) as server:
        config = HttpConfig(url=server.url, method="POST", headers={"X-Text": text}, body={text: [text]})
        assert (await outcome_of(requests, config)).failure is None
    head, _, body = server.request.partition(b"\r\n\r\n")
    assert f"X-Text: {text}".lower() in head.decode().lower().split("\r\n")
    assert json.loads(body) == {text: [text]}


async def test_what_only_claims_to_be_json_is_kept_as_text_that_can_be_stored(requests: HttpRunner) -> None:
    outcome = await _outcome(requests, _answer(b"{\x00\xff", content_type="application/json"))
    assert (outcome.failure, outcome.result) == (None, "{\ufffd\ufffd")


@pytest.mark.parametrize(
    ("status", "type_"), [("404 Not Found", ErrorType.USER_ERROR), ("503 Busy", ErrorType.SYSTEM_ERROR)]
)
async def test_a_wrong_status_fails_and_says_who_erred(requests: HttpRunner, status: str, type_: ErrorType) -> None:
    outcome = await _outcome(requests, _answer(b"why", status))
    failure = failure_of(outcome)
    assert (failure.type, failure.code, failure.retryable) == (type_, "HTTP_STATUS", None)
    assert outcome.result == "why"


async def test_the_expected_status_and_those_to_retry_are_the_jobs_own(requests: HttpRunner) -> None:
    assert (await _outcome(requests, _answer(status="404 No"), expected_status_code=404)).failure is None
    retried = await _outcome(requests, _answer(status="429 Slow"), retry_on_status_codes=(429,))
    assert failure_of(retried).retryable is True


async def test_a_redirect_is_an_answer_and_is_not_followed(requests: HttpRunner) -> None:
    answer = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    outcome = await _outcome(requests, answer, expected_status_code=302)
    assert outcome.failure is None


async def test_an_answer_beyond_what_is_kept_is_cut(requests: HttpRunner) -> None:
    outcome = await _outcome(requests, _answer(b"x" * (OUTPUT_BYTES_MAX + 1)))
    assert len(str(outcome.result)) == OUTPUT_BYTES_MAX
    assert field_of(outcome.metadata, "truncated") is True


async def test_an_endless_answer_is_given_up(requests: HttpRunner) -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", drips=b"x" * 65_536) as server:
        outcome = await outcome_of(requests, HttpConfig(url=server.url, method="GET"))
        await asyncio.wait_for(server.is_left.wait(), DEADLINE_S)
    assert (failure_of(outcome).type, failure_of(outcome).code) == (ErrorType.VALIDATION_ERROR, "RESPONSE_TOO_LARGE")


async def test_an_answer_that_announces_too_much_is_not_read(requests: HttpRunner) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {HTTP_BODY_READ_BYTES_MAX + 1}\r\n\r\n".encode()
    assert failure_of(await _outcome(requests, head)).code == "RESPONSE_TOO_LARGE"


async def test_stopping_leaves_a_server_that_drips_at_once(requests: HttpRunner) -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n", drips=b"x: y\r\n"[:1]) as server:
        run = begin(requests, HttpConfig(url=server.url, method="GET"))
        await asyncio.wait_for(server.is_reached.wait(), DEADLINE_S)
        run.stop(5.0)
        assert failure_of(await run.end()).type is ErrorType.SYSTEM_ERROR
        await asyncio.wait_for(server.is_left.wait(), DEADLINE_S)


@pytest.mark.parametrize(("answer", "code"), [(b"not http\r\n\r\n", "PROTOCOL_BROKEN"), (b"", "PROTOCOL_BROKEN")])
async def test_a_server_that_does_not_speak_http_is_a_network_error(
    requests: HttpRunner, answer: bytes, code: str
) -> None:
    failure = failure_of(await _outcome(requests, answer))
    assert (failure.type, failure.code) == (ErrorType.NETWORK_ERROR, code)


async def test_a_port_where_nobody_listens_is_a_network_error(requests: HttpRunner) -> None:
    async with serving(b"") as server:
        url = server.url
    failure = failure_of(await outcome_of(requests, HttpConfig(url=url, method="GET")))
    assert (failure.type, failure.code) == (ErrorType.NETWORK_ERROR, "CONNECT_FAILED")


async def test_a_url_that_is_none_is_invalid(requests: HttpRunner) -> None:
    failure = failure_of(await outcome_of(requests, HttpConfig(url="http://127.0.0.1:port/", method="GET")))
    assert (failure.type, failure.code) == (ErrorType.VALIDATION_ERROR, "REQUEST_INVALID")


FRAMING = ("Host", "content-length", "Transfer-Encoding", "TE", "Trailer", "Connection", "Upgrade", "Expect")
CLAIMING = ("Proxy-Anything", "Forwarded", "X-Forwarded-Host", "Via", "X-Real-IP")
OURS = ("X-Service-Token", "X-Tenant-Id", "Idempotency-Key", "Horolog-Attempt", "X-Scheduler-Anything")


@pytest.mark.parametrize("name", [*FRAMING, *CLAIMING, *OURS])
def test_headers_that_frame_a_request_or_claim_what_is_not_the_jobs_to_claim_are_refused(name: str) -> None:
    config = HttpConfig(url="http://127.0.0.1/", method="GET", headers={name: "1"})
    refusal = RequestGuard().refusal(task_of(config))
    assert refusal is not None
    assert (refusal.type, refusal.code) == (ErrorType.VALIDATION_ERROR, "HEADER_FORBIDDEN")
