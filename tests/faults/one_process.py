"""The whole system in this process on a log that outlives it, so that it can be started anew on what it left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts, service_of
from horolog.cli.roles.api import run as run_api
from horolog.domain.addresses import networks
from horolog.log.port import Log
from horolog.runtime.settings import Settings
from schemas.tenants import TenantSettings
from services.api.settings import from_environment as api_settings
from tests.faults.client import Client, api_environment, client_of, free_port

OPEN = TenantSettings(allowed_executables=("/bin/sh", "/bin/true"), allowed_modules=("examples",))
ROLES = ("ticker", "dispatcher", "executor", "projections")


@asynccontextmanager
async def scheduler(dsn: str, log: Log) -> AsyncIterator[Client]:
    """Every service on this log and this database, ready to be asked."""
    stop, port = asyncio.Event(), free_port()
    parts = Parts(
        Settings(
            Path.cwd(),
            "faults",
            dsn,
            function_process_count=1,
            http_allowed=networks(["127.0.0.0/8"]),
            tenant_defaults=OPEN,
        ),
        log,
        SystemClock(),
        RandomIds(),
    )
    tasks = [asyncio.ensure_future(service_of(role, parts)(stop)) for role in ROLES]
    tasks.append(asyncio.ensure_future(run_api(parts, stop, api_settings(api_environment(port)))))
    try:
        async with client_of(port) as client:
            yield client
    finally:
        stop.set()
        await asyncio.gather(*tasks)
