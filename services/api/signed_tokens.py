"""Callers with a signed access token (RFC 7519, RFC 9068, RFC 8725), and those of an outside auth service among them.

Guarantee: a token is believed when the one issuer has signed it, by the one algorithm, with a key of the issuer's own
list, for this audience, as an access token, for now, and when it names a tenant and who it is about. Whatever else is
in its header (`jku`, `x5u`, `jwk`, `crit`) has no effect or makes it void.

The claims: `tenant_id` is the tenant's UUID, `roles` are names of `services.api.permissions.ROLES`; others are passed
over, as is the platform's administrator: an outside service speaks for tenants only. A token without a role that is
known here may do nothing. With `tags`, a list of 1 to 20 tags, the roles hold for jobs that carry one of them; a token
in which that is anything else is void.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import jwt

from horolog.ports import Clock
from schemas.base import UUID_PATTERN
from schemas.events.workers import SYSTEM_TENANT
from schemas.jobs import TAG_COUNT_MAX, TAG_LENGTH_MAX
from services.api.errors import ApiError
from services.api.headers import bearer_token
from services.api.issuer import Issuer
from services.api.jwks import KeysUnavailable
from services.api.permissions import PLATFORM_ADMIN, permissions_of
from services.api.ports import Headers, Principal

LEEWAY_S = 30
LIFE_S_MAX = 3600
"""A token that is good for longer is not believed at all: it could not be taken back for so long."""
TOKEN_LENGTH_MAX = 8192
ACTOR_LENGTH_MAX = 200
LAST_S = 253_402_300_799
"""The end of the year 9999; no later moment can be named."""
_REQUIRED = ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]
_TYPES = frozenset({"at+jwt", "application/at+jwt"})


class KeySource(Protocol):
    """An issuer's public keys."""

    async def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id, or None when the issuer has none such. Raises `KeysUnavailable`."""
        ...


class SignedTokens:
    """Callers of the public API, by `Authorization: Bearer` and a token of an outside auth service."""

    def __init__(self, issuer: Issuer, keys: KeySource, clock: Clock) -> None:
        self._reader = TokenReader(issuer, keys, clock)

    async def recognise(self, headers: Headers) -> Principal | None:
        """The token's caller, or None.

        Raises:
            ApiError: AUTH_UNAVAILABLE, when no key of the issuer is known.
        """
        claims = await self._reader.read(headers)
        tenant = claims and claims.get("tenant_id")
        if claims is None or not isinstance(tenant, str) or not _is_tenant(tenant):
            return None
        roles = claims.get("roles", ())
        named = [role for role in roles if isinstance(role, str)] if isinstance(roles, Sequence) else []
        granted = permissions_of(role for role in named if role != PLATFORM_ADMIN)
        tags = claims.get("tags")
        if "tags" in claims and not _are_tags(tags):
            return None
        return Principal(tenant, f"user:{claims['sub']}", granted, tags=None if tags is None else tuple(tags))


class TokenReader:
    """Reads the tokens of one issuer."""

    def __init__(self, issuer: Issuer, keys: KeySource, clock: Clock) -> None:
        self._issuer = issuer
        self._keys = keys
        self._clock = clock

    async def read(self, headers: Headers) -> Mapping[str, Any] | None:
        """The claims of a token that is believed; `sub` is a printable text. None for any other.

        Raises:
            ApiError: AUTH_UNAVAILABLE, when no key of the issuer is known.
        """
        token = bearer_token(headers)
        if token.count(".") != 2 or len(token) > TOKEN_LENGTH_MAX:
            return None
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != self._issuer.algorithm or str(header.get("typ")).lower() not in _TYPES:
                return None
            key = await self._keys.find(str(header.get("kid")))
            claims = {} if key is None else self._claims(token, key)
        except KeysUnavailable as error:
            raise ApiError("AUTH_UNAVAILABLE") from error
        except jwt.PyJWTError:
            return None
        return claims if claims and self._is_now(claims) and _is_subject(claims["sub"]) else None

    def _claims(self, token: str, key: jwt.PyJWK) -> Mapping[str, Any]:
        # Time is judged below, by the clock that everything else here goes by.
        return jwt.decode(
            token,
            key,
            algorithms=[self._issuer.algorithm],
            audience=self._issuer.audience,
            issuer=self._issuer.name,
            options={"require": _REQUIRED, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )

    def _is_now(self, claims: Mapping[str, Any]) -> bool:
        begin, end, issued = claims["nbf"], claims["exp"], claims["iat"]
        if not all(type(moment) in (int, float) and 0 <= moment <= LAST_S for moment in (begin, end, issued)):
            return False
        now = self._clock.now().timestamp()
        has_begun = max(begin, issued) - LEEWAY_S <= now
        return bool(has_begun and now < end + LEEWAY_S and end - issued <= LIFE_S_MAX)


def _is_subject(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= ACTOR_LENGTH_MAX and value.isprintable()


def _are_tags(value: object) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= TAG_COUNT_MAX:
        return False
    return all(isinstance(tag, str) and 0 < len(tag) <= TAG_LENGTH_MAX and tag.isprintable() for tag in value)


def _is_tenant(value: str) -> bool:
    return re.fullmatch(UUID_PATTERN, value) is not None and value != SYSTEM_TENANT
