"""`horolog serve`, `horolog migrate` and `horolog topics`: the processes of a deployment, and its preparation."""

import asyncio
import json
import logging
import os
import sys

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import ROLES, Parts, open_log, run_roles
from horolog.log.port import LogError
from horolog.runtime.logs import configure_logs
from horolog.runtime.settings import Settings, SettingsError, from_environment
from horolog.runtime.signals import stop_on_signals
from projections.migrate import migrate as apply_migrations
from services.api.settings import SettingsError as ApiSettingsError

_logger = logging.getLogger(__name__)

REFUSED = 1
UNREACHABLE = 3


def run(role: str) -> int:
    """Serve one role (or `all`) until SIGTERM or SIGINT; returns the exit code."""
    try:
        settings = from_environment(os.environ)
        configure_logs(settings.log_level)
        asyncio.run(_serve(settings, ROLES if role == "all" else (role,)))
    except BaseExceptionGroup as group:
        return _explained(group)
    except (SettingsError, ApiSettingsError, LogError, OSError) as error:
        return _explained(BaseExceptionGroup("serve", [error]))
    return 0


async def _serve(settings: Settings, roles: tuple[str, ...]) -> None:
    clock = SystemClock()
    log = await open_log(settings, clock)
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        await run_roles(Parts(settings, log, clock, RandomIds()), roles, stop)
    finally:
        await log.close()


def migrate(as_json: bool) -> int:
    """Bring the database's schema up to date; returns the exit code."""
    dsn = os.environ.get("DATABASE_URL")
    if not dsn:
        return _tell("DATABASE_URL is not set; give the address of a PostgreSQL 15 or newer", REFUSED)
    try:
        applied = asyncio.run(apply_migrations(dsn))
    except OSError as error:
        return _tell(f"the database does not answer: {error}", UNREACHABLE)
    _say({"applied": applied}, f"applied: {', '.join(applied) or 'nothing, the schema is current'}", as_json)
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
        return _tell(str(error), REFUSED)
    except (LogError, OSError) as error:
        return _tell(str(error), UNREACHABLE)
    _say({"created": created}, f"created: {', '.join(created) or 'nothing, all topics are there'}", as_json)
    return 0


def _explained(group: BaseExceptionGroup[BaseException]) -> int:
    """The exit code for what went wrong, told in a sentence; anything unforeseen is raised again."""
    refused, rest = group.split((SettingsError, ApiSettingsError))
    unreachable, rest = rest.split((LogError, OSError)) if rest is not None else (None, None)
    if rest is not None:
        # A service is watched through its log: where the error arose must be there, whoever started it.
        _logger.critical("ended by an unforeseen error", exc_info=rest)
        raise rest
    known = refused or unreachable
    assert known is not None
    return _tell(str(known.exceptions[0]), REFUSED if refused is not None else UNREACHABLE)


def _say(data: dict[str, object], text: str, as_json: bool) -> None:
    sys.stdout.write((json.dumps(data) if as_json else text) + "\n")


def _tell(problem: str, code: int) -> int:
    sys.stderr.write(f"horolog: {problem}\n")
    return code
