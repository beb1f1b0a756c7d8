"""The bytes of a stream are what WHATWG HTML, section 9.2, says they are."""

import orjson

from services.api.streams import frames
from services.api.streams.facts import fact_of
from tests.unit.projections.facts import admitted, record


def test_a_stream_begins_with_an_id_that_makes_no_event() -> None:
    assert frames.opening("abc") == b"retry: 2000\nid: abc\n\n"


def test_an_event_is_one_block() -> None:
    assert frames.event("abc", "job.created", b"{}") == b"id: abc\nevent: job.created\ndata: {}\n\n"


def test_a_beat_is_a_comment_and_tells_an_id_that_is_news() -> None:
    assert (frames.beat(None), frames.beat("abc")) == (b": beat\n\n", b": beat\nid: abc\n\n")


def test_the_last_event_says_why_and_has_no_id() -> None:
    told = frames.end("SHUTTING_DOWN", "It ends.")
    head, _, data = told.partition(b"\ndata: ")
    assert (head, orjson.loads(data)) == (b"event: end", {"code": "SHUTTING_DOWN", "message": "It ends."})


def test_no_text_of_a_fact_begins_a_line() -> None:
    fact = fact_of(record(admitted(triggered_by="a\r\nid: evil\n\n\u2028data: evil\x85")))
    assert fact is not None
    assert b"\n" not in fact.data + fact.type.encode()
    assert b"\r" not in fact.data
