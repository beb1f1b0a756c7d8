"""The composition root: what the services of one process share, and which of them run in it.

Each role is put together in a module of its own under `horolog.cli.roles`; nothing else names services and adapters.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from horolog.adapters.system import RandomIds, SystemClock
from horolog.domain.command_seals import CommandSeals
from horolog.domain.seals import Seals
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.owner import OwnerSettings
from horolog.log.port import Log, LogUnavailable
from horolog.ports import Tracing
from horolog.runtime.metrics import Metrics
from horolog.runtime.metrics_server import serving
from horolog.runtime.readiness import Readiness
from horolog.runtime.settings import Settings
from horolog.runtime.settings_error import SettingsError
from horolog.vault.master_keys import MasterKeys

_logger = logging.getLogger(__name__)

TURN_INTERVAL_S = 0.01
SWEEP_INTERVAL_S = 60.0

Service = Callable[[asyncio.Event], Awaitable[None]]
"""Serves until the event is set."""

MODULES: Mapping[str, str] = {
    "api": "horolog.cli.roles.api",
    "ticker": "horolog.cli.roles.ticker",
    "dispatcher": "horolog.cli.roles.dispatcher",
    "executor": "horolog.cli.roles.executor",
    "projections": "horolog.cli.roles.projections",
    "notifier": "horolog.cli.roles.notifier",
}
"""Role → the module that puts it together, imported only where the role runs."""
ROLES = tuple(MODULES)
"""What `all` stands for, and what `horolog dev` runs."""
ON_KAFKA_ONLY: Mapping[str, str] = {"analytics": "horolog.cli.roles.analytics"}
"""Likewise; these are run only where they are named."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services of one process share. Without `tracing` there are no traces."""

    settings: Settings
    log: Log
    clock: SystemClock
    ids: RandomIds
    metrics: Metrics = field(default_factory=Metrics)
    readiness: Readiness = field(default_factory=Readiness)
    tracing: Tracing | None = None

    def database_url(self) -> str:
        """The database's address.

        Raises:
            SettingsError: it is not set.
        """
        if self.settings.database_url is None:
            raise SettingsError("DATABASE_URL is not set; give the address of a PostgreSQL 15 or newer")
        return self.settings.database_url

    def seals(self) -> Seals | None:
        """By what workers know that a dispatcher wrote what they run. Nobody else writes to an embedded log.

        Raises:
            SettingsError: there are none, and the log is one that others may be able to write to.
        """
        if self.settings.seals is None and self.settings.kafka_bootstrap is not None:
            raise SettingsError(
                "HOROLOG_TASK_KEYS is not set; give dispatchers and executors one and the same key, "
                "which `openssl rand -base64 32` makes"
            )
        return self.settings.seals

    def command_seals(self) -> CommandSeals | None:
        """By what dispatchers know that a command is from who may give it. Nobody else writes to an embedded log.

        Raises:
            SettingsError: there are none, the log is one that others may be able to write to, and nothing says that
                these may give commands; or the first key is that of a producer.
        """
        seals = self.settings.command_seals
        if seals is None and self.settings.kafka_bootstrap is not None and not self.settings.commands_open:
            raise SettingsError(
                "HOROLOG_COMMAND_KEYS is not set; give the API and dispatchers one and the same key, which "
                "`openssl rand -base64 32` makes. With HOROLOG_COMMANDS_OPEN=true whoever may write to commands.v1 may "
                "have any code run"
            )
        if seals is not None and seals.own.name:
            raise SettingsError("HOROLOG_COMMAND_KEYS: the first key must be the platform's own, without a name")
        return seals

    def master_keys(self) -> MasterKeys | None:
        """Under what the tenants' keys are kept. On an embedded log a system without secrets needs none.

        Raises:
            SettingsError: there are none, and this is a deployment.
        """
        if self.settings.master_keys is None and self.settings.kafka_bootstrap is not None:
            raise SettingsError(
                "HOROLOG_MASTER_KEYS is not set; give the API and executors one and the same key, as id=key, "
                "where `openssl rand -base64 32` makes the key"
            )
        return self.settings.master_keys


def owner_settings(parts: Parts) -> OwnerSettings:
    """How this process owns partitions."""
    return OwnerSettings(member=parts.settings.member, turn_interval_s=TURN_INTERVAL_S)


def service_of(role: str, parts: Parts) -> Service:
    """The role, put together from the parts when it is run."""

    async def run(stop: asyncio.Event) -> None:
        await import_module({**MODULES, **ON_KAFKA_ONLY}[role]).run(parts, stop)

    return run


async def sweep(parts: Parts, stop: asyncio.Event) -> None:
    """Remove from an embedded log what its topics no longer keep, until stopped; Kafka does that by itself."""
    if not isinstance(parts.log, EmbeddedLog):
        return
    while not stop.is_set():
        try:
            await parts.log.sweep(int(parts.clock.now().timestamp() * 1000))
        except LogUnavailable as error:
            _logger.warning("what the log no longer keeps could not be removed: %s", error)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait((waiting,), timeout=SWEEP_INTERVAL_S)
        waiting.cancel()


def parts_of(settings: Settings, log: Log, clock: SystemClock) -> Parts:
    """The parts of a process with these settings."""
    metrics = Metrics(tenant_count_max=settings.metrics_tenant_count_max)
    return Parts(settings, log, clock, RandomIds(), metrics)


async def run_roles(parts: Parts, roles: Sequence[str], stop: asyncio.Event) -> None:
    """Run the roles until `stop`, as `run_services` does."""
    await run_services(parts, {role: service_of(role, parts) for role in roles}, stop)


async def run_services(parts: Parts, services: Mapping[str, Service], stop: asyncio.Event) -> None:
    """Run the services until `stop`; if one fails, the others are stopped and its error is raised."""

    async def watched(service: Service) -> None:
        try:
            await service(stop)
        finally:
            stop.set()

    parts.readiness.expect(services, stop.is_set)
    watched_at = serving(parts.metrics, parts.settings.metrics, parts.readiness)
    async with watched_at, asyncio.TaskGroup() as group:
        group.create_task(sweep(parts, stop), name="sweep")
        for name, service in services.items():
            group.create_task(watched(service), name=name)
