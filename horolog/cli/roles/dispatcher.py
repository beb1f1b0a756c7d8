"""The dispatcher, put together."""

import asyncio

from horolog.cli.composition import Parts, owner_settings
from services.dispatcher.dispatcher import Dispatcher


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Dispatch until stopped."""
    await Dispatcher(parts.log, parts.clock, owner_settings(parts)).run(stop)
