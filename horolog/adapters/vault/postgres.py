"""The vault in PostgreSQL.

Guarantee: the database sees ciphertext only. What one transaction decides about a tenant's keys and secrets, no other
undoes: each takes the tenant's lock first, so that no key is made while one is erased. Before anything else, the
master keys are held against the canaries; with wrong ones nothing is read or written.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from horolog.vault.cipher import Context, DataKey, Entropy, SealBroken, new_key, system_entropy
from horolog.vault.master_keys import MasterKeys, Wrapped
from horolog.vault.port import (
    KeyErased,
    KeyMissing,
    SecretMissing,
    SecretNote,
    VaultError,
    VaultUnavailable,
    WrongMasterKeys,
)
from horolog.version import connection_name

TIMEOUT_S = 5.0
CONNECTION_COUNT_MAX = 2
_LOCK = 0x686F7661
"""With a tenant's hash, the advisory lock of whoever decides about its keys ("hova")."""
_NOTE = "name, version, created_at, updated_at"
_PUT_SECRET = f"""insert into vault.secrets (tenant_id, name, version, sealed, created_at, updated_at)
values ($1, $2, $3, $4, $5, $5) on conflict (tenant_id, name)
do update set version = $3, sealed = $4, updated_at = $5 returning {_NOTE}"""  # noqa: S608 - constants only


@asynccontextmanager
async def open_vault(
    dsn: str, master_keys: MasterKeys, entropy: Entropy = system_entropy
) -> AsyncIterator["PostgresVault"]:
    """The vault at that address; connections are made when they are first needed."""
    async with asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=CONNECTION_COUNT_MAX,
        timeout=TIMEOUT_S,
        command_timeout=TIMEOUT_S,
        server_settings={"application_name": connection_name("horolog-vault"), "timezone": "UTC"},
    ) as pool:
        yield PostgresVault(pool, master_keys, entropy)


