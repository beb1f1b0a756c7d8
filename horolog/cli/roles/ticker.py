"""The ticker, put together."""

import asyncio

from horolog.cli.composition import Parts, owner_settings
from services.ticker.ticker import Ticker


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Tick until stopped."""
    ticker = Ticker(parts.log, parts.clock, owner_settings(parts), parts.metrics.fire_emitted)
    parts.metrics.watch_owner("ticker", ticker.owner.counters)
    parts.readiness.watch("ticker", ticker.owner.is_ready)
    parts.metrics.watch_faults("ticker_watch", ticker.watch.counters)
    await ticker.run(stop)
