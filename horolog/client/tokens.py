"""By what authority calls are made: a token, a service's token, or a name and a password that get tokens.

Guarantee: tokens and passwords are in no representation, error or log, and are sent to the client's own address only.
A refresh token serves once: of several calls at a time one renews, and the others wait for it.
Source: RFC 6750, section 2.1 (Authorization: Bearer).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from horolog.client.errors import HorologError, NoAnswer, NotTheApi, Unreachable, refusal
from horolog.client.wire import Alone, Flow, Lost, Outcome, Request, Send, posting

SIGN_IN_PATH = "/api/v1/auth/token"
REFRESH_PATH = "/api/v1/auth/refresh"
DUE_S = 60.0
"""A token that is good for less than this is renewed first."""


class Authority(Protocol):
    """Gives the headers that say who asks."""

    def headers(self) -> Flow[Mapping[str, str]]:
        """The headers, after whatever has to be asked for first.

        Raises:
            HorologError: they could not be had.
        """
        ...

    def rejected(self, headers: Mapping[str, str]) -> bool:
        """Take note that these were not accepted; whether there will be others."""
        ...


class Fixed:
    """The same headers for every call; none at all speak for nobody."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def headers(self) -> Flow[Mapping[str, str]]:
        yield from ()
        return self._headers

    def rejected(self, headers: Mapping[str, str]) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token: a tenant's static one, or one of an auth service."""

    token: str = field(repr=False)

    def authority(self, monotonic: Callable[[], float]) -> Authority:
        """Calls with this token."""
        return Fixed({"Authorization": f"Bearer {self.token}"})


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """The token of a service of the platform, for the paths below `/internal`, and for which tenant it calls."""

    token: str = field(repr=False)
    tenant_id: str = ""

    def authority(self, monotonic: Callable[[], float]) -> Authority:
        """Calls with this token."""
        tenant = {"X-Tenant-Id": self.tenant_id} if self.tenant_id else {}
        return Fixed({"X-Service-Token": self.token, **tenant})


@dataclass(frozen=True, slots=True)
class SignIn:
    """A user of the built-in issuer. The client signs in at its first call, and renews its tokens when they are due."""

    name: str
    password: str = field(repr=False)

    def authority(self, monotonic: Callable[[], float]) -> Authority:
        """Calls as this user."""
        return Session(self, monotonic)


@dataclass(frozen=True, slots=True)
class _Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    good_until: float = 0.0


class Session:
    """One user's tokens. `monotonic` tells seconds."""

    def __init__(self, user: SignIn, monotonic: Callable[[], float]) -> None:
        self._user = user
        self._monotonic = monotonic
        self._tokens: _Tokens | None = None

    def headers(self) -> Flow[Mapping[str, str]]:
        if self._is_due():
            yield Alone(self._renew())
        tokens = self._tokens
        if tokens is None:
            raise NoAnswer("The tokens were refused while they were renewed.")
        return {"Authorization": f"Bearer {tokens.access}"}

    def rejected(self, headers: Mapping[str, str]) -> bool:
        # Another call may have renewed them meanwhile: those are still to be tried.
        if self._tokens is not None and headers.get("Authorization") == f"Bearer {self._tokens.access}":
            self._tokens = None
        return True

    def _is_due(self) -> bool:
        return self._tokens is None or self._tokens.good_until - self._monotonic() < DUE_S

    def _renew(self) -> Flow[None]:
        if not self._is_due():
            return
        kept, self._tokens = self._tokens, None
        if kept is not None:
            # Not repeated: if only its answer is lost the token is used up. Signing in anew does as well.
            self._tokens = _granted((yield Send(_asking(REFRESH_PATH, refreshToken=kept.refresh))), self._monotonic())
        if self._tokens is None:
            outcome = yield Send(_asking(SIGN_IN_PATH, name=self._user.name, password=self._user.password))
            self._tokens = _granted(outcome, self._monotonic())
            if self._tokens is None:
                raise _not_granted(outcome)


def _asking(path: str, **body: str) -> Request:
    return posting(path, body, is_repeatable=False)


def _granted(outcome: Outcome | None, now_s: float) -> _Tokens | None:
    if outcome is None or isinstance(outcome, Lost) or outcome.status != 200:
        return None
    try:
        told = json.loads(outcome.body)
        return _Tokens(str(told["accessToken"]), str(told["refreshToken"]), now_s + float(told["expiresIn"]))
    except (ValueError, KeyError, TypeError):
        return None


def _not_granted(outcome: Outcome | None) -> HorologError:
    if outcome is None or isinstance(outcome, Lost):
        was_sent = outcome is None or outcome.was_sent
        return (
            NoAnswer("Signing in was not answered.") if was_sent else Unreachable("Nobody to sign in at was reached.")
        )
    try:
        told = json.loads(outcome.body)["error"]
        return refusal(str(told["code"]), str(told["message"]), outcome.status)
    except (ValueError, KeyError, TypeError):
        return NotTheApi(f"Signing in was answered with {outcome.status}, but not as Horolog's API does.")
