"""What the built-in issuer needs from outside: where accounts are kept, who hashes, who signs, who draws lots.

Each method says what it guarantees. `services.api.accounts.postgres`, `hashing` and `signing` have the real ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.api.accounts.users import Live, Session, Standing, User
from services.api.errors import ApiError

NewSecret = Callable[[int], str]
"""A secret of so many random bytes, in characters that need no escaping in a URL."""


class AccountsUnavailable(ApiError):
    """The accounts cannot be reached: told to callers as AUTH_UNAVAILABLE."""

    def __init__(self) -> None:
        super().__init__("AUTH_UNAVAILABLE", "The accounts cannot be reached at present; nobody can be recognised.")


class Counted(StrEnum):
    """What attempts to sign in are counted by."""

    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Opening:
    """A session to be opened for whoever has proved `password_hash` to be the user's."""

    session: Session
    user_id: str
    password_hash: str = field(repr=False)
    digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A refresh token shown, by its digest, and the one to replace it."""

    digest: bytes = field(repr=False)
    successor: bytes = field(repr=False)
    at: datetime
    idle_until: datetime


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different about a user; None leaves a part as it is."""

    roles: tuple[str, ...] | None = None
    disabled: bool | None = None
    tags: tuple[str, ...] | None = None


class UserStore(Protocol):
    """Where users are. Every method raises `AccountsUnavailable` when nothing is known of what it asks or does."""

    async def user_named(self, name: str) -> User | None:
        """The user of a login name."""
        ...

    async def user(self, user_id: str) -> User | None:
        """The user of an id."""
        ...

    async def users(self, tenant_id: str | None, after: tuple[datetime, str] | None, limit: int) -> Sequence[User]:
        """Users of a tenant (None: of all), newest first, from the one behind `after` on."""
        ...

    async def add_user(self, user: User) -> bool:
        """Keep a new user; False when the name is taken."""
        ...

    async def has_users(self) -> bool:
        """Whether there is any user at all."""
        ...

    async def add_first(self, users: Sequence[User]) -> bool:
        """Keep these if there is no user at all; of several that try at once, exactly one is told True."""
        ...

    async def change_user(self, user_id: str, change: UserChange) -> User | None:
        """The user after the change, which has ended all sessions if anything became different; None for nobody.

        If `disabled` became different, the same step takes note that this is still to be told to the log.
        """
        ...

    async def set_password(self, user_id: str, new: str, *, expected: str | None, must_change: bool) -> bool:
        """Replace the hash, and end all sessions; False when the user or the expected hash is not there (any more)."""
        ...

    async def end_sessions(self, user_id: str) -> bool:
        """End all sessions; False for nobody."""
        ...


class SessionStore(Protocol):
    """Where sessions and their refresh tokens are. Raises as `UserStore` does."""

    async def open_session(self, opening: Opening) -> Live | None:
        """Open it, unless the user has been changed, disabled or given another password meanwhile."""
        ...

    async def rotate(self, rotation: Rotation) -> Live | None:
        """Use the token up and keep its successor, in one step: of any number at once, one at most is answered."""
        ...

    async def end_reused(self, digest: bytes, at: datetime) -> str | None:
        """If the token has been used up, end its session; the id of the session that this has ended."""
        ...

    async def end_session_of(self, digest: bytes, at: datetime) -> None:
        """End the session of a refresh token, used or not; an unknown one changes nothing."""
        ...

    async def sessions(self, user_id: str, at: datetime) -> Sequence[Session]:
        """The user's sessions that are good, newest first."""
        ...

    async def end_session(self, user_id: str, session_id: str, at: datetime) -> bool:
        """End one session of a user; False when there is none such that is good."""
        ...

    async def live(self, session_id: str, at: datetime) -> Live | None:
        """What a session is good for; None when it has ended, or its user may not use it."""
        ...


class StandingStore(Protocol):
    """What of users is still to be told to the log. Raises as `UserStore` does."""

    async def standing(self, user_id: str) -> Standing | None:
        """That of one user; None for nobody."""
        ...

    async def untold(self, after_id: str, limit: int) -> Sequence[Standing]:
        """Those that are still to be told, in the order of the users' ids, from the one behind `after_id` on."""
        ...

    async def told(self, standing: Standing) -> bool:
        """Take note that the log has this one. False when there is another meanwhile: it then has to be told again,
        even if it has been told, since nobody knows which of the two the log got last."""
        ...


class AttemptStore(Protocol):
    """Where attempts to sign in are counted, for all API processes. Raises as `UserStore` does."""

    async def attempt(self, by: Counted, subject: bytes, at: datetime, waits_s: Sequence[float]) -> datetime | None:
        """Count an attempt and begin the wait after it, in one step; while one goes on: count nothing, tell its end."""
        ...

    async def forgive(self, account: bytes, address: bytes, at: datetime) -> None:
        """A right password: forget the account's attempts, and take one back from the address."""
        ...


class AccountStore(UserStore, SessionStore, StandingStore, AttemptStore, Protocol):
    """All of it."""

    async def prune(self, at: datetime) -> int:
        """Remove a bounded number of sessions that are over and of attempts that are forgotten; how many."""
        ...


class Hasher(Protocol):
    """Hashes passwords slowly, a bounded number at a time, and away from the event loop.

    Raises `ApiError` OVERLOADED when too many wait already.
    """

    async def hash(self, password: bytes) -> str:
        """A salted hash that names its own parameters."""
        ...

    async def verify(self, password: bytes, hashed: str | None) -> bool:
        """Whether it is the password; with None, for nobody's, it takes as long and is False."""
        ...


class Signer(Protocol):
    """Signs access tokens."""

    def sign(self, live: Live, at: datetime, token_id: str) -> str:
        """An access token of a session, good for `ACCESS_S` from `at` on."""
        ...
