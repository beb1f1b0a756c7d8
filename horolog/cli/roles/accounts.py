"""The built-in issuer of access tokens, put together.

A module of its own, loaded where the issuer is on: its libraries take 15 MB of memory.
"""

import asyncio
import secrets
import sys
from contextlib import AsyncExitStack

from horolog.ports import Clock, Ids
from projections.connections import open_pool
from projections.migrate import EVERYTHING, Release, migrate
from schemas.events.workers import SYSTEM_TENANT
from services.api.account_tokens import AccountTokens
from services.api.accounts.administration import Administration
from services.api.accounts.built_in import BuiltIn
from services.api.accounts.hashing import Argon2Hasher
from services.api.accounts.postgres import MIGRATIONS, SCHEMA, PostgresAccounts
from services.api.accounts.sign_in import SignIn
from services.api.accounts.signing import BUILT_IN, read_keys
from services.api.accounts.states import SessionStates
from services.api.accounts.upkeep import FirstUser, Upkeep
from services.api.permissions import PLATFORM_ADMIN
from services.api.ports import Authenticator
from services.api.settings import BuiltInIssuer
from services.api.signed_tokens import TokenReader

SIGN_IN_CONNECTION_COUNT_MAX = 4
STATE_CONNECTION_COUNT_MAX = 2
"""Of their own, so that callers are recognised however many others try to sign in."""


async def open_accounts(
    issuer: BuiltInIssuer, dsn: str, clock: Clock, ids: Ids, stack: AsyncExitStack
) -> tuple[BuiltIn, Authenticator]:
    """The issuer, and whoever believes its tokens; what they need is closed with the stack.

    Raises:
        services.api.settings.SettingsError: a key file cannot be used.
    """
    keys = read_keys(issuer.key_files)
    store = await _store(dsn, SIGN_IN_CONNECTION_COUNT_MAX, stack)
    states = SessionStates(await _store(dsn, STATE_CONNECTION_COUNT_MAX, stack), clock)
    hasher = Argon2Hasher()
    stack.callback(hasher.close)
    upkeep = Upkeep(store, hasher, clock, ids, secrets.token_urlsafe, _first(issuer), _tell)
    stack.push_async_callback(_ended, asyncio.create_task(upkeep.run()))
    built_in = BuiltIn(
        SignIn(store, hasher, keys, clock, ids, secrets.token_urlsafe),
        Administration(store, hasher, clock, ids, secrets.token_urlsafe),
    )
    return built_in, AccountTokens(TokenReader(BUILT_IN, keys, clock), states)


async def migrate_accounts(dsn: str, release: Release = EVERYTHING) -> list[str]:
    """Bring the accounts' schema up to date; the names applied, as `projections.migrate.migrate` tells them."""
    return [f"{SCHEMA}/{name}" for name in await migrate(dsn, MIGRATIONS, SCHEMA, release)]


async def _store(dsn: str, connection_count_max: int, stack: AsyncExitStack) -> PostgresAccounts:
    pool = await open_pool(dsn, connection_count_max)
    stack.push_async_callback(pool.close)
    return PostgresAccounts(pool)


def _first(issuer: BuiltInIssuer) -> list[FirstUser]:
    first = [FirstUser("admin", SYSTEM_TENANT, (PLATFORM_ADMIN,))]
    if issuer.first_tenant is not None:
        first.append(FirstUser("dev", issuer.first_tenant, ("admin",)))
    return first


def _tell(sentence: str) -> None:
    sys.stderr.write(f"horolog: {sentence}\n")
    sys.stderr.flush()


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
