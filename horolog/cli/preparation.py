"""`horolog migrate` and `horolog topics`: what a deployment needs before its services start."""

import asyncio
import json
import os
import sys
from importlib import import_module

from horolog.adapters.system import SystemClock
from horolog.cli.serve import REFUSED, UNREACHABLE, tell
from horolog.cli.vault_schema import migrate_vault
from horolog.log.port import LogError
from horolog.log_opening import open_log
from horolog.runtime.secret_files import secret
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from projections.migrate import EVERYTHING, MigrationRefused, Phase, Release
from projections.migrate import migrate as migrate_read_models

_ACCOUNTS, _NOTIFICATIONS = "horolog.cli.roles.accounts", "horolog.cli.notification_schema"


async def bring_up_to_date(dsn: str, release: Release = EVERYTHING) -> list[str]:
    """Apply what is missing to the read models, and to what lies beside them; the names applied."""
    applied = await migrate_read_models(dsn, release=release)
    # Loaded here: what signs and hashes takes long to load.
    accounts = await import_module(_ACCOUNTS).migrate_accounts(dsn, release)
    notifications = await import_module(_NOTIFICATIONS).migrate_notifications(dsn, release)
    return [*applied, *accounts, *await migrate_vault(dsn, release), *notifications]


def migrate(phase: str, as_json: bool) -> int:
    """Bring the database's schema up to date, or do the part of it that a phase names; returns the exit code."""
    try:
        dsn = secret(os.environ, "DATABASE_URL")
        if not dsn:
            raise SettingsError("DATABASE_URL is not set; give the address of a PostgreSQL 15 or newer")
        applied = asyncio.run(bring_up_to_date(dsn, Release(Phase(phase))))
    except (SettingsError, MigrationRefused) as error:
        return tell(str(error), REFUSED)
    except OSError as error:
        return tell(f"the database does not answer: {error}", UNREACHABLE)
    _say({"applied": applied}, f"applied: {', '.join(applied) or 'nothing was missing'}", as_json)
    return 0


def topics(as_json: bool) -> int:
    """Create what is missing of the topics; returns the exit code."""

    async def create() -> list[str]:
        settings = from_environment(os.environ)
        log = await open_log(settings, SystemClock())
        try:
            return list(await log.create_topics())
        finally:
            await log.close()

    try:
        created = asyncio.run(create())
    except SettingsError as error:
        return tell(str(error), REFUSED)
    except (LogError, OSError) as error:
        return tell(str(error), UNREACHABLE)
    _say({"created": created}, f"created: {', '.join(created) or 'nothing, all topics are there'}", as_json)
    return 0


def _say(data: dict[str, object], text: str, as_json: bool) -> None:
    sys.stdout.write((json.dumps(data) if as_json else text) + "\n")
