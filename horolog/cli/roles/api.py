"""The API, put together: its socket, its database connections, its server.

Guarantee: its address is taken before anything else starts. It serves from then on, whichever server is away: what
cannot be answered is refused as such, and `/health` says which part is missing.
"""

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack

import uvicorn

from horolog.cli.composition import Parts
from horolog.runtime.settings import SettingsError
from projections.connections import open_pool
from projections.history import PostgresHistory
from projections.queries import PostgresReadModel
from services.api.app import create_app
from services.api.authentication import ServiceToken, StaticTokens
from services.api.memory import resident_bytes
from services.api.ports import ApiPorts, Probe, Served, Wake
from services.api.settings import ApiSettings
from services.api.settings import from_environment as api_settings

_access = logging.getLogger("horolog.api.access")
STOP_S_MAX = 3


async def run(
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
        wake, cache_ping = _wake(parts.settings.redis_url, stack)
        ports = ApiPorts(
            log=parts.log,
            read_model=PostgresReadModel(pool),
            history=PostgresHistory(pool),
            clock=parts.clock,
            ids=parts.ids,
            callers=StaticTokens(settings.tokens),
            services=ServiceToken(settings.service_token_digest),
            served=_served,
            memory_bytes=resident_bytes,
            wake=wake,
            cache_ping=cache_ping,
        )
        await _serve_http(ports, settings, bound, stop)


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


def _wake(redis_url: str | None, stack: AsyncExitStack) -> tuple[Wake | None, Probe | None]:
    if redis_url is None:
        return None, None
    from horolog.adapters.redis_notify import RedisWake  # noqa: PLC0415 - its client is loaded where it is used

    wake = RedisWake(redis_url)
    stack.push_async_callback(wake.close)
    return wake, wake.ping


async def _serve_http(ports: ApiPorts, settings: ApiSettings, bound: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(
        create_app(ports, settings),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S_MAX,
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
