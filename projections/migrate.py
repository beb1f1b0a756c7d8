"""Brings a database to the schema that this version of the code speaks, one numbered file at a time.

`0008_what_it_does.sql` is applied before the new code starts: the code before it works with that schema as well.
`0009_what_it_does.post.sql` is applied after the last process of the code before it has ended: it takes away what only
that code used.

Guarantee: each migration is applied once and in order, however many processes try at the same time (an advisory
lock lets one in), all of them in one transaction. A database that was migrated by newer code, or with a file whose
text has changed since, is refused untouched; so is whatever would take away what an older version at work still uses.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import asyncpg

from horolog.version import own_version
from projections.at_work import older_at_work
from projections.connections import SCHEMA_LOCK, connect
from projections.roles import RolesRefused, ensure_roles

MIGRATIONS = Path(__file__).parent / "migrations"
_FILE_NAME = re.compile(r"^\d{4}_[a-z0-9_]+(\.post)?\.sql$")


class Phase(StrEnum):
    """Which part of a deployment: before the new code starts, after the old code has ended, or both in one."""

    PRE = "pre"
    POST = "post"
    BOTH = "both"


class MigrationRefused(Exception):
    """The database's history and the code's migrations contradict each other; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file. `checksum` is the SHA-256 of its text."""

    name: str
    sql: str
    checksum: str

    @property
    def is_post(self) -> bool:
        """Whether it takes away what the code before it uses."""
        return self.name.endswith(".post")


@dataclass(frozen=True, slots=True)
class Release:
    """Which part of a deployment is asked for, by which version; an `alone` one is sure that no other is at work."""

    phase: Phase = Phase.BOTH
    version: str = field(default_factory=own_version)
    alone: bool = False


EVERYTHING = Release()


def migrations(folder: Path = MIGRATIONS) -> Sequence[Migration]:
    """Every migration in the folder, in the order of application."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        if not _FILE_NAME.match(path.name):
            raise MigrationRefused(f"{path.name!r} is not named like 0001_what_it_does.sql or 0001_what.post.sql")
        sql = path.read_text(encoding="utf-8")
        found.append(Migration(path.stem, sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


async def migrate(
    dsn: str, folder: Path = MIGRATIONS, schema: str | None = None, release: Release = EVERYTHING
) -> list[str]:
    """Apply what is missing and belongs to the release's phase; returns the names applied, oldest first.

    With a `schema`, into that one, which is created; what it has applied is told by a table of its own there.

    Raises:
        MigrationRefused: the database knows a migration that the code does not, or with another text; or the roles
            that the API reads as are missing, and this login may not make them; or an older version is at work that a
            migration is not for.
        OSError, asyncpg.PostgresError: the database cannot be reached, or refuses a statement.
    """
    connection = await connect(dsn, "horolog-migrate", schema)
    try:
        return await apply_migrations(connection, folder, schema, release)
    finally:
        await connection.close()


async def apply_migrations(
    connection: asyncpg.Connection,
    folder: Path = MIGRATIONS,
    schema: str | None = None,
    release: Release = EVERYTHING,
) -> list[str]:
    """Apply what `migrate` would through an open connection, into the first schema of its search path.

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
        missing = of_phase(known, applied, release.phase)
        if applied and not release.alone:
            await _refuse_older(connection, missing, release.version)
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


def of_phase(known: Sequence[Migration], applied: dict[str, str], phase: Phase) -> Sequence[Migration]:
    """What is missing and belongs to the phase, in order.

    Raises:
        MigrationRefused: as `missing_migrations`; or what goes before the phase was not asked for.
    """
    missing = missing_migrations(known, applied)
    pre_count = max((number for number, migration in enumerate(missing, 1) if not migration.is_post), default=0)
    if phase is Phase.POST and pre_count:
        raise MigrationRefused(f"{missing[pre_count - 1].name} is missing, which goes before the new code: --pre first")
    if phase is not Phase.PRE:
        return missing
    left = [migration.name for migration in missing[:pre_count] if migration.is_post]
    # An empty database is nobody's yet.
    if applied and left:
        raise MigrationRefused(
            f"{left[0]} belongs to an earlier version, after whose start it was never asked for: run that version's "
            "migrate --post first, or migrate without --pre while nothing is at work"
        )
    return missing[:pre_count]


async def _refuse_older(connection: asyncpg.Connection, missing: Sequence[Migration], version: str) -> None:
    names = ", ".join(migration.name for migration in missing if migration.is_post)
    if names and (older := await older_at_work(connection, version)):
        raise MigrationRefused(
            f"{names}: takes away what an older version uses, and one is at work ({', '.join(older)}); "
            "migrate --pre now, and --post once all processes are of the new version"
        )


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
