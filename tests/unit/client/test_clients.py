"""Both clients over real connections: the same calls, one that blocks and one that awaits."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from horolog.client import AsyncClient, Client, ClientSettings, JobNotFound, Patience, SignIn, Unreachable, connect
from horolog.client.clients import connect_async
from horolog.client.operations import Listing, Operation, Operations
from services.api.examples import EXAMPLES
from tests.unit.cli.fake_api import LOST, FakeApi, fake_api

JOB: dict[str, Any] = EXAMPLES["JobResponse"]
EAGER = ClientSettings(timeout_s=10, patience=Patience(pause_s=0.001))
TOKEN, REFRESH = "/api/v1/auth/token", "/api/v1/auth/refresh"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A fake API that listens."""
    with fake_api() as fake:
        yield fake


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """These variables, for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        os.environ.update({} if value is None else {name: value})


def test_a_client_asks_with_its_token_and_repeats_what_was_lost(api: FakeApi) -> None:
    api.tell("POST", "/jobs", None, LOST)
    api.tell("POST", "/jobs", JOB, 201)
    with Client(api.url, "t0ken", EAGER) as client:
        assert client.create_job({"name": "x"}).id == JOB["id"]
    assert [asked.headers["authorization"] for asked in api.asked] == ["Bearer t0ken"] * 2
    assert len({asked.headers["idempotency-key"] for asked in api.asked}) == 1
    assert "t0ken" not in repr(client)


async def test_the_other_client_does_the_same_in_a_loop(api: FakeApi) -> None:
    api.tell("POST", "/jobs", None, LOST)
    api.tell("POST", "/jobs", JOB, 201)
    async with AsyncClient(api.url, "t0ken", EAGER) as client:
        assert (await client.create_job({"name": "x"})).id == JOB["id"]
    assert len({asked.headers["idempotency-key"] for asked in api.asked}) == 1


def test_a_list_is_asked_for_page_by_page(api: FakeApi) -> None:
    api.tell("GET", "/jobs", {"items": [JOB], "nextCursor": "c"})
    api.tell("GET", "/jobs", {"items": [JOB], "nextCursor": None})
    with Client(api.url, None, EAGER) as client:
        listed = client.list_jobs()
        assert next(listed).id == JOB["id"]
        assert len(api.asked) == 1
        assert len(list(listed)) == 1


async def test_a_list_is_awaited_page_by_page(api: FakeApi) -> None:
    api.tell("GET", "/jobs", {"items": [JOB], "nextCursor": "c"})
    api.tell("GET", "/jobs", {"items": [JOB], "nextCursor": None})
    async with AsyncClient(api.url, None, EAGER) as client:
        assert [job.id async for job in client.list_jobs()] == [JOB["id"]] * 2


def test_an_error_says_what_the_api_said(api: FakeApi) -> None:
    api.refuse("GET", "/jobs/x", 404, "JOB_NOT_FOUND")
    with Client(api.url, "t0ken", EAGER) as client, pytest.raises(JobNotFound, match="It was refused") as caught:
        client.get_job("x")
    assert (caught.value.status, caught.value.details) == (404, {"field": "name"})


async def test_of_several_calls_at_a_time_one_renews_the_tokens(api: FakeApi) -> None:
    tokens = {"accessToken": "a", "refreshToken": "r", "expiresIn": 600, "tokenType": "Bearer"}
    api.tell("POST", TOKEN, tokens)
    api.tell("GET", "/jobs/x", JOB)
    async with AsyncClient(api.url, SignIn("ada", "w0rd"), EAGER) as client:
        await asyncio.gather(*(client.get_job("x") for _ in range(5)))
    assert [asked.path for asked in api.asked].count(TOKEN) == 1


def test_a_plain_request_is_there_for_all_else(api: FakeApi) -> None:
    api.tell("POST", "/api/v1/tenants", {"id": "t"}, 201)
    with Client(api.url, "t", EAGER) as client:
        assert client.request("POST", "/api/v1/tenants", {"id": "t"}) == {"id": "t"}


def test_nobody_there_is_told_as_such_and_no_proxy_is_asked(api: FakeApi) -> None:
    api.tell("GET", "/jobs/x", JOB)
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    with environment(**proxies), Client(api.url, None, EAGER) as client:
        assert client.get_job("x").id == JOB["id"]
    with Client("http://127.0.0.1:9", None, EAGER) as client, pytest.raises(Unreachable):
        client.get_job("x")


@pytest.mark.parametrize("url", ["127.0.0.1:3009", "ftp://x", "http://user:word@x", "http://x:y"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url)


async def test_without_an_address_it_is_that_of_the_environment() -> None:
    with environment(HOROLOG_URL="http://horolog.example:1", HOROLOG_TOKEN="t0ken"):
        with connect() as client:
            assert repr(client) == "Client('http://horolog.example:1')"
        async with connect_async() as other:
            assert repr(other) == "AsyncClient('http://horolog.example:1')"


def test_every_operation_says_what_it_is_for() -> None:
    described = [part for part in vars(Operations).values() if isinstance(part, Operation | Listing)]
    assert len(described) > 20
    assert all(part.__doc__ for part in described)
