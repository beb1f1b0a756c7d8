"""Accounts in memory, and an issuer over them: what the API's tests sign in to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from horolog.ports import Clock, Ids
from schemas.events.workers import SYSTEM_TENANT
from services.api.account_tokens import AccountTokens
from services.api.accounts.administration import Administration
from services.api.accounts.backoff import COUNT_MAX, FORGOTTEN_AFTER
from services.api.accounts.bounds import SESSIONS_PER_USER_COUNT_MAX
from services.api.accounts.built_in import BuiltIn
from services.api.accounts.ports import AccountsUnavailable, Counted, Opening, Rotation, UserChange
from services.api.accounts.sign_in import SignIn
from services.api.accounts.signing import BUILT_IN, LocalKeys
from services.api.accounts.states import SessionStates
from services.api.accounts.users import Live, Session, Standing, User
from services.api.signed_tokens import TokenReader


@dataclass
class Attempts:
    """What is known of one name or address."""

    failure_count: int
    last_at: datetime
    blocked_until: datetime


@dataclass
class Kept:
    """A session as it is kept."""

    session: Session
    user_id: str
    version: int
    revoked: bool = False


@dataclass
class MemoryAccounts:
    """Implements `AccountStore`; `is_away` makes it answer nothing."""

    by_id: dict[str, User] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    tokens: dict[bytes, tuple[str, bool]] = field(default_factory=dict)
    attempts: dict[tuple[Counted, bytes], Attempts] = field(default_factory=dict)
    standings: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By a user's id: how often its standing has changed, and which of these the log is known to have."""
    is_away: bool = False
    asked_live_count: int = 0

    async def user_named(self, name: str) -> User | None:
        self._answer()
        return next((user for user in self.by_id.values() if user.name == name), None)

    async def user(self, user_id: str) -> User | None:
        self._answer()
        return self.by_id.get(user_id)

    async def users(self, tenant_id: str | None, after: tuple[datetime, str] | None, limit: int) -> Sequence[User]:
        self._answer()
        found = sorted(self.by_id.values(), key=lambda user: (user.created_at, user.id), reverse=True)
        return [
            user
            for user in found
            if tenant_id in (None, user.tenant_id) and (after is None or (user.created_at, user.id) < after)
        ][:limit]

    async def has_users(self) -> bool:
        self._answer()
        return bool(self.by_id)

    async def add_user(self, user: User) -> bool:
        if await self.user_named(user.name) is not None:
            return False
        self.by_id[user.id] = user
        return True

    async def add_first(self, users: Sequence[User]) -> bool:
        self._answer()
        if self.by_id:
            return False
        self.by_id.update({user.id: user for user in users})
        return True

    async def change_user(self, user_id: str, change: UserChange) -> User | None:
        self._answer()
        user = self.by_id.get(user_id)
        if user is None:
            return None
        roles = user.roles if change.roles is None else change.roles
        disabled = user.disabled if change.disabled is None else change.disabled
        tags = user.tags if change.tags is None else change.tags
        differs = (roles, disabled, tags) != (user.roles, user.disabled, user.tags)
        version = user.session_version + differs
        number, told = self.standings.get(user_id, (1, 1))
        self.standings[user_id] = number + (disabled != user.disabled), told
        self.by_id[user_id] = replace(user, roles=roles, disabled=disabled, session_version=version, tags=tags)
        return self.by_id[user_id]

    async def set_password(self, user_id: str, new: str, *, expected: str | None, must_change: bool) -> bool:
        self._answer()
        user = self.by_id.get(user_id)
        if user is None or expected not in (None, user.password_hash):
            return False
        version = user.session_version + 1
        self.by_id[user_id] = replace(
            user, password_hash=new, must_change_password=must_change, session_version=version
        )
        return True

    async def end_sessions(self, user_id: str) -> bool:
        self._answer()
        if user_id not in self.by_id:
            return False
        user = self.by_id[user_id]
        self.by_id[user_id] = replace(user, session_version=user.session_version + 1)
        return True

    async def open_session(self, opening: Opening) -> Live | None:
        self._answer()
        user, session = self.by_id.get(opening.user_id), opening.session
        if user is None or user.password_hash != opening.password_hash or user.disabled or user.must_change_password:
            return None
        own = [kept.session for kept in self.kept.values() if kept.user_id == user.id]
        surplus = max(0, len(own) - SESSIONS_PER_USER_COUNT_MAX + 1)
        for crowded in sorted(own, key=lambda one: one.last_used_at)[:surplus]:
            del self.kept[crowded.id]
        self.by_id[user.id] = replace(user, last_login_at=session.created_at)
        self.kept[session.id] = Kept(session, user.id, user.session_version)
        self.tokens[opening.digest] = (session.id, False)
        return self._live(session.id, session.created_at)

    async def rotate(self, rotation: Rotation) -> Live | None:
        self._answer()
        session_id, is_used = self.tokens.get(rotation.digest, ("", True))
        live = None if is_used else self._live(session_id, rotation.at)
        if live is not None:
            self.tokens |= {rotation.digest: (session_id, True), rotation.successor: (session_id, False)}
            kept = self.kept[session_id]
            until = min(rotation.idle_until, kept.session.expires_at)
            kept.session = replace(kept.session, last_used_at=rotation.at, idle_until=until)
        return live

    async def end_reused(self, digest: bytes, at: datetime) -> str | None:
        self._answer()
        session_id, is_used = self.tokens.get(digest, ("", False))
        kept = self.kept.get(session_id)
        if kept is None or not is_used or kept.revoked:
            return None
        kept.revoked = True
        return session_id

    async def end_session_of(self, digest: bytes, at: datetime) -> None:
        self._answer()
        if (kept := self.kept.get(self.tokens.get(digest, ("", False))[0])) is not None:
            kept.revoked = True

    async def sessions(self, user_id: str, at: datetime) -> Sequence[Session]:
        self._answer()
        own = [kept.session for id_, kept in self.kept.items() if kept.user_id == user_id and self._live(id_, at)]
        return sorted(own, key=lambda session: session.last_used_at, reverse=True)

    async def end_session(self, user_id: str, session_id: str, at: datetime) -> bool:
        self._answer()
        live = self._live(session_id, at)
        if live is None or live.user_id != user_id:
            return False
        self.kept[session_id].revoked = True
        return True

    async def live(self, session_id: str, at: datetime) -> Live | None:
        self._answer()
        self.asked_live_count += 1
        return self._live(session_id, at)

    async def standing(self, user_id: str) -> Standing | None:
        self._answer()
        if (user := self.by_id.get(user_id)) is None:
            return None
        number, told = self.standings.get(user_id, (1, 1))
        return Standing(user_id, user.tenant_id, user.name, user.disabled, number, number == told)

    async def untold(self, after_id: str, limit: int) -> Sequence[Standing]:
        self._answer()
        found = [await self.standing(user_id) for user_id in sorted(self.by_id) if user_id > after_id]
        return [one for one in found if one is not None and not one.is_told][:limit]

    async def told(self, standing: Standing) -> bool:
        self._answer()
        number, _ = self.standings.get(standing.user_id, (1, 1))
        is_present = number == standing.number
        self.standings[standing.user_id] = number, number if is_present else 0
        return is_present

    async def attempt(self, by: Counted, subject: bytes, at: datetime, waits_s: Sequence[float]) -> datetime | None:
        self._answer()
        known = self.attempts.get((by, subject))
        if known is not None and known.blocked_until > at:
            return max(known.blocked_until, at + timedelta(seconds=1))
        begins = known is None or known.last_at < at - FORGOTTEN_AFTER
        number = 1 if known is None or begins else min(known.failure_count + 1, COUNT_MAX)
        wait = timedelta(seconds=waits_s[min(number, len(waits_s)) - 1])
        self.attempts[by, subject] = Attempts(number, at, at + wait)
        return None

    async def forgive(self, account: bytes, address: bytes, at: datetime) -> None:
        self._answer()
        self.attempts.pop((Counted.ACCOUNT, account), None)
        if (known := self.attempts.get((Counted.ADDRESS, address))) is not None:
            known.failure_count, known.blocked_until = max(0, known.failure_count - 1), at

    async def prune(self, at: datetime) -> int:
        self._answer()
        old = [id_ for id_, kept in self.kept.items() if kept.session.idle_until < at]
        forgotten = [key for key, known in self.attempts.items() if known.last_at < at - FORGOTTEN_AFTER]
        for id_ in old:
            del self.kept[id_]
        for key in forgotten:
            del self.attempts[key]
        return len(old) + len(forgotten)

    def _live(self, session_id: str, at: datetime) -> Live | None:
        kept = self.kept.get(session_id)
        if kept is None or kept.revoked or kept.session.idle_until <= at:
            return None
        user = self.by_id[kept.user_id]
        if user.disabled or user.must_change_password or user.session_version != kept.version:
            return None
        return Live(session_id, user.id, user.tenant_id, user.name, user.roles, kept.version, user.tags)

    def _answer(self) -> None:
        if self.is_away:
            raise AccountsUnavailable


