"""The tables of the vault: brought up to date like those of the read models, in a schema of their own."""

from pathlib import Path

import horolog.adapters.vault
from projections.connections import SCHEMA_LOCK, connect
from projections.migrate import EVERYTHING, Release, apply_migrations

SCHEMA = "vault"
MIGRATIONS = Path(horolog.adapters.vault.__file__).parent / "migrations"


async def migrate_vault(dsn: str, release: Release = EVERYTHING) -> list[str]:
    """Apply what is missing and belongs to the release's phase; the names applied, with the schema before them.

    Raises:
        as `projections.migrate.migrate` does.
    """
    connection = await connect(dsn, "horolog-migrate", SCHEMA)
    try:
        async with connection.transaction():
            # Two at a time would both find that there is none, and one would fail.
            await connection.execute("select pg_advisory_xact_lock($1)", SCHEMA_LOCK)
            await connection.execute(f"create schema if not exists {SCHEMA}")
        return [f"{SCHEMA}/{name}" for name in await apply_migrations(connection, MIGRATIONS, release=release)]
    finally:
        await connection.close()
