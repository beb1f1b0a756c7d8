"""`horolog serve`: the processes of a deployment."""

import asyncio
import logging
import os
import sys

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import ROLES, Parts, open_log, run_roles
from horolog.log.port import LogError
from horolog.runtime.logs import configure_logs
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.signals import stop_on_signals

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
    except (SettingsError, LogError, OSError) as error:
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


def _explained(group: BaseExceptionGroup[BaseException]) -> int:
    """The exit code for what went wrong, told in a sentence; anything unforeseen is raised again."""
    refused, rest = group.split(SettingsError)
    unreachable, rest = rest.split((LogError, OSError)) if rest is not None else (None, None)
    if rest is not None:
        # A service is watched through its log: where the error arose must be there, whoever started it.
        _logger.critical("ended by an unforeseen error", exc_info=rest)
        raise rest
    known = refused or unreachable
    assert known is not None
    return tell(str(known.exceptions[0]), REFUSED if refused is not None else UNREACHABLE)


def tell(problem: str, code: int) -> int:
    """Write the problem to stderr; returns the exit code."""
    sys.stderr.write(f"horolog: {problem}\n")
    return code
