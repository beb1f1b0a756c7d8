"""The projector, put together."""

import asyncio
from contextlib import AsyncExitStack

from horolog.cli.composition import Parts
from projections.connections import VIOLATIONS
from projections.projector import Notify, Projector, ProjectorSettings, Silence


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Apply facts until stopped."""
    settings = ProjectorSettings(parts.settings.member, parts.database_url())
    async with AsyncExitStack() as stack:
        notify = _notify(parts.settings.redis_url, stack)
        projector = Projector(parts.log, parts.clock, settings, notify, figures=parts.metrics)
        projector.on_violation = parts.metrics.ledger_violation
        # Shown from the beginning, so that the first one shows as a rise.
        for kind in VIOLATIONS:
            parts.metrics.ledger_violation(kind, 0)
        parts.metrics.watch_faults("projections", projector.counters)
        parts.metrics.watch_letters("projections", lambda: projector.counters.refused)
        parts.metrics.watch_partitions("projections", projector.standings)
        await projector.run(stop)


def _notify(redis_url: str | None, stack: AsyncExitStack) -> Notify:
    if redis_url is None:
        return Silence()
    from horolog.adapters.redis_notify import RedisNotify  # noqa: PLC0415 - its client is loaded where it is used

    notify = RedisNotify(redis_url)
    stack.push_async_callback(notify.close)
    return notify
