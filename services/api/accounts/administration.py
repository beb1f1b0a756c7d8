"""Creating users, and changing what they may do.

Guarantee: an administrator of a tenant reaches users of that tenant only, and grants roles of a tenant only; for it,
others do not exist. Nobody changes its own roles or disables itself, so an administrator always remains.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from horolog.ports import Clock, Ids
from services.api.accounts.bounds import ONE_TIME_PASSWORD_BYTES
from services.api.accounts.ports import AccountStore, Hasher, NewSecret, UserChange
from services.api.accounts.sign_in import refused
from services.api.accounts.users import RefusedUser, Session, User, checked_name, checked_roles, checked_tags
from services.api.errors import ApiError


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who manages: users of this tenant, or (None) of every tenant."""

    user_id: str
    tenant_id: str | None


@dataclass(frozen=True, slots=True)
class Administration:
    """Manages users."""

    store: AccountStore
    hasher: Hasher
    clock: Clock
    ids: Ids
    new_secret: NewSecret

    async def create(
        self, by: Administrator, name: str, roles: Sequence[str], tenant_id: str, tags: Sequence[str] = ()
    ) -> tuple[User, str]:
        """A new user, and the password that it changes at its first sign-in.

        Raises:
            ApiError: INVALID_BODY, USER_ALREADY_EXISTS, FORBIDDEN for another tenant.
        """
        if by.tenant_id not in (None, tenant_id):
            raise ApiError("FORBIDDEN")
        secret = self.new_secret(ONE_TIME_PASSWORD_BYTES)
        try:
            user = User(
                id=self.ids.new(),
                tenant_id=tenant_id,
                name=checked_name(name),
                roles=checked_roles(roles, tenant_id),
                created_at=self.clock.now(),
                password_hash=await self.hasher.hash(secret.encode()),
                tags=checked_tags(tags, roles),
            )
        except RefusedUser as error:
            raise refused(error) from error
        if not await self.store.add_user(user):
            raise ApiError("USER_ALREADY_EXISTS")
        return user, secret

    async def list(
        self, by: Administrator, tenant_id: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[User]:
        """The users whom the administrator may see, newest first; of one tenant, if it says which."""
        if by.tenant_id is not None and tenant_id not in (None, by.tenant_id):
            return []
        return await self.store.users(by.tenant_id or tenant_id, after, limit)

    async def find(self, by: Administrator, user_id: str) -> User:
        """One user.

        Raises:
            ApiError: USER_NOT_FOUND, also for one of another tenant.
        """
        user = await self.store.user(user_id)
        if user is None or by.tenant_id not in (None, user.tenant_id):
            raise ApiError("USER_NOT_FOUND")
        return user

    async def change(self, by: Administrator, user_id: str, change: UserChange) -> User:
        """The user with other roles or tags, disabled or enabled; that ends its sessions.

        Raises:
            ApiError: USER_NOT_FOUND, INVALID_BODY, OWN_ACCOUNT.
        """
        user = await self.find(by, user_id)
        if user.id == by.user_id:
            raise ApiError("OWN_ACCOUNT")
        try:
            roles = None if change.roles is None else checked_roles(change.roles, user.tenant_id)
            tags = checked_tags(user.tags if change.tags is None else change.tags, roles or user.roles)
        except RefusedUser as error:
            raise refused(error) from error
        granted = replace(change, roles=roles, tags=None if change.tags is None else tags)
        changed = await self.store.change_user(user.id, granted)
        if changed is None:
            raise ApiError("USER_NOT_FOUND")
        return changed

    async def reset_password(self, by: Administrator, user_id: str) -> str:
        """A new password that is to be changed at the next sign-in; the old one and all sessions are void.

        Raises:
            ApiError: USER_NOT_FOUND
        """
        user = await self.find(by, user_id)
        secret = self.new_secret(ONE_TIME_PASSWORD_BYTES)
        hashed = await self.hasher.hash(secret.encode())
        if not await self.store.set_password(user.id, hashed, expected=None, must_change=True):
            raise ApiError("USER_NOT_FOUND")
        return secret

    async def revoke(self, by: Administrator, user_id: str) -> None:
        """End all sessions of a user.

        Raises:
            ApiError: USER_NOT_FOUND
        """
        user = await self.find(by, user_id)
        if not await self.store.end_sessions(user.id):
            raise ApiError("USER_NOT_FOUND")

    async def sessions(self, by: Administrator, user_id: str) -> Sequence[Session]:
        """The sessions of a user that are good.

        Raises:
            ApiError: USER_NOT_FOUND
        """
        user = await self.find(by, user_id)
        return await self.store.sessions(user.id, self.clock.now())

    async def end_session(self, by: Administrator, user_id: str, session_id: str) -> None:
        """End one session of a user.

        Raises:
            ApiError: USER_NOT_FOUND, SESSION_NOT_FOUND.
        """
        user = await self.find(by, user_id)
        if not await self.store.end_session(user.id, session_id, self.clock.now()):
            raise ApiError("SESSION_NOT_FOUND")
