"""The public keys of an outside auth service, by which its tokens are known (RFC 7517).

Guarantee: keys come from the one address that the operator has named, and from nowhere that a token names. Keys that
were once fetched are used until they are `KEPT_S` old, whatever happens to the auth service meanwhile. A key that is
not there is asked for at once, but not more often than every `ASK_AGAIN_S`: whoever invents key ids costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import httpx
import orjson
from jwt import PyJWK, PyJWTError

from horolog.ports import Clock
from services.api.issuer import Algorithm
from services.api.outside import answer_of

FRESH_S = 300.0
"""After which the keys are fetched anew, while the old ones are used."""
ASK_AGAIN_S = 10.0
KEPT_S = 86_400.0
KEY_COUNT_MAX = 50
KEY_SET_BYTES_MAX = 262_144
RSA_BITS_MIN = 2048

_LOG = logging.getLogger("horolog.api.keys")

Fetch = Callable[[], Awaitable[bytes]]
"""The key set as it stands at its address. Raises OSError when it cannot be had."""


class KeysUnavailable(Exception):
    """No key was ever fetched, or the last time is too long ago: nobody's token can be judged."""


class KeySetError(ValueError):
    """What is at the address is no set of keys that could be used."""


class Keys:
    """The issuer's keys, by their id."""

    def __init__(self, fetch: Fetch, algorithm: Algorithm, clock: Clock) -> None:
        self._fetch = fetch
        self._algorithm = algorithm
        self._clock = clock
        self._keys: Mapping[str, PyJWK] = MappingProxyType({})
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> PyJWK | None:
        """The key of this id, or None when the issuer has none such.

        Raises:
            KeysUnavailable: nothing is known of the issuer's keys.
        """
        is_known = key_id in self._keys
        if self._is_due(FRESH_S if is_known else ASK_AGAIN_S) and self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        if not is_known and self._asking is not None:
            await asyncio.shield(self._asking)
        age_s = None if self._fetched_at is None else self._clock.monotonic() - self._fetched_at
        if age_s is None or age_s > KEPT_S:
            raise KeysUnavailable
        return self._keys.get(key_id)

    async def close(self) -> None:
        """Give up what is being fetched."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _is_due(self, after_s: float) -> bool:
        return self._asked_at is None or self._clock.monotonic() - self._asked_at >= after_s

    async def _ask(self) -> None:
        self._asked_at = self._clock.monotonic()
        try:
            self._keys = read_keys(await self._fetch(), self._algorithm)
            self._fetched_at = self._clock.monotonic()
        except (OSError, KeySetError) as error:
            # Not what was sent: whoever answers there may be anybody.
            _LOG.warning("the auth service's keys cannot be had: %s", type(error).__name__)
        finally:
            self._asking = None


async def fetch_keys(http: httpx.AsyncClient, url: str) -> bytes:
    """The key set at an address; no redirect is followed.

    Raises:
        OSError: it cannot be had.
    """
    return await answer_of(http, "GET", url, KEY_SET_BYTES_MAX)


def read_keys(raw: bytes, algorithm: Algorithm) -> Mapping[str, PyJWK]:
    """The usable keys of a set, by their id: public ones for signatures of this algorithm, and strong enough.

    Raises:
        KeySetError: it is no key set, is too large, or has no usable key.
    """
    if len(raw) > KEY_SET_BYTES_MAX:
        raise KeySetError("the key set is too large")
    try:
        listed = orjson.loads(raw)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise KeySetError("this is no key set") from error
    if not isinstance(listed, list) or len(listed) > KEY_COUNT_MAX:
        raise KeySetError("the key set has no list of keys, or too long a one")
    found = {entry["kid"]: key for entry in listed if (key := _key(entry, algorithm)) is not None}
    if not found:
        raise KeySetError(f"the key set has no key for {algorithm}")
    return MappingProxyType(found)


def _key(entry: Any, algorithm: Algorithm) -> PyJWK | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
        return None
    is_ours = entry.get("alg", algorithm) == algorithm and entry.get("use", "sig") == "sig"
    kind = ("OKP", "Ed25519") if algorithm is Algorithm.ED_DSA else ("RSA", None)
    if not is_ours or (entry.get("kty"), entry.get("crv")) != kind or "d" in entry:
        return None
    try:
        key = PyJWK(entry, algorithm=algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if algorithm is Algorithm.ED_DSA or key.key.key_size >= RSA_BITS_MIN else None
