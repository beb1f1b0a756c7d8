"""The composition root: builds each service from settings and adapters. Nothing else names both."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import uvicorn

from horolog.adapters.redis_notify import RedisNotify, RedisWake
from horolog.adapters.system import RandomIds, SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.owner import OwnerSettings
from horolog.log.port import Log
from horolog.runtime.settings import Settings, SettingsError
from projections.projector import Projector, ProjectorSettings, Silence
from projections.queries import PostgresReadModel, open_pool
from services.api.app import create_app
from services.api.authentication import ServiceToken, StaticTokens
from services.api.memory import resident_bytes
from services.api.ports import ApiPorts, Served
from services.api.settings import ApiSettings
from services.api.settings import from_environment as api_settings
from services.dispatcher.dispatcher import Dispatcher
from services.executor.composition import ISOLATION, open_worker
from services.executor.settings import WorkerSettings
from services.ticker.ticker import Ticker

_access = logging.getLogger("horolog.api.access")
ROLES = ("api", "ticker", "dispatcher", "executor", "projections")
TURN_INTERVAL_S = 0.01

Service = Callable[[asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services of one process share."""

    settings: Settings
    log: Log
    clock: SystemClock
    ids: RandomIds

    def database_url(self) -> str:
        """The database's address.

        Raises:
            SettingsError: it is not set.
        """
        if self.settings.database_url is None:
            raise SettingsError("DATABASE_URL is not set; give the address of a PostgreSQL 15 or newer")
        return self.settings.database_url


async def open_log(settings: Settings, clock: SystemClock) -> Log:
    """Kafka where its address is set, else the embedded log in the home directory."""
    if settings.kafka_bootstrap is None:
        settings.home.mkdir(parents=True, exist_ok=True)
        return EmbeddedLog.open(settings.home / "log.db", clock, settings.partition_count)
    from horolog.log.kafka import KafkaLog, KafkaSettings  # noqa: PLC0415 - its client is loaded where it is used

    return await KafkaLog.open(
        KafkaSettings(
            bootstrap_servers=settings.kafka_bootstrap,
            prefix=settings.topic_prefix,
            partition_count=settings.partition_count,
            replication_factor=settings.replication_factor,
            session_timeout_ms=settings.session_timeout_ms,
        )
    )


def owner_settings(parts: Parts) -> OwnerSettings:
    """How this process owns partitions."""
    return OwnerSettings(member=parts.settings.member, turn_interval_s=TURN_INTERVAL_S)


async def run_ticker(parts: Parts, stop: asyncio.Event) -> None:
    """Tick until stopped."""
    await Ticker(parts.log, parts.clock, owner_settings(parts)).run(stop)


async def run_dispatcher(parts: Parts, stop: asyncio.Event) -> None:
    """Dispatch until stopped."""
    await Dispatcher(parts.log, parts.clock, owner_settings(parts)).run(stop)


async def run_projections(parts: Parts, stop: asyncio.Event) -> None:
    """Apply facts until stopped."""
    notify = RedisNotify(parts.settings.redis_url) if parts.settings.redis_url else Silence()
    settings = ProjectorSettings(parts.settings.member, parts.database_url())
    try:
        await Projector(parts.log, parts.clock, settings, notify).run(stop)
    finally:
        if isinstance(notify, RedisNotify):
            await notify.close()


async def run_executor(parts: Parts, stop: asyncio.Event) -> None:
    """Run attempts until stopped."""
    settings = WorkerSettings(
        worker_id=f"{parts.settings.member}-{parts.ids.new()[:8]}",
        capacity=parts.settings.concurrent_count_max,
        prefetch=parts.settings.concurrent_count_max,
        function_process_count=parts.settings.function_process_count,
        host=socket.gethostname(),
        isolation=ISOLATION,
        drain_grace_s=3.0,
        function_paths=(os.getcwd(),),
    )
    await open_worker(parts.log, parts.clock, settings).run(stop)


def listener(settings: ApiSettings) -> socket.socket:
    """A socket at the API's address, so that nobody else can take it any more.

    Raises:
        SettingsError: the address is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named: asyncio sets TCP_NODELAY only then, and without it answers wait for delayed ACKs.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        advice = "stop what listens there, or choose another port (HOROLOG_API_PORT, or --port of `horolog dev`)"
        raise SettingsError(f"the API cannot listen on {settings.host}:{settings.port}: {reason}; {advice}") from error
    return bound


async def run_api(
    parts: Parts,
    stop: asyncio.Event,
    settings: ApiSettings | None = None,
    bound: socket.socket | None = None,
) -> None:
    """Serve HTTP until stopped, on a socket that is bound already or on one of its own."""
    settings = settings or api_settings(os.environ)
    async with AsyncExitStack() as stack:
        bound = stack.enter_context(bound or listener(settings))
        pool = await open_pool(parts.database_url())
        stack.push_async_callback(pool.close)
        wake = None
        if parts.settings.redis_url:
            wake = RedisWake(parts.settings.redis_url)
            stack.push_async_callback(wake.close)
        ports = ApiPorts(
            log=parts.log,
            read_model=PostgresReadModel(pool),
            clock=parts.clock,
            ids=parts.ids,
            callers=StaticTokens(settings.tokens),
            services=ServiceToken(settings.service_token_digest),
            served=_served,
            memory_bytes=resident_bytes,
            wake=wake,
            cache_ping=wake.ping if wake is not None else None,
        )
        await _serve_http(ports, settings, bound, stop)


async def _serve_http(ports: ApiPorts, settings: ApiSettings, bound: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(
        create_app(ports, settings),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving


class Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the process's root decides when to end."""

    def install_signal_handlers(self) -> None:
        """Install none."""


def _served(served: Served) -> None:
    fields = {
        "method": served.method,
        "route": served.route,
        "status": served.status,
        "duration_ms": round(served.duration_s * 1000, 2),
        "tenant_id": served.tenant_id,
    }
    _access.debug("served", extra=fields)


RUNS: dict[str, Callable[[Parts, asyncio.Event], Awaitable[None]]] = {
    "api": run_api,
    "ticker": run_ticker,
    "dispatcher": run_dispatcher,
    "executor": run_executor,
    "projections": run_projections,
}


async def run_roles(parts: Parts, roles: Sequence[str], stop: asyncio.Event) -> None:
    """Run the services until `stop`; if one fails, the others are stopped and its error is raised."""

    async def watched(role: str) -> None:
        try:
            await RUNS[role](parts, stop)
        finally:
            stop.set()

    # The executor ends first, so that what it reports at its end is still taken in.
    async with asyncio.TaskGroup() as group:
        for role in roles:
            group.create_task(watched(role), name=role)
