"""The ticker, put together."""

import asyncio

from horolog.cli.composition import Parts, owner_settings
from services.ticker.ticker import Ticker


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Tick until stopped."""
    metrics = parts.metrics
    ticker = Ticker(parts.log, parts.clock, owner_settings(parts), metrics.fire_emitted, metrics.caught_up)
    metrics.watch_owner("ticker", ticker.owner.counters)
    metrics.watch_partitions("ticker", ticker.owner.standings)
    metrics.watch_catching_up(ticker.behind_s)
    metrics.watch_faults("ticker_watch", ticker.watch.counters)
    parts.readiness.watch("ticker", ticker.owner.is_ready)
    await ticker.run(stop)
