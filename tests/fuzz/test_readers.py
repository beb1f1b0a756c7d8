"""Everything that reads what strangers write understands it or refuses it, by the one error that it promises."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpcore
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.crontab import Surroundings, read_crontab
from horolog.client.server_events import EventReader
from horolog.domain.addresses import DestinationForbidden
from horolog.domain.cron import CronError, next_after, parse, problems, zone
from horolog.runtime.egress import GuardedBackend, Resolver
from horolog.runtime.settings_error import SettingsError
from schemas.codec import RecordError, decode, headers_of
from schemas.registry import TOPIC_OF_MODEL
from schemas.topics import TOPICS
from services.api.cursors import decode_cursor, encode_cursor
from services.api.errors import ApiError
from services.api.jwks import Keys, KeySetError, read_keys
from services.api.settings import from_environment
from services.api.signed_tokens import SignedTokens
from services.api.streams.spots import LENGTH, ForeignId, id_of, spot_of
from tests.fuzz import CASES
from tests.unit.api.issuing import ISSUER, AuthService
from tests.unit.api.world import OURS, START, HandClock
from tests.unit.schemas.samples import samples

many = settings(max_examples=max(20, CASES // 10), database=None, deadline=None)

_FIELDS = ["*", "?", "L", "W", "#", "/", "-", ",", "0", "5", "31", "59", "60", "99999999999", "MON", "sun", "JAN", "LW"]
_PIECES = st.lists(st.sampled_from([*_FIELDS, "@daily", "@", "~", "H", "\u0661", "\0"]), max_size=5).map("".join)
CRON_LIKE = st.lists(_PIECES, max_size=8).map(" ".join) | st.text(max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
BEFORE_HOSTS = st.sampled_from(["", "good@", "good:word@", "%40", "\u3002", "x@", "//"])
AFTER_HOSTS = st.sampled_from(["", ".", ":80", "/", "?x", "#@x", "%00", "\u3002"])
HOSTS = st.sampled_from(
    ["127.0.0.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0"]
)


@many
@given(text=CRON_LIKE)
def test_an_expression_is_understood_or_has_problems_and_fires_ever_later(text: str) -> None:
    found = problems(text)
    try:
        spec = parse(text)
    except CronError:
        assert found
        return
    assert not found
    instants = [START]
    while len(instants) < 4 and (after := next_after(spec, zone("Europe/Vienna"), instants[-1])) is not None:
        instants.append(after)
    assert all(one < other for one, other in pairwise(instants))


@many
@given(text=st.lists(CRON_LIKE.map(lambda line: f"{line} command") | st.text(max_size=60), max_size=6).map("\n".join))
def test_each_line_of_a_crontab_is_taken_over_or_refused_with_a_reason(text: str) -> None:
    found = read_crontab(text, Surroundings("UTC", user_column=False))
    assert all(entry.expression and entry.command for entry in found.entries)
    assert all(refused.reason for refused in found.refused)


@many
@given(data=st.data())
def test_a_record_is_a_message_or_is_refused(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(samples()))
    topic = data.draw(st.sampled_from([TOPIC_OF_MODEL[type(message)].name, *(topic.name for topic in TOPICS)]))
    body = json.loads(message.to_json())
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=2)):
        body[name] = data.draw(JSON)
    value = data.draw(st.just(json.dumps(body).encode()) | st.binary(max_size=200) | JSON.map(_json))
    headers = data.draw(
        st.just(headers_of(message, "fuzz", datetime(2026, 1, 1, tzinfo=UTC)))
        | st.lists(st.tuples(st.sampled_from(["ce_type", "ce_id", "x"]), st.binary(max_size=30))).map(tuple)
    )
    try:
        read = decode(topic, headers, value)
    except RecordError:
        return
    assert TOPIC_OF_MODEL[type(read)].name == topic
    assert decode(topic, headers_of(read, "fuzz", datetime(2026, 1, 1, tzinfo=UTC)), read.to_json()) == read


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@many
@given(data=st.data())
def test_a_token_that_the_issuer_has_not_signed_is_nobodys(data: st.DataObject) -> None:
    service = AuthService()
    head, body, signature = service.token().split(".")
    parts = [data.draw(st.just(part) | st.text(max_size=40)) for part in (head, body, signature)]
    word = data.draw(st.just(".".join(parts)) | st.text(max_size=100))
    if word == f"{head}.{body}.{signature}":
        return

    async def recognised() -> object:
        callers = SignedTokens(ISSUER, Keys(service.fetch, ISSUER.algorithm, HandClock()), HandClock())
        return await callers.recognise([(b"authorization", f"Bearer {word}".encode("utf-8", "replace"))])

    assert asyncio.run(recognised()) is None


@many
@given(raw=st.binary(max_size=200) | JSON.map(_json) | st.lists(JSON).map(lambda keys: _json({"keys": keys})))
def test_a_key_set_is_read_or_refused(raw: bytes) -> None:
    try:
        read_keys(raw, ISSUER.algorithm)
    except KeySetError:
        return


def _read_or_refused(read: Callable[[], Any], refusal: type[Exception]) -> Any:
    """What was read, or the refusal; any other error is a fault."""
    try:
        return read()
    except refusal as error:
        return error


@many
@given(word=st.text(max_size=60))
def test_a_cursor_is_one_of_ours_or_refused(word: str) -> None:
    found = _read_or_refused(lambda: decode_cursor(word), ApiError)
    if isinstance(found, ApiError):
        assert found.code == "INVALID_CURSOR"
    else:
        assert decode_cursor(encode_cursor(found)) == found


@many
@given(word=st.text(max_size=80) | st.text("ABab01-_=", min_size=LENGTH, max_size=LENGTH))
def test_an_id_of_an_event_is_one_of_ours_or_refused(word: str) -> None:
    found = _read_or_refused(lambda: spot_of(word, OURS, 4), ForeignId)
    assert isinstance(found, ForeignId) or id_of(found, OURS, 4) == word


@many
@given(
    pieces=st.lists(st.binary(max_size=30) | st.sampled_from([b"\r", b"\n", b"data: a", b"id: 1", b"event:x", b":"]))
)
def test_a_stream_of_events_reads_the_same_in_whatever_pieces(pieces: list[bytes]) -> None:
    whole, torn = EventReader(), EventReader()
    told = list(whole.read(b"".join(pieces)))
    assert [block for piece in pieces for block in torn.read(piece)] == told


@many
@given(name=st.sampled_from(["HOROLOG_TOKENS", "INTERNAL_SERVICE_TOKEN", "HOROLOG_TRUSTED_PROXIES"]), text=st.text())
def test_a_setting_is_understood_or_stops_the_start(name: str, text: str) -> None:
    environment = {"INTERNAL_SERVICE_TOKEN": "s3rv1ce-to-service-word", name: text}
    found = _read_or_refused(lambda: from_environment(environment), SettingsError)
    assert not isinstance(found, SettingsError) or name in str(found)


class Unguarded(httpcore.AnyIOBackend):
    """What the guard stands before: here nothing gets so far."""

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise AssertionError(f"{host} was called")


@many
@given(before=BEFORE_HOSTS, host=HOSTS, after=AFTER_HOSTS)
def test_no_spelling_of_this_machine_is_called(before: str, host: str, after: str) -> None:
    async def called() -> None:
        resolver = Resolver()
        guarded = GuardedBackend(resolver, ())
        guarded._plain = Unguarded()
        try:
            target = httpx.URL(f"http://{before}{host}{after}")
            await guarded.connect_tcp(target.raw_host.decode(), 9, timeout=0.5)
        finally:
            resolver.close()

    # A spelling that the system's resolver does not know has no address.
    with pytest.raises((DestinationForbidden, httpx.InvalidURL, httpcore.ConnectError)):
        asyncio.run(called())
