"""A notifier tells which version it is of, so that `horolog migrate --post` is not refused for the sake of its own."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts, run_roles
from horolog.runtime.settings import Settings
from horolog.version import own_version
from projections.at_work import older_at_work
from projections.connections import connect
from tests.integration.notifications.world import World

DEADLINE_S = 60.0
PAUSE_S = 0.02
NAMES = "select application_name from pg_stat_activity where application_name like 'horolog-notifier%'"
OPEN = 2
"""Connections that a notifier has at once when it works: to make deliveries, and one at least to send them."""


async def test_post_migrations_go_on_while_a_notifier_of_the_same_version_is_at_work(world: World) -> None:
    settings = replace(Settings(home=Path.cwd(), member="a"), database_url=world.dsn)
    parts = Parts(settings, world.log, SystemClock(), RandomIds())
    stop = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.timeout(DEADLINE_S):
        eye = await connect(world.dsn, "test")
        stack.push_async_callback(eye.close)
        running = asyncio.create_task(run_roles(parts, ("notifier",), stop))
        while await eye.fetchval(f"select count(*) from ({NAMES} and datname = current_database()) as open") < OPEN:
            await asyncio.sleep(PAUSE_S)
        assert await older_at_work(eye, own_version()) == []
        assert await older_at_work(eye, "999.0") == [f"notifier {own_version()}"]
        stop.set()
        await running