class PostgresVault:
    """Implements `Vault`."""

    def __init__(self, pool: asyncpg.Pool, master_keys: MasterKeys, entropy: Entropy = system_entropy) -> None:
        self._pool = pool
        self._master_keys = master_keys
        self._entropy = entropy
        self._is_checked = False

    async def check(self) -> None:
        async with self._connection() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            await self._check(connection)
        self._is_checked = True

    async def sealing_key(self, tenant_id: str) -> DataKey:
        try:
            return await self.opening_key(tenant_id)
        except KeyMissing:
            async with self._tenant(tenant_id) as connection:
                return await self._key_made(connection, tenant_id)

    async def opening_key(self, tenant_id: str) -> DataKey:
        async with self._checked() as connection:
            return await self._key(connection, tenant_id)

    async def secret(self, tenant_id: str, name: str) -> str:
        async with self._checked() as connection:
            key = await self._key_or_none(connection, tenant_id)
            sql = "select version, sealed from vault.secrets where tenant_id = $1 and name = $2"
            row = await connection.fetchrow(sql, tenant_id, name)
        if row is None or key is None:
            raise SecretMissing(f"there is no secret named {name!r}")
        value = _opened(key, row["sealed"], _place(tenant_id, name, row["version"]))
        assert isinstance(value, str)
        return value

    async def put_secret(self, tenant_id: str, name: str, value: str, at: datetime) -> SecretNote:
        async with self._tenant(tenant_id) as connection:
            key = await self._key_made(connection, tenant_id)
            sql = "select version from vault.secrets where tenant_id = $1 and name = $2"
            version = (await connection.fetchval(sql, tenant_id, name) or 0) + 1
            sealed = key.seal(value, _place(tenant_id, name, version), self._entropy)
            row = await connection.fetchrow(_PUT_SECRET, tenant_id, name, version, sealed, at)
        assert row is not None
        return SecretNote(**row)

    async def secrets(self, tenant_id: str) -> Sequence[SecretNote]:
        async with self._checked() as connection:
            sql = f"select {_NOTE} from vault.secrets where tenant_id = $1 order by name"  # noqa: S608 - constants only
            return [SecretNote(**row) for row in await connection.fetch(sql, tenant_id)]

    async def delete_secret(self, tenant_id: str, name: str) -> bool:
        async with self._tenant(tenant_id) as connection:
            sql = "delete from vault.secrets where tenant_id = $1 and name = $2"
            return _count(await connection.execute(sql, tenant_id, name)) > 0

    async def erase(self, tenant_id: str, at: datetime) -> bool:
        async with self._tenant(tenant_id) as connection:
            sql = "insert into vault.erased_tenants (tenant_id, erased_at) values ($1, $2) on conflict do nothing"
            await connection.execute(sql, tenant_id, at)
            secrets = await connection.execute("delete from vault.secrets where tenant_id = $1", tenant_id)
            keys = await connection.execute("delete from vault.tenant_keys where tenant_id = $1", tenant_id)
            return _count(secrets) + _count(keys) > 0

    async def wrapped_counts(self) -> dict[str, int]:
        """How many tenants' keys are wrapped under each master key that wraps any or has a canary."""
        sql = """select id, count(tenant_id) from (select master_key_id as id, tenant_id from vault.tenant_keys
        union all select master_key_id, null from vault.canaries) as known group by id order by id"""
        async with self._connection() as connection:
            return {row["id"]: row["count"] for row in await connection.fetch(sql)}

    async def rewrap(self) -> int:
        """Wrap every key anew that is not wrapped under the first master key; returns how many were.

        Canaries of master keys that are no longer named and no longer wrap anything are forgotten.
        """
        async with self._checked() as connection, connection.transaction():
            sql = "select * from vault.tenant_keys where master_key_id <> $1 for update"
            rows = await connection.fetch(sql, self._master_keys.first)
            for row in rows:
                tenant_id = str(row["tenant_id"])
                wrapped = self._master_keys.wrap(tenant_id, self._unwrapped(row), self._entropy)
                await connection.execute(
                    "update vault.tenant_keys set master_key_id = $2, sealed = $3, wrapped_at = now()"
                    " where tenant_id = $1",
                    *(tenant_id, wrapped.master_key_id, wrapped.sealed),
                )
            await connection.execute(
                "delete from vault.canaries where not master_key_id = any($1)", list(self._master_keys.keys)
            )
        return len(rows)

    async def _check(self, connection: PoolConnectionProxy) -> None:
        known = {r["master_key_id"]: r["sealed"] for r in await connection.fetch("select * from vault.canaries")}
        for key_id in self._master_keys.keys:
            if key_id not in known:
                sql = "insert into vault.canaries (master_key_id, sealed) values ($1, $2)"
                await connection.execute(sql, key_id, self._master_keys.canary(key_id, self._entropy))
            elif not self._master_keys.knows(key_id, known[key_id]):
                raise WrongMasterKeys(f"the master key {key_id!r} is not the one by which the vault was filled")
        used = await connection.fetch("select distinct master_key_id as id from vault.tenant_keys order by id")
        missing = [row["id"] for row in used if row["id"] not in self._master_keys.keys]
        if missing:
            raise WrongMasterKeys(f"keys of tenants are wrapped under master keys not named here: {', '.join(missing)}")

    async def _key_made(self, connection: PoolConnectionProxy, tenant_id: str) -> DataKey:
        key = await self._key_or_none(connection, tenant_id)
        if key is not None:
            return key
        made = new_key(self._entropy)
        wrapped = self._master_keys.wrap(tenant_id, made, self._entropy)
        await connection.execute(
            "insert into vault.tenant_keys (tenant_id, key_id, master_key_id, sealed) values ($1, $2, $3, $4)",
            *(tenant_id, wrapped.key_id, wrapped.master_key_id, wrapped.sealed),
        )
        return made

    async def _key(self, connection: PoolConnectionProxy, tenant_id: str) -> DataKey:
        key = await self._key_or_none(connection, tenant_id)
        if key is None:
            raise KeyMissing("the tenant has no key")
        return key

    async def _key_or_none(self, connection: PoolConnectionProxy, tenant_id: str) -> DataKey | None:
        erased = "select true from vault.erased_tenants where tenant_id = $1"
        if await connection.fetchval(erased, tenant_id):
            raise KeyErased("the tenant's key was erased")
        row = await connection.fetchrow("select * from vault.tenant_keys where tenant_id = $1", tenant_id)
        return None if row is None else self._unwrapped(row)

    def _unwrapped(self, row: asyncpg.Record) -> DataKey:
        try:
            wrapped = Wrapped(row["key_id"], row["master_key_id"], row["sealed"])
            return self._master_keys.unwrap(str(row["tenant_id"]), wrapped)
        except SealBroken as broken:
            raise WrongMasterKeys(f"a tenant's key does not unwrap: {broken}") from None

    @asynccontextmanager
    async def _tenant(self, tenant_id: str) -> AsyncIterator[PoolConnectionProxy]:
        """A transaction that decides about the tenant, alone."""
        async with self._checked() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1, hashtext($2))", _LOCK, tenant_id)
            yield connection

    @asynccontextmanager
    async def _checked(self) -> AsyncIterator[PoolConnectionProxy]:
        if not self._is_checked:
            await self.check()
        async with self._connection() as connection:
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[PoolConnectionProxy]:
        try:
            async with self._pool.acquire(timeout=TIMEOUT_S) as connection:
                yield connection
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Without what the server says: a statement's arguments are none of a reader's business.
            raise VaultUnavailable(f"the vault does not answer: {type(error).__name__}") from None


def _place(tenant_id: str, name: str, version: int) -> Context:
    return Context(tenant_id, "secret", name, str(version))


def _opened(key: DataKey, sealed: str, place: Context) -> Any:
    try:
        return key.open(sealed, place)
    except SealBroken as broken:
        raise VaultError(f"a secret cannot be read: {broken}") from None


def _count(tag: str) -> int:
    # The server's tag of a deletion: "DELETE 3".
    return int(tag.rpartition(" ")[2])
