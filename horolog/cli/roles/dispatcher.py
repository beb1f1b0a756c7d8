"""The dispatcher, put together."""

import asyncio
from functools import partial

from horolog.cli.composition import Parts, owner_settings
from services.dispatcher.dispatcher import Dispatcher, DispatcherRole
from services.dispatcher.tracing import tell_spans


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Dispatch until stopped."""
    settings, seals, command_seals = parts.settings, parts.seals(), parts.command_seals()
    role = DispatcherRole(
        seals,
        settings.tenant_defaults,
        command_seals=None if settings.commands_open else command_seals,
        is_upgrading=settings.is_upgrading,
    )
    dispatcher = Dispatcher(parts.log, parts.clock, owner_settings(parts), role)
    if parts.tracing is not None:
        dispatcher.owner.on_commit = partial(tell_spans, tracing=parts.tracing)
    parts.metrics.watch_owner("dispatcher", dispatcher.owner.counters)
    parts.readiness.watch("dispatcher", dispatcher.owner.is_ready)
    parts.metrics.watch_partitions("dispatcher", dispatcher.owner.standings)
    parts.metrics.watch_queues(dispatcher.queue_sizes)
    await dispatcher.run(stop)
