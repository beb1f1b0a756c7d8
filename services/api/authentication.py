"""Static tokens: a bearer token per tenant for the public API, one or several for each other service.

Guarantee: a token is compared by digest and in constant time; nothing here keeps or logs one. Both are adapters of
the `Authenticator` port; `signed_tokens` has the other one.
Source: RFC 6750, section 2.1 (Authorization: Bearer).
"""

import hmac
from collections.abc import Sequence

from services.api.headers import bearer_token, single
from services.api.permissions import EVERYTHING
from services.api.ports import Authenticator, Headers, Principal
from services.api.settings import CallingService, TenantToken, digest_of

_NOBODY = bytes(32)


class StaticTokens:
    """Callers of the public API, by `Authorization: Bearer`."""

    def __init__(self, tokens: Sequence[TenantToken]) -> None:
        self._known = {token.digest: Principal(token.tenant_id, f"token:{token.name}", EVERYTHING) for token in tokens}

    async def recognise(self, headers: Headers) -> Principal | None:
        """The tenant's caller, or None."""
        digest = digest_of(bearer_token(headers))
        # Found by digest, which tells an attacker nothing of the token, and compared once more in constant time.
        principal = self._known.get(digest)
        matches = hmac.compare_digest(digest if principal else _NOBODY, digest)
        return principal if matches else None


class ServiceTokens:
    """Other services of the platform, by `X-Service-Token`; each call names its tenant itself."""

    def __init__(self, services: Sequence[CallingService]) -> None:
        self._services = tuple(services)

    async def recognise(self, headers: Headers) -> Principal | None:
        """A service, without a tenant, or None."""
        digest = digest_of(single(headers, b"x-service-token"))
        # All are compared, whoever it is.
        matching = [service for service in self._services if hmac.compare_digest(service.digest, digest)]
        return next((Principal("", f"service:{one.name}", one.permissions) for one in matching), None)


class AnyOf:
    """Callers whom one of several authenticators recognises, asked in their order."""

    def __init__(self, authenticators: Sequence[Authenticator]) -> None:
        self._authenticators = tuple(authenticators)

    async def recognise(self, headers: Headers) -> Principal | None:
        """The caller, or None.

        Raises:
            ApiError: as one of the authenticators does.
        """
        for authenticator in self._authenticators:
            if (principal := await authenticator.recognise(headers)) is not None:
                return principal
        return None
