"""`horolog serve`, and `horolog worker run` beside it: the processes of a deployment."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Mapping

from horolog.adapters.system import SystemClock
from horolog.cli.composition import ON_KAFKA_ONLY, ROLES, Parts, Service, parts_of, run_services, service_of
from horolog.cli.tracing import traced
from horolog.log.port import LogError
from horolog.log_opening import open_log
from horolog.runtime.logs import configure_logs
from horolog.runtime.settings import UPGRADING, Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.signals import stop_on_signals

_logger = logging.getLogger(__name__)

REFUSED = 1
UNREACHABLE = 3


def run(role: str) -> int:
    """Serve one role (or `all`) until SIGTERM or SIGINT; returns the exit code."""
    roles = ROLES if role == "all" else (role,)
    if role in ON_KAFKA_ONLY and not os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        # Said before the embedded log is opened, which may be another process's.
        return tell(f"{role} runs on Kafka only: set KAFKA_BOOTSTRAP_SERVERS", REFUSED)
    return _run(role, lambda parts: {name: service_of(name, parts) for name in roles})


def run_worker(target: str) -> int:
    """Run the functions that `module:attribute` has registered, until SIGTERM or SIGINT; returns the exit code."""

    def services(parts: Parts) -> Mapping[str, Service]:
        # Loaded where it runs, as every role is.
        from horolog.cli.roles.executor import prepare_functions, run_prepared  # noqa: PLC0415

        async def work(stop: asyncio.Event) -> None:
            prepared = await prepare_functions(parts, target)
            _logger.info("registered functions: %s", ", ".join(prepared.names))
            await run_prepared(parts, stop, prepared)

        return {"worker": work}

    return _run("worker", services)


def _run(name: str, services: Callable[[Parts], Mapping[str, Service]]) -> int:
    try:
        settings = from_environment(os.environ)
        configure_logs(settings.logs, name)
        if settings.is_upgrading:
            _logger.warning(
                "what the version before cannot read is held back; after the upgrade, start without %s", UPGRADING
            )
        asyncio.run(_serve(settings, services))
    except BaseExceptionGroup as group:
        return explained(group)
    except (SettingsError, LogError, OSError) as error:
        return explained(BaseExceptionGroup("serve", [error]))
    return 0


async def _serve(settings: Settings, services: Callable[[Parts], Mapping[str, Service]]) -> None:
    clock = SystemClock()
    log = await open_log(settings, clock)
    stop = asyncio.Event()
    stop_on_signals(stop)
    try:
        async with traced(parts_of(settings, log, clock)) as parts:
            await run_services(parts, services(parts), stop)
    finally:
        await log.close()


def explained(group: BaseExceptionGroup[BaseException]) -> int:
    """The exit code for what went wrong, told in a sentence; anything unforeseen is raised again."""
    refused, rest = group.split(SettingsError)
    unreachable, rest = rest.split((LogError, OSError)) if rest is not None else (None, None)
    if rest is not None:
        # A service is watched through its log: where the error arose must be there, whoever started it.
        _logger.critical("ended by an unforeseen error", exc_info=rest)
        raise rest
    known: BaseException | None = refused or unreachable
    while isinstance(known, BaseExceptionGroup):
        # What a group says of itself, "unhandled errors in a TaskGroup", helps nobody.
        known = known.exceptions[0]
    return tell(str(known), REFUSED if refused is not None else UNREACHABLE)


def tell(problem: str, code: int) -> int:
    """Write the problem to stderr; returns the exit code."""
    sys.stderr.write(f"horolog: {problem}\n")
    return code
