"""Accounts in PostgreSQL, in the schema `accounts`.

Guarantee: a token is used up, an attempt counted and the first users created by one statement or transaction each, so
that API processes at the same time agree. Whatever keeps the database from answering ends in `AccountsUnavailable`, in
bounded time, and never in an answer.
"""

import logging
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from services.api.accounts.backoff import COUNT_MAX, FORGOTTEN_AFTER
from services.api.accounts.bounds import SESSIONS_PER_USER_COUNT_MAX
from services.api.accounts.ports import AccountsUnavailable, Counted, Opening, Rotation, UserChange
from services.api.accounts.users import Live, Session, Standing, User
from services.api.patience import within

SCHEMA = "accounts"
MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_S_MAX = 5.0
PRUNED_COUNT_MAX = 1000
_FIRST_LOCK = 0x686F61636374
"""The advisory lock under which the first users are created ("hoacct")."""
_SQL = Path(__file__).parent / "sql"
_LOG = logging.getLogger("horolog.api.accounts")
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
_USER = (
    "id::text, tenant_id::text, name, roles, created_at, password_hash, disabled, must_change_password, "
    "session_version, last_login_at, tags"
)
_LIVE = "session_id::text, user_id::text, tenant_id::text, name, roles, session_version, tags"
_STANDING = (
    "id::text as user_id, tenant_id::text, name, disabled, standing as number, standing = standing_told as is_told"
)
_T = TypeVar("_T")


