"""What an attempt calls, is, or runs is told of the attempt's span; without traces it is told of none."""

from schemas.jobs import CommandConfig, FunctionConfig, HttpConfig
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner
from services.executor.runners.http import HttpRunner
from tests.integration.executor.test_http import serving
from tests.integration.executor.watching import begin, field_of

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
OWN = {"traceparent": "00-" + "1" * 32 + "-" + "1" * 16 + "-00", "tracestate": "own=1"}


async def test_request_names_the_span_in_place_of_a_header_of_the_jobs_own(requests: HttpRunner) -> None:
    async with serving(OK) as server:
        await begin(requests, HttpConfig(url=server.url, method="GET", headers=OWN), TRACE).end()
        request = server.request.decode()
    assert f"traceparent: {TRACE}\r\n" in request
    assert request.count("traceparent") == 1
    assert "tracestate" not in request


async def test_request_without_a_trace_has_the_jobs_own_headers(requests: HttpRunner) -> None:
    async with serving(OK) as server:
        await begin(requests, HttpConfig(url=server.url, method="GET", headers=OWN)).end()
        assert f"traceparent: {OWN['traceparent']}\r\n".encode() in server.request
        await begin(requests, HttpConfig(url=server.url, method="GET")).end()
        assert b"traceparent" not in server.request


async def test_program_finds_the_span_in_its_environment(commands: CommandRunner) -> None:
    config = CommandConfig(command="env")
    told = [await begin(commands, config, trace).end() for trace in (TRACE, None)]
    in_a_trace, alone = (str(field_of(outcome.result, "stdout")).splitlines() for outcome in told)
    assert f"TRACEPARENT={TRACE}" in in_a_trace
    assert not any(line.startswith("TRACEPARENT") for line in alone)


async def test_function_finds_the_span_in_its_context(functions: FunctionRunner) -> None:
    config = FunctionConfig(module_path="sample_functions", function_name="trace")
    assert [(await begin(functions, config, trace).end()).result for trace in (TRACE, None)] == [TRACE, None]