class PlainHasher:
    """Hashes by name only; counts what it is asked to do."""

    def __init__(self) -> None:
        self.verified: list[bool] = []

    async def hash(self, password: bytes) -> str:
        return f"hash of {password.decode()}"

    async def verify(self, password: bytes, hashed: str | None) -> bool:
        self.verified.append(hashed is not None)
        return hashed == f"hash of {password.decode()}"


def counted_secrets() -> Callable[[int], str]:
    """Secrets in a row."""
    numbers = count(1)
    return lambda _: f"one-time-secret-{next(numbers)}"


@dataclass
class Issuing:
    """An issuer, and what it stands on."""

    store: MemoryAccounts
    hasher: PlainHasher
    keys: LocalKeys
    built_in: BuiltIn
    callers: AccountTokens

    def add(
        self, name: str, tenant_id: str, *roles: str, must_change: bool = False, tags: tuple[str, ...] = ()
    ) -> User:
        """A user whose password is `password_of(name)`."""
        user = User(
            id=f"22222222-2222-4222-8222-{len(self.store.by_id):012d}",
            tenant_id=tenant_id,
            name=name,
            roles=roles,
            created_at=self.built_in.sign_in.clock.now(),
            password_hash=f"hash of {password_of(name)}",
            must_change_password=must_change,
            tags=tags,
        )
        self.store.by_id[user.id] = user
        return user

    def add_platform_admin(self, name: str = "root") -> User:
        """One of those who belong to no tenant."""
        return self.add(name, SYSTEM_TENANT, "platform-admin")


def password_of(name: str) -> str:
    """The password of a user whom `Issuing.add` made."""
    return f"correct horse of {name}"


def issuing(clock: Clock, ids: Ids) -> Issuing:
    """An issuer without users."""
    store, hasher, keys = MemoryAccounts(), PlainHasher(), LocalKeys(Ed25519PrivateKey.generate(), [])
    secrets = counted_secrets()
    built_in = BuiltIn(
        SignIn(store, hasher, keys, clock, ids, secrets), Administration(store, hasher, clock, ids, secrets)
    )
    callers = AccountTokens(TokenReader(BUILT_IN, keys, clock), SessionStates(store, clock))
    return Issuing(store, hasher, keys, built_in, callers)
