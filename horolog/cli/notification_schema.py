"""The tables of notifications: brought up to date like those of the read models, in a schema of their own."""

from pathlib import Path

import projections.notifications
from projections.migrate import EVERYTHING, Release, migrate
from projections.notifications.tables import SCHEMA

MIGRATIONS = Path(projections.notifications.__file__).parent / "migrations"


async def migrate_notifications(dsn: str, release: Release = EVERYTHING) -> list[str]:
    """Apply what is missing and belongs to the release's phase; the names applied, with the schema before them.

    Raises:
        as `projections.migrate.migrate` does.
    """
    return [f"{SCHEMA}/{name}" for name in await migrate(dsn, MIGRATIONS, SCHEMA, release)]
