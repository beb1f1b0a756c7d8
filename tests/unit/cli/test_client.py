"""The client sends a change once, and turns every failure into a problem that says what to do."""

import socket

import httpx
import pytest

from horolog.cli.client import PATIENCE, Client
from horolog.cli.connection import Connection
from horolog.cli.problems import REFUSED, UNREACHABLE, CliProblem
from tests.unit.cli.fake_api import LOST, FakeApi


class CountedIds:
    """Ids that tell how many were asked for."""

    def __init__(self) -> None:
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"id-{self.count}"


class Caller:
    """What a test needs of a client: the client, and how long it would have waited."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.waits: list[float] = []
        http = httpx.Client(trust_env=False, timeout=10)
        self.client = Client(Connection(url, token), http, CountedIds(), self.waits.append)


def test_a_change_whose_answer_is_lost_is_sent_again_with_the_same_key(api: FakeApi) -> None:
    api.tell("POST", "/jobs", None, LOST)
    api.tell("POST", "/jobs", {"id": "1"}, 201)
    client = Caller(api.url)
    assert client.client.change("POST", "/jobs", {"name": "a"}).body == {"id": "1"}
    assert [asked.headers["idempotency-key"] for asked in api.asked] == ["id-1", "id-1"]
    assert [asked.body for asked in api.asked] == [{"name": "a"}] * 2
    assert len(client.waits) == 1
    assert PATIENCE.pause_s / 2 <= client.waits[0] <= PATIENCE.pause_s


def test_each_change_has_a_key_of_its_own_unless_one_is_given(api: FakeApi) -> None:
    api.tell("POST", "/jobs", {})
    client = Caller(api.url).client
    for key in (None, None, "mine"):
        client.change("POST", "/jobs", key=key)
    assert [asked.headers["idempotency-key"] for asked in api.asked] == ["id-1", "id-2", "mine"]


def test_a_busy_api_is_asked_again_a_bounded_number_of_times(api: FakeApi) -> None:
    api.refuse("GET", "/jobs", 503, "LOCK_ACQUISITION_FAILED")
    client = Caller(api.url)
    with pytest.raises(CliProblem) as caught:
        client.client.get("/jobs")
    assert caught.value.code == "LOCK_ACQUISITION_FAILED"
    assert len(api.asked) == PATIENCE.try_count_max
    assert len(client.waits) == PATIENCE.try_count_max - 1


def test_a_change_without_any_answer_may_have_been_made(api: FakeApi) -> None:
    api.tell("DELETE", "/jobs/1", None, LOST)
    with pytest.raises(CliProblem) as caught:
        Caller(api.url).client.change("DELETE", "/jobs/1")
    assert caught.value.exit_code == UNREACHABLE
    assert "may or may not" in str(caught.value.advice)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 429, 500])
def test_a_refusal_keeps_the_code_message_and_details(api: FakeApi, status: int) -> None:
    api.refuse("GET", "/jobs", status, "SOME_CODE")
    with pytest.raises(CliProblem) as caught:
        Caller(api.url).client.get("/jobs")
    problem = caught.value
    assert (problem.code, problem.message, problem.exit_code) == ("SOME_CODE", "It was refused.", REFUSED)
    assert problem.details == {"field": "name"}


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (404, {"detail": "Not Found"}), (500, b""), (302, b"")])
def test_an_answer_of_something_else_is_not_taken_for_the_api(api: FakeApi, status: int, body: object) -> None:
    api.tell("GET", "/jobs", body, status)
    with pytest.raises(CliProblem) as caught:
        Caller(api.url).client.get("/jobs")
    assert (caught.value.code, caught.value.exit_code) == ("NOT_THE_API", UNREACHABLE)


def test_a_closed_port_is_unreachable_at_once() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        client = Caller(f"http://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(CliProblem) as caught:
            client.client.get("/jobs")
    assert (caught.value.code, caught.value.exit_code, client.waits) == ("UNREACHABLE", UNREACHABLE, [])


def test_the_token_is_sent_as_a_bearer_token(api: FakeApi) -> None:
    api.tell("GET", "/jobs", {})
    Caller(api.url, "t0ken").client.get("/jobs")
    assert api.asked[0].headers["authorization"] == "Bearer t0ken"
    assert "t0ken" not in repr(Connection("http://x", "t0ken"))


def test_pages_follow_the_cursor_up_to_the_limit(api: FakeApi) -> None:
    api.tell("GET", "/jobs", {"items": [1, 2], "nextCursor": "c1"})
    api.tell("GET", "/jobs", {"items": [3, 4], "nextCursor": "c2"})
    assert list(Caller(api.url).client.pages("/jobs", {"q": "a b"}, 4)) == [1, 2, 3, 4]
    assert [asked.path.partition("?")[2] for asked in api.asked] == ["q=a+b&limit=4", "q=a+b&limit=2&cursor=c1"]
