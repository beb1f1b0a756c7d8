"""Following events: each is told once, wherever it breaks off it is gone on with, and what is refused is raised."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from horolog.client import AsyncClient, Client, ClientSettings, HorologError, NotTheApi, Patience, Refused, Unreachable
from horolog.client.following import EVERY_EVENT, PATH, EventFilter, Following, StreamEvent
from horolog.client.tokens import SignIn
from tests.unit.cli.fake_api import LOST, FakeApi, fake_api
from tests.unit.client.playing import NO_ANSWER, NOBODY_LISTENS, play, refused, reply, terms

STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}
AT = "2026-03-01T12:00:00Z"
EAGER = Patience(try_count_max=3, pause_s=0.001)
CAUGHT_UP = ("end", None, {"code": "CAUGHT_UP", "message": "That is all."})
TOO_SLOW = ("end", None, {"code": "TOO_SLOW", "message": "Too slow."})
Told = tuple[str, str | None, Mapping[str, Any]]


def told(number: int) -> Told:
    """The number-th event."""
    return "attempt.progressed", f"id-{number}", {"type": "attempt.progressed", "at": AT, "progress": number, "new": 1}


def stream(*events: Told, opening: str = "id-0") -> bytes:
    """What the API sends."""
    blocks = [f"retry: 2000\nid: {opening}\n\n"]
    for type_, id_, data in events:
        blocks.append((f"id: {id_}\n" if id_ else "") + f"event: {type_}\ndata: {json.dumps(data)}\n\n")
    return "".join(blocks).encode()


def tell(api: FakeApi, answer: bytes) -> None:
    """Let the API answer with a stream."""
    api.tell("GET", PATH, answer, 200, **STREAM)


@pytest.fixture
def api() -> Any:
    """A fake API that listens."""
    with fake_api() as fake:
        yield fake


def since_ids(api: FakeApi) -> Sequence[str | None]:
    """With which ids it was asked."""
    return [asked.headers.get("last-event-id") for asked in api.asked]


def test_what_breaks_off_is_gone_on_with_after_the_last_id(api: FakeApi) -> None:
    tell(api, stream(told(1), told(2), TOO_SLOW))
    api.tell("GET", PATH, None, LOST)
    api.refuse("GET", PATH, 503, "LOG_UNAVAILABLE")
    tell(api, stream(opening="id-2b"))
    tell(api, stream(told(3), CAUGHT_UP, opening="id-2b"))
    where = EventFilter(("attempt", "job.created"), "job-1", "execution-1")
    with Client(api.url, "t0ken") as client:
        found = list(client.follow_events(where, follow=False, patience=EAGER))
    assert [(event.id, event.body.progress) for event in found] == [("id-1", 1), ("id-2", 2), ("id-3", 3)]
    assert since_ids(api) == [None, "id-2", "id-2", "id-2", "id-2b"]
    query = "?types=attempt%2Cjob.created&jobId=job-1&executionId=execution-1&follow=false"
    assert {asked.path for asked in api.asked} == {PATH + query}
    assert api.asked[0].headers["authorization"] == "Bearer t0ken"


async def test_the_other_client_does_the_same_in_a_loop(api: FakeApi) -> None:
    tell(api, stream(told(1), TOO_SLOW))
    tell(api, stream(told(2), CAUGHT_UP, opening="id-1"))
    async with AsyncClient(api.url, "t0ken", ClientSettings()) as client:
        found = [event.id async for event in client.follow_events(since_id="id-0", patience=EAGER)]
    assert (found, since_ids(api)) == (["id-1", "id-2"], ["id-0", "id-1"])


RUN = "6f1c1f7e-0000-5000-8000-000000000001"
OUTPUT = f"/api/v1/scheduler/executions/{RUN}/output/stream"


def printed(text: str, offset: int) -> Told:
    """A piece of what a run prints."""
    body = {"type": "output", "at": AT, "executionId": RUN, "attempt": 1, "stream": "stdout", "offset": offset}
    return "output", f"id-{offset}", {**body, "text": text, "truncated": False, "new": 1}


async def test_what_a_run_prints_is_followed_to_its_end_and_gone_on_with(api: FakeApi) -> None:
    ended = ("end", None, {"code": "EXECUTION_ENDED", "message": "That was all."})
    for _ in range(2):
        api.tell("GET", OUTPUT, stream(told(1), printed("one\n", 0), TOO_SLOW), 200, **STREAM)
        api.tell("GET", OUTPUT, stream(printed("two\n", 4), ended, opening="id-0"), 200, **STREAM)
    with Client(api.url) as client:
        found = [(event.id, event.body.text) for event in client.follow_output(RUN, patience=EAGER)]
    assert found == [("id-0", "one\n"), ("id-4", "two\n")]
    assert since_ids(api) == [None, "id-0"]
    async with AsyncClient(api.url) as other:
        assert [event.body.offset async for event in other.follow_output(RUN, patience=EAGER)] == [0, 4]


@pytest.mark.parametrize(("status", "code"), [(400, "INVALID_EVENT_ID"), (403, "FORBIDDEN"), (410, "EVENTS_GONE")])
def test_what_is_refused_is_raised(api: FakeApi, status: int, code: str) -> None:
    api.refuse("GET", PATH, status, code)
    with Client(api.url) as client, pytest.raises(Refused) as caught:
        next(client.follow_events(patience=EAGER))
    assert (caught.value.code, len(api.asked)) == (code, 1)


def test_what_is_no_stream_is_not_taken_for_one(api: FakeApi) -> None:
    api.tell("GET", PATH, {"hello": 1})
    with Client(api.url) as client, pytest.raises(NotTheApi):
        next(client.follow_events(patience=EAGER))
    with fake_api() as other:
        tell(other, stream(("x", "y", {"type": 1})))
        with Client(other.url) as client, pytest.raises(NotTheApi):
            next(client.follow_events(patience=EAGER))


def following(**changes: Any) -> Following[StreamEvent]:
    """Somebody who follows, without chance."""
    return Following(terms(**changes), EVERY_EVENT, patience=Patience(try_count_max=3, pause_s=1.0, awaits_start=False))


def test_nobody_there_is_told_at_once_but_waited_for_once_it_was_there() -> None:
    fresh, begun = following(), following()
    with pytest.raises(Unreachable):
        fresh.broken_off(NOBODY_LISTENS)
    assert list(begun.read(stream(told(1))))
    assert [begun.broken_off(None), begun.broken_off(NOBODY_LISTENS), begun.broken_off(NO_ANSWER)] == [1.0, 1.0, 2.0]
    with pytest.raises(HorologError):
        begun.broken_off(NO_ANSWER)


def test_pauses_grow_while_nothing_is_told_and_never_end() -> None:
    one = following()
    assert [one.broken_off(None) for _ in range(4)] == [1.0, 2.0, 2.0, 2.0]
    assert list(one.read(stream(told(1))))
    assert one.broken_off(None) == 1.0


def test_a_token_that_has_run_out_is_renewed_once() -> None:
    tokens = {"accessToken": "a", "refreshToken": "r", "expiresIn": 600}
    clock = terms().monotonic
    one = following(authority=SignIn("ada", "w0rd").authority(clock))
    assert play(one.request(), [reply(200, tokens)]).result is not None
    assert one.broken_off(refused(401, "UNAUTHORIZED")) == 0.0
    assert play(one.request(), [reply(200, tokens)]).result is not None
    with pytest.raises(Refused, match="UNAUTHORIZED"):
        one.broken_off(refused(401, "UNAUTHORIZED"))
