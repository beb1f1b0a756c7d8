"""Real Postgres and Valkey for the tests: one private server each per session, one fresh database per test.

Nothing is started until a test asks for it. ``HOROLOG_TEST_DATABASE_URL`` and ``HOROLOG_TEST_REDIS_URL`` name
servers to use instead; the first must let its user create databases.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from horolog.adapters.servers import PrivatePostgres, PrivateValkey
from horolog.cli.notification_schema import migrate_notifications
from horolog.cli.vault_schema import migrate_vault
from projections.migrate import migrate

DATABASE_URL = "HOROLOG_TEST_DATABASE_URL"
REDIS_URL = "HOROLOG_TEST_REDIS_URL"

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A server's maintenance database; tests take ``database`` instead, which is theirs alone."""
    given = os.environ.get(DATABASE_URL)
    if given:
        yield given
        return
    with _reachable_folder("horolog-postgres-") as folder:
        postgres = PrivatePostgres(folder)
        try:
            yield postgres.start()
        finally:
            postgres.stop()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Valkey shared by the session: tests keep to keys of their own."""
    given = os.environ.get(REDIS_URL)
    if given:
        yield given
        return
    with _reachable_folder("horolog-valkey-") as folder:
        valkey = PrivateValkey(folder)
        try:
            yield valkey.start()
        finally:
            valkey.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_dsn: str) -> Iterator[str]:
    """The name of a database that has every migration: migrated once, copied for each test."""
    name = f"horolog_test_{os.getpid()}_template"
    asyncio.run(_create_migrated(postgres_dsn, name))
    yield name
    asyncio.run(_drop(postgres_dsn, name))


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[str]:
    """An empty database for one test, dropped after it, whatever is still connected to it."""
    async with _temporary_database(postgres_dsn, template="template0") as dsn:
        yield dsn


@pytest.fixture
async def migrated_database(postgres_dsn: str, migrated_template: str) -> AsyncIterator[str]:
    """A database with the read models' schema and no rows, for one test."""
    async with _temporary_database(postgres_dsn, template=migrated_template) as dsn:
        yield dsn


def with_database(dsn: str, name: str) -> str:
    """The same server's DSN for another database; the query, which may name a socket folder, stays."""
    location, question, query = dsn.partition("?")
    scheme, separator, rest = location.partition("://")
    authority = rest.partition("/")[0]
    return f"{scheme}{separator}{authority}/{name}{question}{query}"


@contextmanager
def database_on(server: str) -> Iterator[str]:
    """An empty database for what is no coroutine, dropped at the end."""
    name = f"horolog_test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_execute(server, f'CREATE DATABASE "{name}" TEMPLATE template0'))
    try:
        yield with_database(server, name)
    finally:
        asyncio.run(_drop(server, name))


@contextmanager
def _reachable_folder(prefix: str) -> Iterator[Path]:
    # pytest's own temporary folders are closed to the unprivileged user that servers run as under root, and
    # their paths are too long for a Unix socket.
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@asynccontextmanager
async def _temporary_database(server: str, template: str) -> AsyncIterator[str]:
    name = f"horolog_test_{os.getpid()}_{next(_numbers)}"
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield with_database(server, name)
    finally:
        await _drop(server, name)


async def _create_migrated(server: str, name: str) -> None:
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
    await migrate(with_database(server, name))
    await migrate_vault(with_database(server, name))
    await migrate_notifications(with_database(server, name))


async def _drop(server: str, name: str) -> None:
    await _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
