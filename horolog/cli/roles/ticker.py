"""The ticker, put together."""

import asyncio

from horolog.cli.composition import Parts, owner_settings
from services.ticker.ticker import Ticker


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Tick until stopped."""
    await Ticker(parts.log, parts.clock, owner_settings(parts)).run(stop)
