"""Signing in and out: passwords for tokens, refresh tokens for new ones.

Guarantee: every refusal of a name and password is the same, in words and in work: an unknown name, a wrong password and
a disabled user are hashed for alike, and counted alike. Secrets are in no log, error or value that is shown.
Source: RFC 6749, sections 5.1 and 10.4; RFC 9700, section 4.14.2 (rotation; a reused token ends its family).
"""

import hashlib
import logging
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from horolog.ports import Clock, Ids
from services.api.accounts.backoff import ACCOUNT_WAITS_S, ADDRESS_WAITS_S
from services.api.accounts.bounds import ACCESS_S, FAMILY, IDLE, SECRET_BYTES
from services.api.accounts.ports import AccountStore, Counted, Hasher, NewSecret, Opening, Rotation, Signer
from services.api.accounts.users import (
    Live,
    RefusedUser,
    Session,
    User,
    checked_password,
    login_name,
    normal_password,
)
from services.api.errors import ApiError

_LOG = logging.getLogger("horolog.api.accounts")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller is given: tokens, and for how many seconds the first of them is good; and who that is."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    tenant_id: str
    name: str
    expires_s: int = ACCESS_S


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who says to be whom, and from which address (as `client_addresses` tells it)."""

    name: str
    address: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Gives and takes back tokens."""

    store: AccountStore
    hasher: Hasher
    signer: Signer
    clock: Clock
    ids: Ids
    new_secret: NewSecret

    async def log_in(self, attempt: Attempt) -> Grant:
        """Tokens for a name and its password.

        Raises:
            ApiError: INVALID_CREDENTIALS, PASSWORD_CHANGE_REQUIRED (told to who knows the password only),
                TOO_MANY_ATTEMPTS, OVERLOADED, AUTH_UNAVAILABLE.
        """
        user = await self._proved(attempt)
        if user.must_change_password:
            raise ApiError("PASSWORD_CHANGE_REQUIRED")
        now, secret = self.clock.now(), self.new_secret(SECRET_BYTES)
        session = Session(self.ids.new(), now, now, now + IDLE, now + FAMILY)
        live = await self.store.open_session(Opening(session, user.id, user.password_hash, digest_of_secret(secret)))
        if live is None:
            raise ApiError("INVALID_CREDENTIALS")
        return self._grant(live, secret, now)

    async def refresh(self, token: str) -> Grant:
        """New tokens for a refresh token, which is used up by it.

        Raises:
            ApiError: INVALID_REFRESH_TOKEN, AUTH_UNAVAILABLE.
        """
        now, secret = self.clock.now(), self.new_secret(SECRET_BYTES)
        shown = digest_of_secret(token)
        live = await self.store.rotate(Rotation(shown, digest_of_secret(secret), now, now + IDLE))
        if live is not None:
            return self._grant(live, secret, now)
        if (ended := await self.store.end_reused(shown, now)) is not None:
            _LOG.warning("a used refresh token was shown again, by its owner or a thief: session %s is ended", ended)
        raise ApiError("INVALID_REFRESH_TOKEN")

    async def log_out(self, token: str) -> None:
        """End the session of a refresh token; for any other text, nothing happens (RFC 7009, section 2.2).

        Raises:
            ApiError: AUTH_UNAVAILABLE
        """
        await self.store.end_session_of(digest_of_secret(token), self.clock.now())

    async def change_password(self, attempt: Attempt, new: str) -> User:
        """Replace the own password, and end all sessions; returns whose it was.

        Raises:
            ApiError: as `log_in` does but for PASSWORD_CHANGE_REQUIRED, or INVALID_BODY for the new password.
        """
        user = await self._proved(attempt)
        if normal_password(new) == normal_password(attempt.password):
            raise refused(RefusedUser("newPassword", "must differ from the present one"))
        try:
            password = checked_password(new, user.name)
        except RefusedUser as error:
            raise refused(error) from error
        hashed = await self.hasher.hash(password)
        if not await self.store.set_password(user.id, hashed, expected=user.password_hash, must_change=False):
            raise ApiError("INVALID_CREDENTIALS")
        return user

    async def _proved(self, attempt: Attempt) -> User:
        now, name = self.clock.now(), login_name(attempt.name)
        account = _subject(name or attempt.name)
        address = _subject(attempt.address)
        # The address first: while it has to wait, it cannot make anybody's account wait as well.
        _refuse_until(await self.store.attempt(Counted.ADDRESS, address, now, ADDRESS_WAITS_S), now)
        _refuse_until(await self.store.attempt(Counted.ACCOUNT, account, now, ACCOUNT_WAITS_S), now)
        # Asked in any case: without the database nobody learns whether a name could exist.
        user = await self.store.user_named(name or "")
        is_right = await self.hasher.verify(normal_password(attempt.password), user.password_hash if user else None)
        if user is None or not is_right or user.disabled:
            raise ApiError("INVALID_CREDENTIALS")
        await self.store.forgive(account, address, now)
        return user

    def _grant(self, live: Live, secret: str, now: datetime) -> Grant:
        return Grant(self.signer.sign(live, now, self.ids.new()), secret, live.tenant_id, live.name)


def digest_of_secret(token: str) -> bytes:
    """What is kept of a refresh token: it has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()


def refused(error: RefusedUser) -> ApiError:
    """The error that tells what a user may not be."""
    return ApiError("INVALID_BODY", "The body has problems.", [{"field": error.field, "message": str(error)}])


def _subject(text: str) -> bytes:
    # As a digest: people type passwords where names belong.
    return hashlib.sha256(text.strip().lower().encode()).digest()


def _refuse_until(end: datetime | None, now: datetime) -> None:
    if end is not None:
        wait_s = max(1, math.ceil((end - now) / timedelta(seconds=1)))
        raise ApiError("TOO_MANY_ATTEMPTS", headers={"Retry-After": str(wait_s)})
