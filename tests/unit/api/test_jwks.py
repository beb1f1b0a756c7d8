"""The auth service's keys: rotated at once, kept through an outage, and asked for seldom."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.responses import Response

from services.api.issuer import Algorithm
from services.api.jwks import (
    ASK_AGAIN_S,
    FRESH_S,
    KEPT_S,
    KEY_COUNT_MAX,
    KEY_SET_BYTES_MAX,
    Keys,
    KeySetError,
    KeysUnavailable,
    fetch_keys,
    read_keys,
)
from tests.unit.api.issuing import AuthService, key_set, public, rsa
from tests.unit.api.world import HandClock

ED, RSA = Ed25519PrivateKey.generate(), rsa()


class Known:
    """The keys that are known of an auth service."""

    def __init__(self) -> None:
        self.service, self.clock = AuthService(), HandClock()
        self.keys = Keys(self.service.fetch, Algorithm.ED_DSA, self.clock)

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.at += timedelta(seconds=seconds)


async def test_keys_are_fetched_once_for_many_callers() -> None:
    known = Known()
    found = await asyncio.gather(*(known.keys.find("first") for _ in range(20)))
    assert None not in found
    assert known.service.asked_count == 1


async def test_a_new_key_is_known_as_soon_as_a_token_names_it_and_the_old_one_goes() -> None:
    known = Known()
    assert await known.keys.find("first")
    known.service.keys = {"second": ED}
    known.passes(ASK_AGAIN_S)
    assert await known.keys.find("second")
    assert await known.keys.find("first") is None


async def test_key_ids_that_somebody_invents_are_not_asked_for_each_time() -> None:
    known = Known()
    assert await known.keys.find("first")
    for number in range(100):
        assert await known.keys.find(f"invented {number}") is None
    known.passes(ASK_AGAIN_S)
    assert await known.keys.find("invented") is None
    assert known.service.asked_count == 2


async def test_while_keys_are_fetched_anew_the_old_ones_serve() -> None:
    known = Known()
    assert await known.keys.find("first")
    known.passes(FRESH_S)
    assert await known.keys.find("first")
    await asyncio.sleep(0)
    assert known.service.asked_count == 2


async def test_an_outage_of_the_auth_service_takes_nothing_away_for_a_day() -> None:
    known = Known()
    assert await known.keys.find("first")
    known.service.is_away = True
    known.passes(KEPT_S - 1)
    assert await known.keys.find("first")
    known.passes(2)
    with pytest.raises(KeysUnavailable):
        await known.keys.find("first")


async def test_keys_are_there_soon_after_the_auth_service_is() -> None:
    known = Known()
    known.service.is_away = True
    with pytest.raises(KeysUnavailable):
        await known.keys.find("first")
    known.service.is_away = False
    known.passes(ASK_AGAIN_S)
    assert await known.keys.find("first")


async def test_what_is_fetched_is_given_up_at_the_end() -> None:
    asked = asyncio.Event()

    async def hang() -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return b""

    keys = Keys(hang, Algorithm.ED_DSA, HandClock())
    finding = asyncio.create_task(keys.find("first"))
    await asked.wait()
    await keys.close()
    assert isinstance((await asyncio.gather(finding, return_exceptions=True))[0], asyncio.CancelledError)


@pytest.mark.parametrize(
    ("algorithm", "right", "wrong"),
    [
        (Algorithm.ED_DSA, public(ED, "right"), public(RSA, "wrong")),
        (Algorithm.ED_DSA, public(ED, "right"), public(ED, "wrong", use="enc")),
        (Algorithm.ED_DSA, public(ED, "right"), public(ED, "wrong", alg="RS256")),
        (Algorithm.ED_DSA, public(ED, "right"), public(ED, "wrong", crv="Ed448")),
        (Algorithm.ED_DSA, public(ED, "right"), public(ED, "wrong", x="AA")),
        (Algorithm.ED_DSA, public(ED, "right"), public(ED, "wrong", d="AA")),
        (Algorithm.ED_DSA, public(ED, "right"), {"kty": "oct", "k": "AAAA", "kid": "wrong"}),
        (Algorithm.RS256, public(RSA, "right"), public(ED, "wrong")),
        (Algorithm.RS256, public(RSA, "right"), public(rsa(1024), "wrong")),
        (Algorithm.RS256, public(RSA, "right"), {**public(RSA, "wrong"), "kid": 7}),
    ],
)
def test_only_public_keys_for_signatures_of_the_algorithm_are_used(
    algorithm: Algorithm, right: dict[str, Any], wrong: dict[str, Any]
) -> None:
    assert list(read_keys(key_set(wrong, right), algorithm)) == ["right"]
    with pytest.raises(KeySetError):
        read_keys(key_set(wrong), algorithm)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [null, 7, "a"]}',
        b" " * KEY_SET_BYTES_MAX + key_set(public(ED, "right")),
        key_set(*(public(ED, f"{number}") for number in range(KEY_COUNT_MAX + 1))),
    ],
)
def test_what_is_no_key_set_is_refused(raw: bytes) -> None:
    with pytest.raises(KeySetError):
        read_keys(raw, Algorithm.ED_DSA)


def serving(status: int, body: bytes) -> httpx.AsyncClient:
    """A client whose every request gets this answer."""
    headers = {"location": "https://evil.example/keys"} if status == 302 else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(Response(body, status, headers)))


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"none"), (302, b""), (200, b" " * (KEY_SET_BYTES_MAX + 1)), (500, b"{}")]
)
async def test_no_other_answer_of_the_auth_service_is_taken_for_a_key_set(status: int, body: bytes) -> None:
    async with serving(status, body) as http:
        with pytest.raises(OSError, match="the answer"):
            await fetch_keys(http, "https://auth.example/keys")


async def test_a_key_set_is_fetched_as_it_is() -> None:
    raw = key_set(public(ED, "first"))
    async with serving(200, raw) as http:
        assert await fetch_keys(http, "https://auth.example/keys") == raw


async def test_an_auth_service_where_nobody_listens_is_away() -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(OSError, match="ConnectError"):
            await fetch_keys(http, "http://127.0.0.1:1/keys")