class PostgresAccounts:
    """Implements `AccountStore` over a pool of connections."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def user_named(self, name: str) -> User | None:
        return _one_user(await self._fetch(f"select {_USER} from accounts.users where name = $1", name))  # noqa: S608 - constants only

    async def user(self, user_id: str) -> User | None:
        return _one_user(await self._fetch(f"select {_USER} from accounts.users where id = $1", user_id))  # noqa: S608 - constants only

    async def users(self, tenant_id: str | None, after: tuple[datetime, str] | None, limit: int) -> Sequence[User]:
        at, id_ = after or (None, None)
        sql = f"""select {_USER} from accounts.users
        where ($1::uuid is null or tenant_id = $1) and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
        order by created_at desc, id desc limit $4"""  # noqa: S608 - constants and placeholders only
        return [_user(row) for row in await self._fetch(sql, tenant_id, at, id_, limit)]

    async def has_users(self) -> bool:
        return bool(await self._fetch("select from accounts.users limit 1"))

    async def add_user(self, user: User) -> bool:
        rows = await self._fetch(f"{_INSERT} on conflict (name) do nothing returning 1", *_values(user))
        return bool(rows)

    async def add_first(self, users: Sequence[User]) -> bool:
        return await _answered(self._add_first(users))

    async def change_user(self, user_id: str, change: UserChange) -> User | None:
        sql = f"""update accounts.users set
            roles = coalesce($2, roles),
            disabled = coalesce($3, disabled),
            tags = coalesce($4, tags),
            session_version = session_version + (
                coalesce($2, roles) <> roles or coalesce($3, disabled) <> disabled or coalesce($4, tags) <> tags
            )::integer,
            standing = standing + (coalesce($3, disabled) <> disabled)::integer
        where id = $1 returning {_USER}"""  # noqa: S608 - constants and placeholders only
        roles, tags = (None if words is None else list(words) for words in (change.roles, change.tags))
        return _one_user(await self._fetch(sql, user_id, roles, change.disabled, tags))

    async def set_password(self, user_id: str, new: str, *, expected: str | None, must_change: bool) -> bool:
        sql = """update accounts.users set
            password_hash = $2, must_change_password = $4, session_version = session_version + 1
        where id = $1 and ($3::text is null or password_hash = $3) returning 1"""
        return bool(await self._fetch(sql, user_id, new, expected, must_change))

    async def end_sessions(self, user_id: str) -> bool:
        sql = "update accounts.users set session_version = session_version + 1 where id = $1 returning 1"
        return bool(await self._fetch(sql, user_id))

    async def open_session(self, opening: Opening) -> Live | None:
        session = opening.session
        rows = await self._fetch(
            _statement("open_session"),
            session.id,
            opening.user_id,
            opening.password_hash,
            session.created_at,
            session.idle_until,
            session.expires_at,
            opening.digest,
            SESSIONS_PER_USER_COUNT_MAX - 1,
        )
        return _one_live(rows)

    async def rotate(self, rotation: Rotation) -> Live | None:
        rows = await self._fetch(
            _statement("rotate"), rotation.digest, rotation.at, rotation.successor, rotation.idle_until
        )
        return _one_live(rows)

    async def end_reused(self, digest: bytes, at: datetime) -> str | None:
        rows = await self._fetch(_statement("end_reused"), digest, at)
        return rows[0]["id"] if rows else None

    async def end_session_of(self, digest: bytes, at: datetime) -> None:
        sql = """update accounts.sessions as session set revoked_at = $2 from accounts.refresh_tokens as token
        where token.digest = $1 and session.id = token.session_id and session.revoked_at is null"""
        await self._fetch(sql, digest, at)

    async def sessions(self, user_id: str, at: datetime) -> Sequence[Session]:
        sql = """select session.id::text, session.created_at, session.last_used_at, session.idle_until,
            session.expires_at
        from accounts.sessions as session join accounts.live_sessions as live on live.session_id = session.id
        where session.user_id = $1 and session.idle_until > $2 order by session.last_used_at desc, session.id"""
        return [Session(**row) for row in await self._fetch(sql, user_id, at)]

    async def end_session(self, user_id: str, session_id: str, at: datetime) -> bool:
        sql = """update accounts.sessions as session set revoked_at = $3 from accounts.live_sessions as live
        where session.id = $2 and session.user_id = $1 and live.session_id = session.id and live.idle_until > $3
        returning 1"""
        return bool(await self._fetch(sql, user_id, session_id, at))

    async def live(self, session_id: str, at: datetime) -> Live | None:
        sql = f"select {_LIVE} from accounts.live_sessions where session_id = $1 and idle_until > $2"  # noqa: S608 - constants only
        return _one_live(await self._fetch(sql, session_id, at))

    async def standing(self, user_id: str) -> Standing | None:
        rows = await self._fetch(f"select {_STANDING} from accounts.users where id = $1", user_id)  # noqa: S608 - constants only
        return Standing(**rows[0]) if rows else None

    async def untold(self, after_id: str, limit: int) -> Sequence[Standing]:
        sql = f"""select {_STANDING} from accounts.users
        where standing <> standing_told and id > $1 order by id limit $2"""  # noqa: S608 - constants and placeholders only
        return [Standing(**row) for row in await self._fetch(sql, after_id, limit)]

    async def told(self, standing: Standing) -> bool:
        # No user has the standing 0: that is still to be told, whatever the present one is.
        sql = """update accounts.users set standing_told = case when standing = $2 then standing else 0 end
        where id = $1 returning standing = $2 as is_present"""
        rows = await self._fetch(sql, standing.user_id, standing.number)
        return bool(rows) and bool(rows[0]["is_present"])

    async def attempt(self, by: Counted, subject: bytes, at: datetime, waits_s: Sequence[float]) -> datetime | None:
        forgotten = at - FORGOTTEN_AFTER
        counted = await self._fetch(_statement("attempt"), by, subject, at, list(waits_s), forgotten, COUNT_MAX)
        if counted:
            return None
        sql = "select blocked_until from accounts.attempts where counted_by = $1 and subject = $2"
        rows = await self._fetch(sql, by, subject)
        # Whoever has just been forgiven may try again at once, but is asked to come back for it.
        end: datetime = rows[0]["blocked_until"] if rows else at
        return max(end, at + timedelta(seconds=1))

    async def forgive(self, account: bytes, address: bytes, at: datetime) -> None:
        sql = """with account as (
            delete from accounts.attempts where counted_by = 'account' and subject = $1
        )
        update accounts.attempts set failure_count = greatest(failure_count - 1, 0), blocked_until = $3
        where counted_by = 'address' and subject = $2"""
        await self._fetch(sql, account, address, at)

    async def prune(self, at: datetime) -> int:
        rows = await self._fetch(_statement("prune"), at, at - FORGOTTEN_AFTER, PRUNED_COUNT_MAX)
        return int(rows[0]["count"])

    async def _fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        return await _answered(self._asked(sql, arguments))

    async def _asked(self, sql: str, arguments: tuple[Any, ...]) -> list[asyncpg.Record]:
        async with self._pool.acquire(timeout=WAIT_S_MAX) as connection:
            return list(await connection.fetch(sql, *arguments, timeout=WAIT_S_MAX))

    async def _add_first(self, users: Sequence[User]) -> bool:
        async with self._pool.acquire(timeout=WAIT_S_MAX) as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _FIRST_LOCK)
            if await connection.fetch("select from accounts.users limit 1"):
                return False
            await connection.executemany(_INSERT, [_values(user) for user in users])
            return True


_INSERT = """insert into accounts.users
(
    id, tenant_id, name, roles, created_at, password_hash, disabled, must_change_password, session_version,
    last_login_at, tags
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""


async def _answered(question: Awaitable[_T]) -> _T:
    try:
        return await within(WAIT_S_MAX, question)
    except _AWAY as error:
        # Not its words, which may show values of the statement.
        _LOG.warning("the accounts cannot be reached: %s", type(error).__name__)
        raise AccountsUnavailable from error


@cache
def _statement(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _values(user: User) -> tuple[Any, ...]:
    return (
        user.id,
        user.tenant_id,
        user.name,
        list(user.roles),
        user.created_at,
        user.password_hash,
        user.disabled,
        user.must_change_password,
        user.session_version,
        user.last_login_at,
        list(user.tags),
    )


def _user(row: asyncpg.Record) -> User:
    return User(**{**row, "roles": tuple(row["roles"]), "tags": tuple(row["tags"])})


def _one_user(rows: Sequence[asyncpg.Record]) -> User | None:
    return _user(rows[0]) if rows else None


def _one_live(rows: Sequence[asyncpg.Record]) -> Live | None:
    return Live(**{**rows[0], "roles": tuple(rows[0]["roles"]), "tags": tuple(rows[0]["tags"])}) if rows else None
