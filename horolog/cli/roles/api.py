"""The API, put together: its socket, its database connections, its server.

Guarantee: its address is taken before anything else starts. It serves from then on, whichever server is away: what
cannot be answered is refused as such, and `/health` says which part is missing.
"""

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from importlib import import_module

import uvicorn
from fastapi import FastAPI

from horolog.adapters.local_rates import LocalRates
from horolog.cli.composition import Parts
from horolog.cli.roles.vault import open_checked
from horolog.cli.sampling import sample
from horolog.runtime.metrics import Metrics
from horolog.runtime.resources import resident_bytes
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import server_context
from horolog.vault.cache import CachedKeys
from projections.audit import PostgresAudit
from projections.connections import open_pool
from projections.history import PostgresHistory
from projections.notifications.store import PostgresNotifications
from projections.queries import PostgresReadModel
from projections.tenant_windows import PostgresWindows
from projections.tenants import PostgresTenants
from services.api.accounts.built_in import BuiltIn
from services.api.app import create_app
from services.api.authentication import AnyOf, ServiceTokens, StaticTokens
from services.api.copied_usage import CopiedUsage
from services.api.ports import OPEN_PATHS, ApiPorts, Authenticator, Decisions, Probe, Rates, Served, Wake
from services.api.schedule_watch import ScheduleWatch
from services.api.settings import TLS_PREFIX, ApiSettings
from services.api.settings import from_environment as api_settings
from services.api.tenant_reader import TenantReader

_access = logging.getLogger("horolog.api.access")
STOP_S_MAX = 3
_AUTH_SERVICE = "horolog.cli.roles.auth_service"
_DECISIONS = "horolog.cli.roles.decision_service"
_ACCOUNTS = "horolog.cli.roles.accounts"


