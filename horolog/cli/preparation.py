"""`horolog migrate` and `horolog topics`: what a deployment needs before its services start."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from horolog.adapters.system import SystemClock
from horolog.cli.serve import REFUSED, UNREACHABLE, tell
from horolog.cli.vault_schema import migrate_vault
from horolog.log.port import LogError
from horolog.log_opening import kafka_settings, open_log
from horolog.runtime.secret_files import secret
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from projections.migrate import EVERYTHING, MigrationRefused, Phase, Release
from projections.migrate import migrate as migrate_read_models

if TYPE_CHECKING:
    from horolog.log.kafka.topic_check import Difference

_TOPIC_CHECK = "horolog.log.kafka.topic_check"
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


def topics(as_json: bool, *, check: bool = False, repair: bool = False) -> int:
    """Create what is missing of the topics, unless they are only to be checked; returns the exit code.

    Each difference between what they are and what they are to be is told, and with `repair` mended, where it can be.
    """
    try:
        found = asyncio.run(look_at_topics(from_environment(os.environ), check=check, repair=repair))
    except SettingsError as error:
        return tell(str(error), REFUSED)
    except (LogError, OSError) as error:
        return tell(str(error), UNREACHABLE)
    _say(found.to_dict(), found.told(), as_json)
    return REFUSED if found.differences and (check or repair) else 0


@dataclass(frozen=True, slots=True)
class TopicsFound:
    """What was created and mended, and what is still not as it is to be. The embedded log has nothing to compare."""

    created: Sequence[str]
    mended: Sequence["Difference"] = ()
    differences: Sequence["Difference"] = ()
    is_embedded: bool = False

    def to_dict(self) -> dict[str, object]:
        """For a script."""
        return {
            "created": list(self.created),
            "mended": [asdict(one) for one in self.mended],
            "differences": [{**asdict(one), "mendable": one.is_mendable} for one in self.differences],
        }

    def told(self) -> str:
        """For people, a line for each."""
        lines = [f"created: {', '.join(self.created) or 'nothing'}"]
        lines += [f"mended: {one.topic}: {one.part} was {one.found}, and is {one.wanted}" for one in self.mended]
        lines += [str(one) for one in self.differences]
        if any(one.is_mendable for one in self.differences):
            lines.append("`horolog topics --repair` sets what is a configuration")
        if self.is_embedded:
            lines.append("the log is embedded: it keeps its topics by itself, and there is nothing to compare")
        elif not self.differences:
            lines.append("all topics are as they are to be")
        return "\n".join(lines)


async def look_at_topics(settings: Settings, *, check: bool, repair: bool) -> TopicsFound:
    """Create what is missing, unless it is only a check, mend what is to be mended, and compare."""
    created: Sequence[str] = () if check else await _create_topics(settings)
    if settings.kafka_bootstrap is None:
        return TopicsFound(created, is_embedded=True)
    # Loaded here: what talks to Kafka takes long to load.
    kafka, checking = kafka_settings(settings), import_module(_TOPIC_CHECK)
    mended = await checking.repair_topics(kafka) if repair else ()
    return TopicsFound(created, mended, await checking.compare_topics(kafka))


async def _create_topics(settings: Settings) -> Sequence[str]:
    log = await open_log(settings, SystemClock())
    try:
        return await log.create_topics()
    finally:
        await log.close()


def _say(data: dict[str, object], text: str, as_json: bool) -> None:
    sys.stdout.write((json.dumps(data) if as_json else text) + "\n")
