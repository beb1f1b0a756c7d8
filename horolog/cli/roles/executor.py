"""The executor, put together."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack

from horolog.cli.composition import Parts
from horolog.cli.roles.vault import open_checked
from horolog.vault.cache import CachedKeys
from services.executor.composition import keep_apart, open_worker
from services.executor.isolation_settings import isolation_from
from services.executor.opening import Opener
from services.executor.settings import WorkerSettings

DRAIN_GRACE_S = 3.0


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Run attempts until stopped."""
    settings = WorkerSettings(
        worker_id=f"{parts.settings.member}-{parts.ids.new()[:8]}",
        capacity=parts.settings.concurrent_count_max,
        prefetch=parts.settings.concurrent_count_max,
        function_process_count=parts.settings.function_process_count,
        host=socket.gethostname(),
        drain_grace_s=DRAIN_GRACE_S,
        seals=parts.seals(),
        http_allowed=parts.settings.http_allowed,
        function_paths=(os.getcwd(),),
    )
    isolation = isolation_from(os.environ, is_root=os.geteuid() == 0)
    # Twice for functions: the process that makes room for one of another tenant ends while that one begins.
    isolation.require_accounts(settings.capacity + 2 * settings.function_process_count)
    apartness = await keep_apart(isolation, settings.function_paths, (str(parts.settings.home),))
    async with AsyncExitStack() as stack:
        vault = await open_checked(parts, stack)
        opener = None if vault is None else Opener(CachedKeys(vault, parts.clock), vault)
        worker = open_worker(parts.log, parts.clock, settings, apartness, opener=opener)
        parts.metrics.watch_slots(lambda: (worker.running_count, settings.capacity))
        parts.metrics.watch_letters("executor", lambda: worker.refused_count)
        await worker.run(stop)