async def run(
    parts: Parts,
    stop: asyncio.Event,
    settings: ApiSettings | None = None,
    bound: socket.socket | None = None,
) -> None:
    """Serve HTTP until stopped, on a socket that is bound already or on one of its own."""
    settings = replace(settings or api_settings(os.environ), command_seals=parts.command_seals())
    async with AsyncExitStack() as stack:
        listeners = [stack.enter_context(bound or listener(settings))]
        if settings.internal_port is not None:
            listeners.append(stack.enter_context(internal_listener(settings.internal_host, settings.internal_port)))
        pool = await open_pool(parts.database_url())
        stack.push_async_callback(pool.close)
        vault = await open_checked(parts, stack)
        read_model = PostgresReadModel(pool)
        wake, cache_ping = _wake(parts.settings.redis_url, stack)
        callers, accounts = await _callers(settings, parts, stack)
        watch = ScheduleWatch(parts.log, read_model, parts.clock, parts.metrics.set_overdue)
        ports = ApiPorts(
            log=parts.log,
            read_model=read_model,
            history=PostgresHistory(pool),
            tenants=_tenants(PostgresTenants(pool), parts, stack),
            clock=parts.clock,
            ids=parts.ids,
            callers=callers,
            services=ServiceTokens(settings.services),
            served=partial(_served, parts.metrics),
            memory_bytes=resident_bytes,
            audit=PostgresAudit(pool),
            audit_dropped=parts.metrics.audit_dropped,
            notifications=PostgresNotifications(pool),
            windows=PostgresWindows(pool),
            rates=_rates(parts.settings.redis_url, stack),
            wake=wake,
            cache_ping=cache_ping,
            schedules=watch,
            decisions=await _decisions(settings, parts, stack),
            accounts=accounts,
            tenant_defaults=parts.settings.tenant_defaults,
            keys=None if vault is None else CachedKeys(vault, parts.clock),
            secrets=vault,
            eraser=vault,
            tracing=parts.tracing,
        )
        app = create_app(ports, settings)
        beside = [
            asyncio.create_task(watch.run()),
            asyncio.create_task(sample(read_model, parts.metrics, stop)),
            *([asyncio.create_task(bars.run())] if (bars := app.state.context.bars) is not None else []),
        ]
        try:
            await _serve_http(app, settings, parts, listeners, stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


async def _callers(settings: ApiSettings, parts: Parts, stack: AsyncExitStack) -> tuple[Authenticator, BuiltIn | None]:
    """Static tokens, and those of the outside auth service or of the built-in issuer, if there is one."""
    static = StaticTokens(settings.tokens)
    if settings.issuer is not None:
        opened = import_module(_ACCOUNTS).open_accounts
        accounts, users = await opened(settings.issuer, parts.database_url(), parts.clock, parts.ids, stack)
        return AnyOf([static, users]), accounts
    if settings.auth is None:
        return static, None
    signed = await import_module(_AUTH_SERVICE).open_signed_tokens(settings.auth, parts.clock, stack)
    return AnyOf([static, signed]), None


async def _decisions(settings: ApiSettings, parts: Parts, stack: AsyncExitStack) -> Decisions | None:
    if settings.decisions is None:
        return None
    opened: Decisions = await import_module(_DECISIONS).open_decisions(settings.decisions, parts.clock, stack)
    return opened


def listener(settings: ApiSettings) -> socket.socket:
    """A socket at the API's address, so that nobody else can take it any more.

    Raises:
        SettingsError: the address is taken, or is none of this machine.
    """
    return _bound(settings.host, settings.port, "(HOROLOG_API_PORT, or --port of `horolog dev`)")


def internal_listener(host: str, port: int) -> socket.socket:
    """A socket at the address of the internal API.

    Raises:
        SettingsError: the address is taken, or is none of this machine.
    """
    return _bound(host, port, "(HOROLOG_INTERNAL_PORT)")


def _bound(host: str, port: int, advice: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named: asyncio sets TCP_NODELAY only then, and without it answers wait for delayed ACKs.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        words = f"the API cannot listen on {host}:{port}: {reason}; stop what listens there, or choose another port"
        raise SettingsError(f"{words} {advice}") from error
    return bound


def _wake(redis_url: str | None, stack: AsyncExitStack) -> tuple[Wake | None, Probe | None]:
    if redis_url is None:
        return None, None
    from horolog.adapters.redis_notify import RedisWake  # noqa: PLC0415 - its client is loaded where it is used

    wake = RedisWake(redis_url)
    stack.push_async_callback(wake.close)
    return wake, wake.ping


def _tenants(tenants: TenantReader, parts: Parts, stack: AsyncExitStack) -> TenantReader:
    if parts.settings.redis_url is None:
        return tenants
    from horolog.adapters.redis_days import RedisDays  # noqa: PLC0415 - its client is loaded where it is used

    days = RedisDays(parts.settings.redis_url)
    stack.push_async_callback(days.close)
    return CopiedUsage(tenants, days, parts.clock)


def _rates(redis_url: str | None, stack: AsyncExitStack) -> Rates:
    if redis_url is None:
        return LocalRates()
    from horolog.adapters.redis_rates import RedisRates  # noqa: PLC0415 - its client is loaded where it is used

    rates = RedisRates(redis_url, LocalRates())
    stack.push_async_callback(rates.close)
    return rates


async def _serve_http(
    app: FastAPI, settings: ApiSettings, parts: Parts, listeners: list[socket.socket], stop: asyncio.Event
) -> None:
    server = Server(http_config(app, settings))
    streams = app.state.context.streams
    parts.metrics.watch_connections(lambda: len(server.server_state.connections))
    parts.metrics.watch_streams(lambda: int(streams.stream_count))
    # That it answers, and not what: a part that is away is away for all of them, and told by `/health`.
    parts.readiness.watch("api", lambda: server.started)
    serving = asyncio.create_task(server.serve(sockets=listeners))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    # A stream has no end of its own, and the server waits for what it serves.
    streams.stop()
    server.should_exit = True
    await serving


def http_config(app: FastAPI, settings: ApiSettings) -> uvicorn.Config:
    """How HTTP is served.

    Raises:
        SettingsError: the certificate or its key cannot be used.
    """
    tls = None if settings.tls is None else server_context(settings.tls, TLS_PREFIX)
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose word is taken for an address is said by HOROLOG_TRUSTED_PROXIES, and by nothing else.
        proxy_headers=False,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        timeout_graceful_shutdown=STOP_S_MAX,
    )


class Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the process's root decides when to end."""

    def install_signal_handlers(self) -> None:
        """Install none."""


def _served(metrics: Metrics, served: Served) -> None:
    # A health check that says what is missing is no fault, however it is answered.
    is_fault = served.status >= 500 and served.route not in OPEN_PATHS
    metrics.request_served(served.method, served.route, served.status, served.duration_s, is_fault)
    fields = {
        "method": served.method,
        "route": served.route,
        "status": served.status,
        "duration_ms": round(served.duration_s * 1000, 2),
        "tenant_id": served.tenant_id,
    }
    _access.debug("served", extra=fields)
