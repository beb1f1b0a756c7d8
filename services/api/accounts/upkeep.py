"""What the issuer does by itself: creating the first users, and removing what is over.

Guarantee: of all processes that start at once on empty accounts, one creates the first users and tells their one-time
passwords, once. There is no password that anybody could know beforehand.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from horolog.ports import Clock, Ids
from services.api.accounts.bounds import ONE_TIME_PASSWORD_BYTES, UPKEEP_INTERVAL_S, UPKEEP_RETRY_S
from services.api.accounts.ports import AccountStore, Hasher, NewSecret
from services.api.accounts.users import User
from services.api.errors import ApiError

_LOG = logging.getLogger("horolog.api.accounts")


@dataclass(frozen=True, slots=True)
class FirstUser:
    """A user to begin with."""

    name: str
    tenant_id: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Looks after the accounts. `tell` is given the sentences about first users: they hold passwords, and go to whoever
    started the process, never to a log.
    """

    store: AccountStore
    hasher: Hasher
    clock: Clock
    ids: Ids
    new_secret: NewSecret
    first: Sequence[FirstUser]
    tell: Callable[[str], None]

    async def run(self) -> None:
        """Until cancelled; a database that is away is asked again soon."""
        while True:
            interval_s = UPKEEP_INTERVAL_S
            try:
                await self.run_once()
            except ApiError as error:
                interval_s = UPKEEP_RETRY_S
                _LOG.warning("the accounts could not be looked after: %s", error.code)
            except Exception:  # noqa: BLE001 - logged; nobody waits for this task, and it must not end for good
                interval_s = UPKEEP_RETRY_S
                _LOG.exception("looking after the accounts failed")
            await self.clock.sleep(interval_s)

    async def run_once(self) -> None:
        """Create the first users where there is none, and remove what is over.

        Raises:
            ApiError: AUTH_UNAVAILABLE, OVERLOADED.
        """
        await self._begin()
        while await self.store.prune(self.clock.now()) > 0:
            pass

    async def _begin(self) -> None:
        if await self.store.has_users():
            return
        secrets = [self.new_secret(ONE_TIME_PASSWORD_BYTES) for _ in self.first]
        users = [
            User(
                id=self.ids.new(),
                tenant_id=one.tenant_id,
                name=one.name,
                roles=one.roles,
                created_at=self.clock.now(),
                password_hash=await self.hasher.hash(secret.encode()),
            )
            for one, secret in zip(self.first, secrets, strict=True)
        ]
        if await self.store.add_first(users):
            for user, secret in zip(users, secrets, strict=True):
                roles = ", ".join(user.roles)
                self.tell(f"user {user.name} ({roles}), one-time password: {secret}")
