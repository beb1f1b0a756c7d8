"""The projector, put together, and beside it the sink of the audit trail, where an outside service takes it."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib import import_module

from horolog.cli.composition import Parts
from projections.audit_sink.settings import from_environment as sink_settings
from projections.connections import VIOLATIONS
from projections.copies import Copies, NoCopies
from projections.projector import Notify, Projector, ProjectorSettings, Silence

_SINK = "horolog.cli.roles.audit_sink"


async def run(parts: Parts, stop: asyncio.Event, environment: Mapping[str, str] = os.environ) -> None:
    """Apply facts until stopped, and send the audit trail meanwhile."""
    kept = parts.settings.ledger_months_kept
    settings = ProjectorSettings(parts.settings.member, parts.database_url(), ledger_months_kept=kept)
    async with AsyncExitStack() as stack:
        notify = _notify(parts.settings.redis_url, stack)
        projector = Projector(parts.log, parts.clock, settings, notify, figures=parts.metrics)
        projector.copies = _copies(parts.settings.redis_url, stack)
        projector.on_violation = parts.metrics.ledger_violation
        # Shown from the beginning, so that the first one shows as a rise.
        for kind in VIOLATIONS:
            parts.metrics.ledger_violation(kind, 0)
        parts.metrics.watch_faults("projections", projector.counters)
        parts.readiness.watch("projections", projector.is_ready)
        parts.metrics.watch_letters("projections", lambda: projector.counters.refused)
        parts.metrics.watch_partitions("projections", projector.standings)
        sinking = await _sinking(parts, stop, environment, stack)
        try:
            await projector.run(stop)
            await asyncio.gather(*sinking)
        finally:
            for task in sinking:
                task.cancel()
            await asyncio.gather(*sinking, return_exceptions=True)


async def _sinking(
    parts: Parts, stop: asyncio.Event, environment: Mapping[str, str], stack: AsyncExitStack
) -> list["asyncio.Task[None]"]:
    settings = sink_settings(environment)
    if settings is None:
        return []
    sink = await import_module(_SINK).open_sink(settings, parts, stack)
    return [asyncio.create_task(sink.run(stop), name="audit-sink")]


def _copies(redis_url: str | None, stack: AsyncExitStack) -> Copies:
    if redis_url is None:
        return NoCopies()
    from horolog.adapters.redis_days import RedisDays  # noqa: PLC0415 - its client is loaded where it is used

    copies = RedisDays(redis_url)
    stack.push_async_callback(copies.close)
    return copies


def _notify(redis_url: str | None, stack: AsyncExitStack) -> Notify:
    if redis_url is None:
        return Silence()
    from horolog.adapters.redis_notify import RedisNotify  # noqa: PLC0415 - its client is loaded where it is used

    notify = RedisNotify(redis_url)
    stack.push_async_callback(notify.close)
    return notify
