"""Brings a database to the schema that this version of the code speaks, one numbered file at a time.

Guarantee: each migration is applied once and in order, however many processes try at the same time (an advisory
lock lets one in), all of them in one transaction. A database that was migrated by newer code, or with a file whose
text has changed since, is refused untouched.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from projections.connections import SCHEMA_LOCK, connect
from projections.roles import RolesRefused, ensure_roles

MIGRATIONS = Path(__file__).parent / "migrations"
_FILE_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")


class MigrationRefused(Exception):
    """The database's history and the code's migrations contradict each other; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file. `checksum` is the SHA-256 of its text."""

    name: str
    sql: str
    checksum: str


def migrations(folder: Path = MIGRATIONS) -> Sequence[Migration]:
    """Every migration in the folder, in the order of application."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        if not _FILE_NAME.match(path.name):
            raise MigrationRefused(f"{path.name!r} is not named like 0001_what_it_does.sql")
        sql = path.read_text(encoding="utf-8")
        found.append(Migration(path.stem, sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


async def migrate(dsn: str, folder: Path = MIGRATIONS, schema: str | None = None) -> list[str]:
    """Apply what is missing; returns the names applied, oldest first.

    With a `schema`, into that one, which is created; what it has applied is told by a table of its own there.

    Raises:
        MigrationRefused: the database knows a migration that the code does not, or with another text; or the roles
            that the API reads as are missing, and this login may not make them.
        OSError, asyncpg.PostgresError: the database cannot be reached, or refuses a statement.
    """
    connection = await connect(dsn, "horolog-migrate", schema)
    try:
        return await apply_migrations(connection, folder, schema)
    finally:
        await connection.close()


async def apply_migrations(
    connection: asyncpg.Connection, folder: Path = MIGRATIONS, schema: str | None = None
) -> list[str]:
    """Apply what is missing through an open connection, into the first schema of its search path.

    That is `schema`, if one is named, which is created when it is missing.
    """
    known = migrations(folder)
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", SCHEMA_LOCK)
        # Looked for first: `if not exists` demands the right to create one all the same.
        if schema is not None and not await connection.fetch("select from pg_namespace where nspname = $1", schema):
            await connection.execute('create schema "' + schema.replace('"', '""') + '"')
        await connection.execute(
            "create table if not exists schema_migrations ("
            " name text primary key, checksum text not null, applied_at timestamptz not null default now())"
        )
        rows = await connection.fetch("select name, checksum from schema_migrations")
        applied = {row["name"]: row["checksum"] for row in rows}
        missing = missing_migrations(known, applied)
        try:
            await ensure_roles(connection)
        except RolesRefused as error:
            raise MigrationRefused(str(error)) from error
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                "insert into schema_migrations (name, checksum) values ($1, $2)",
                migration.name,
                migration.checksum,
            )
    return [migration.name for migration in missing]


def missing_migrations(known: Sequence[Migration], applied: dict[str, str]) -> list[Migration]:
    """What is still to be applied, in order.

    Raises:
        MigrationRefused: as `migrate` says; also when a gap would have to be filled.
    """
    unknown = sorted(applied.keys() - {migration.name for migration in known})
    if unknown:
        raise MigrationRefused(f"the database was migrated by newer code, which added {', '.join(unknown)}")
    changed = [m.name for m in known if m.name in applied and applied[m.name] != m.checksum]
    if changed:
        raise MigrationRefused(f"the text of {', '.join(changed)} is not the one that was applied")
    missing = [migration for migration in known if migration.name not in applied]
    if applied and any(migration.name < max(applied) for migration in missing):
        raise MigrationRefused(f"{missing[0].name} comes before {max(applied)}, which has been applied")
    return missing
