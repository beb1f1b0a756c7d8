"""Callers with an access token of the built-in issuer.

Guarantee: the token's signature, time and kind are judged as those of any issuer; what its caller may do is taken from
the state of its session and user, not from the token, and a session that has ended opens nothing. When that state
cannot be had, the caller is refused as AUTH_UNAVAILABLE.
"""

import re
from collections.abc import Mapping
from typing import Any

from schemas.base import UUID_PATTERN
from services.api.accounts.states import SessionStates
from services.api.permissions import permissions_of
from services.api.ports import Headers, Principal
from services.api.signed_tokens import TokenReader


class AccountTokens:
    """Callers of the public API, by `Authorization: Bearer` and a token of this issuer."""

    def __init__(self, reader: TokenReader, states: SessionStates) -> None:
        self._reader = reader
        self._states = states

    async def recognise(self, headers: Headers) -> Principal | None:
        """The token's caller, or None.

        Raises:
            ApiError: AUTH_UNAVAILABLE, when the state of the session cannot be had.
        """
        claims = await self._reader.read(headers)
        session_id = claims and claims.get("sid")
        if claims is None or not isinstance(session_id, str) or not re.fullmatch(UUID_PATTERN, session_id):
            return None
        live = await self._states.live(session_id)
        if live is None or not _agrees(claims, (live.user_id, live.tenant_id, live.session_version)):
            return None
        granted = permissions_of(live.roles)
        return Principal(live.tenant_id, f"user:{live.name}", granted, live.user_id, live.tags or None)


def _agrees(claims: Mapping[str, Any], present: tuple[str, str, int]) -> bool:
    return (claims["sub"], claims.get("tenant_id"), claims.get("ver")) == present
