"""HTTP jobs reach what they may and nothing else, whatever a URL or a name server says."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from horolog.adapters.system import SystemClock
from horolog.domain.addresses import Address
from horolog.runtime.egress import (
    RESOLVING_COUNT_MAX,
    RESOLVING_PER_TENANT_COUNT_MAX,
    Resolver,
    resolving_for,
)
from schemas.jobs import ErrorType, HttpConfig
from services.executor.runners.http import HttpRunner
from tests.integration.executor.test_http import serving
from tests.integration.executor.watching import DEADLINE_S, THIS_MACHINE, failure_of, outcome_of, until

WAYS_TO_THIS_MACHINE = (
    *("127.0.0.1", "127.1", "0x7f000001", "0x7f.1", "2130706433", "017700000001", "0", "0.0.0.0"),
    *("localhost", "LOCALHOST", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]"),
    *("good.example@127.0.0.1", "good.example:80@127.0.0.1"),
)
"""As the system's resolver reads them."""
WAYS_INSIDE = (
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.0.8", "224.0.0.1", "255.255.255.255"),
    *("[fd00::1]", "[fe80::1]", "[fec0::1]", "[ff0e::1]", "[5f00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    *("169.254.169.254", "169.254.43518", "0xA9FEA9FE", "2852039166", "100.100.100.200"),
    *("168.63.129.16", "192.0.0.192", "[fd00:ec2::254]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]"),
    *("[2002:a9fe:a9fe::]", "[::169.254.169.254]", "[::ffff:169.254.169.254]", "[2001:0:a9fe:a9fe::1]"),
)
"""Networks of its own, and where clouds tell a machine its credentials."""
WAYS_THAT_ONLY_SOME_KNOW = (
    *("localhost.", "127。0。0。1", "①②⑦.⓪.⓪.①", "[::1%lo]", "0177.0.0.1", "0251.0376.0251.0376"),
)
"""What reads addresses may not take them, or a resolver have no address for them; where it has one, it is an inner one.
"""
REDIRECTIONS = (301, 302, 303, 307, 308)


class Listening:
    """A server of this machine that counts who connects."""

    def __init__(self) -> None:
        self.count = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.count += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        writer.close()


@pytest.fixture
async def inside() -> AsyncIterator[Listening]:
    """What no job should reach."""
    listening = Listening()
    server = await asyncio.start_server(listening.serve, "127.0.0.1", 0)
    listening.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listening


@asynccontextmanager
async def sending(*answers: Sequence[str], is_allowed: bool = False) -> AsyncIterator[HttpRunner]:
    """A runner; with answers, its name server gives one after the other, whatever it is asked."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address(text) for text in left.pop(0)]

    runner = HttpRunner(10, SystemClock(), THIS_MACHINE if is_allowed else (), resolve=resolve if answers else None)
    yield runner
    await runner.close()


@pytest.mark.parametrize("host", [*WAYS_TO_THIS_MACHINE, *WAYS_INSIDE])
async def test_no_way_of_writing_an_inner_address_leads_there(inside: Listening, host: str) -> None:
    """XXL-JOB CVE-2022-43183, CVE-2024-24113, CVE-2025-7787 and CVE-2026-7305, PowerJob CVE-2025-14518: requests to
    wherever a user said."""
    async with sending() as requests:
        failure = failure_of(await outcome_of(requests, HttpConfig(url=f"http://{host}:{inside.port}/", method="GET")))
    assert (failure.type, failure.code) == (ErrorType.VALIDATION_ERROR, "DESTINATION_FORBIDDEN")
    assert inside.count == 0


@pytest.mark.parametrize("host", WAYS_THAT_ONLY_SOME_KNOW)
async def test_what_only_some_resolvers_know_leads_nowhere_either(inside: Listening, host: str) -> None:
    async with sending() as requests:
        failure = failure_of(await outcome_of(requests, HttpConfig(url=f"http://{host}:{inside.port}/", method="GET")))
    assert failure.code in ("DESTINATION_FORBIDDEN", "REQUEST_INVALID", "CONNECT_FAILED")
    assert inside.count == 0


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "unix", "http+unix", "dict", "ldap", "data", "FILE", ""])
def test_nothing_but_http_can_be_asked_for(scheme: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        HttpConfig(url=f"{scheme}://127.0.0.1/etc/passwd", method="GET")


@pytest.mark.parametrize("status", REDIRECTIONS)
async def test_a_redirection_leads_nowhere_though_its_target_may_be_called(inside: Listening, status: int) -> None:
    answer = f"HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:{inside.port}/\r\ncontent-length: 0\r\n\r\n"
    async with serving(answer.encode()) as server, sending(is_allowed=True) as requests:
        outcome = await outcome_of(requests, HttpConfig(url=server.url, method="GET", expected_status_code=status))
    assert (outcome.failure, inside.count) == (None, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "[::1]"])
async def test_the_refusal_says_what_the_destination_is(inside: Listening, host: str) -> None:
    async with sending() as requests:
        failure = failure_of(await outcome_of(requests, HttpConfig(url=f"http://{host}:{inside.port}/", method="GET")))
    assert failure.code == "DESTINATION_FORBIDDEN"
    assert failure.message.endswith("jobs may not call it: it is this machine")


@pytest.mark.parametrize("addresses", [("127.0.0.1", "192.0.2.1"), ("8.8.8.8", "127.0.0.1"), ("::1",), ("10.0.0.1",)])
async def test_a_name_with_one_inner_address_is_not_called_at_all(inside: Listening, addresses: tuple[str]) -> None:
    async with sending(addresses) as requests:
        config = HttpConfig(url=f"http://rebound.example:{inside.port}/", method="GET")
        assert failure_of(await outcome_of(requests, config)).code == "DESTINATION_FORBIDDEN"
    assert inside.count == 0


async def test_the_address_that_was_judged_is_the_one_that_is_called(inside: Listening) -> None:
    async with sending(["127.0.0.1"], ["10.0.0.1"], is_allowed=True) as requests:
        config = HttpConfig(url=f"http://alternating.example:{inside.port}/", method="GET")
        assert (await outcome_of(requests, config)).result == "ok"
        assert failure_of(await outcome_of(requests, config)).code == "DESTINATION_FORBIDDEN"
    assert inside.count == 1


async def test_an_address_where_nobody_answers_is_passed_over_for_the_next(inside: Listening) -> None:
    async with sending(["127.0.0.2", "127.0.0.1"], is_allowed=True) as requests:
        config = HttpConfig(url=f"http://two.example:{inside.port}/", method="GET")
        assert (await outcome_of(requests, config)).result == "ok"


class Names:
    """A name server that keeps whoever asks for `slow.example` waiting."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    def look_up(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host == "slow.example":
            self.may_answer.wait(DEADLINE_S)
        return ["10.0.0.1"]


async def test_names_that_hang_hold_up_no_other_tenants_even_when_they_are_given_up() -> None:
    names = Names()
    resolver = Resolver(names.look_up)

    async def asked_by(tenant_id: str, host: str) -> Sequence[Address]:
        with resolving_for(tenant_id):
            return await resolver(host, 80)

    for _ in range(3):
        slow = [asyncio.create_task(asked_by("theirs", "slow.example")) for _ in range(RESOLVING_COUNT_MAX)]
        await until(lambda: len(names.asked) == RESOLVING_PER_TENANT_COUNT_MAX)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    found = await asyncio.wait_for(asked_by("ours", "quick.example"), DEADLINE_S)
    assert (found, names.asked.count("slow.example")) == ([ip_address("10.0.0.1")], RESOLVING_PER_TENANT_COUNT_MAX)
    names.may_answer.set()
    await asyncio.wait_for(asked_by("theirs", "quick.example"), DEADLINE_S)
    await until(lambda: resolver._shares == {})
    resolver.close()


async def test_a_name_that_nobody_knows_is_a_network_error() -> None:
    async with sending() as requests:
        config = HttpConfig(url="http://nowhere.invalid/", method="GET")
        failure = failure_of(await outcome_of(requests, config))
    assert (failure.type, failure.code) == (ErrorType.NETWORK_ERROR, "CONNECT_FAILED")
