"""HTTP jobs whose target hangs, drips, floods or talks nonsense: a typed error in time, and memory stays flat."""

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from horolog.adapters.system import SystemClock
from horolog.limits import HTTP_BODY_READ_BYTES_MAX
from horolog.log.embedded.log import EmbeddedLog
from schemas.events.results import FailureReported, SuccessReported
from schemas.events.workers import WorkerBeat
from schemas.jobs import ErrorType, HttpConfig
from services.executor.composition import keep_apart, open_worker
from services.executor.runners.http import HttpRunner
from services.executor.settings import WorkerSettings
from tests.integration.executor.test_http import serving
from tests.integration.executor.test_whole_worker import Colleague
from tests.integration.executor.watching import BEST, DEADLINE_S, THIS_MACHINE, begin, failure_of, outcome_of, task_of

TIMEOUT_MS = 300
GIGABYTE = 1 << 30
AT_ONCE_COUNT = 10
PER_ANSWER_BYTES_MAX = 4 * HTTP_BODY_READ_BYTES_MAX
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextlib.asynccontextmanager
async def working() -> AsyncIterator[Colleague]:
    """A whole worker, and whoever gives it tasks."""
    log = EmbeddedLog.open(None, SystemClock(), partition_count=1)
    stop = asyncio.Event()
    settings = WorkerSettings("worker-a", drain_grace_s=0.1, http_allowed=THIS_MACHINE)
    worker = open_worker(log, SystemClock(), settings, await keep_apart(BEST, (), ()))
    running = asyncio.create_task(worker.run(stop))
    colleague = Colleague(log)
    await colleague.hear(WorkerBeat)
    yield colleague
    stop.set()
    await asyncio.wait_for(running, DEADLINE_S)
    await log.close()


@contextlib.asynccontextmanager
async def silence() -> AsyncIterator[str]:
    """A server that takes every request and never says a word; and its address."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        over.set()


async def test_a_target_that_hangs_times_out_and_the_worker_goes_on() -> None:
    async with working() as colleague, silence() as url, serving(HEAD + b"content-length: 2\r\n\r\nok") as good:
        await colleague.send(task_of(HttpConfig(url=url, method="GET", timeout=TIMEOUT_MS)))
        failure = (await colleague.hear(FailureReported)).failure
        assert (failure.type, failure.code) == (ErrorType.TIMEOUT, "TIMED_OUT")
        await colleague.send(task_of(HttpConfig(url=good.url, method="GET"), attempt=4))
        assert (await colleague.hear(SuccessReported)).result == "ok"


@pytest.mark.parametrize(
    ("answer", "drips"),
    [
        (HEAD, b"x"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["head", "chunk size", "interim answers"],
)
async def test_a_target_that_never_comes_to_the_point_is_ended_with_a_typed_error(answer: bytes, drips: bytes) -> None:
    async with working() as colleague, serving(answer, drips) as server:
        await colleague.send(task_of(HttpConfig(url=server.url, method="GET", timeout=TIMEOUT_MS)))
        failure = (await colleague.hear(FailureReported)).failure
        assert failure.type in (ErrorType.TIMEOUT, ErrorType.NETWORK_ERROR)
        await asyncio.wait_for(server.is_left.wait(), DEADLINE_S)


@pytest.mark.parametrize(
    "head",
    [b"", b"content-encoding: gzip\r\n", b"transfer-encoding: chunked\r\n", b"content-length: %d\r\n" % GIGABYTE],
    ids=["no length", "compressed", "chunked", "announced"],
)
async def test_a_flood_is_given_up_and_takes_no_memory(requests: HttpRunner, head: bytes) -> None:
    drips = b"10000\r\n" + b"x" * 65_536 + b"\r\n" if b"chunked" in head else b"x" * 65_536
    tracemalloc.start()
    try:
        async with serving(HEAD + b"content-type: application/json\r\n" + head + b"\r\n", drips) as server:
            runs = [begin(requests, HttpConfig(url=server.url, method="GET")) for _ in range(AT_ONCE_COUNT)]
            outcomes = [await run.end() for run in runs]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {failure_of(outcome).code for outcome in outcomes} == {"RESPONSE_TOO_LARGE"}
    assert {failure_of(outcome).type for outcome in outcomes} == {ErrorType.VALIDATION_ERROR}
    assert peak < AT_ONCE_COUNT * PER_ANSWER_BYTES_MAX


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff" * 1000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00" * 10,
        b"HTTP/1.1 two OK\r\n\r\n",
        HEAD + b"content-length: minus\r\n\r\n",
        HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nx",
        HEAD + b"content-length: 10\r\n\r\nx",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"transfer-encoding: gzip\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b"x: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
    ids=[
        *("bytes", "tls", "status", "length", "lengths", "cut short", "chunk", "coding", "header"),
        "large header",
    ],
)
async def test_an_answer_that_is_no_http_is_a_network_error(requests: HttpRunner, answer: bytes) -> None:
    async with serving(answer) as server:
        outcome = await outcome_of(requests, HttpConfig(url=server.url, method="GET"))
    failure = failure_of(outcome)
    assert (failure.type, failure.code) == (ErrorType.NETWORK_ERROR, "PROTOCOL_BROKEN")


async def test_a_connection_reset_within_the_answer_is_a_network_error(requests: HttpRunner) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"content-length: 100\r\n\r\nx")
        await writer.drain()
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        failure = failure_of(await outcome_of(requests, HttpConfig(url=url, method="GET")))
    assert failure.type is ErrorType.NETWORK_ERROR
