"""The notifier, put together: what makes deliveries, and what sends them."""

import asyncio
import os
import secrets
import ssl
from collections.abc import Sequence
from contextlib import AsyncExitStack

import asyncpg
import httpx

from horolog.adapters.notifications.http import HttpChannel
from horolog.adapters.notifications.smtp import MailChannel
from horolog.cli.composition import Parts
from horolog.cli.roles.vault import open_checked
from horolog.domain.addresses import Network, networks
from horolog.domain.notifications.rules import ChannelType, Target
from horolog.domain.notifications.wire import RENDERERS
from horolog.ports import Clock
from horolog.runtime.egress import GuardedBackend, Resolver, guarded_transport
from horolog.vault.cache import CachedKeys
from horolog.version import connection_name
from projections.connections import CONNECT_TIMEOUT_S, QUERY_TIMEOUT_S
from projections.notifications.consumer import Consumer
from projections.notifications.counters import NotifierCounters
from projections.notifications.outbox import Outbox
from projections.notifications.sender import Channel, Sender
from projections.notifications.settings import ChannelSettings, from_environment
from projections.notifications.tables import SCHEMA

CONNECTION_COUNT_MAX = 4


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Make and send notifications until stopped."""
    settings = from_environment(os.environ)
    async with AsyncExitStack() as stack:
        vault = await open_checked(parts, stack)
        pool = await _pool(parts.database_url())
        stack.push_async_callback(pool.close)
        counters = NotifierCounters()
        sender = Sender(
            outbox=Outbox(pool, parts.settings.tenant_defaults.http_allowed),
            channels=open_channels(settings, parts.settings.http_allowed, parts.clock, stack),
            clock=parts.clock,
            chance=secrets.SystemRandom().random,
            keys=None if vault is None else CachedKeys(vault, parts.clock),
            counters=counters,
        )
        consumer = Consumer(
            parts.log, parts.clock, parts.settings.member, parts.database_url(), counters, made=sender.wake
        )
        parts.metrics.watch_notifier(counters)
        parts.readiness.watch("notifier", consumer.is_ready)
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop), name="consumer")
            group.create_task(sender.run(stop), name="sender")


def open_channels(
    settings: ChannelSettings, allowed: Sequence[Network], clock: Clock, stack: AsyncExitStack
) -> dict[ChannelType, Channel]:
    """The channels that there are here; what they need is closed with the stack."""
    resolver = Resolver()
    stack.callback(resolver.close)
    context = httpx.create_ssl_context(trust_env=False)

    def guarded(also_allowed: Sequence[str]) -> httpx.AsyncBaseTransport:
        backend = GuardedBackend(resolver, (*allowed, *networks(also_allowed)))
        return guarded_transport(backend, context, 0)

    channels: dict[ChannelType, Channel] = {
        type_: HttpChannel(render, guarded, clock)
        for type_, render in RENDERERS.items()
        if type_ is not ChannelType.SERVICE
    }
    if settings.service is not None and settings.service_context is not None:
        channels[ChannelType.SERVICE] = _service_channel(settings.service, settings.service_context, clock)
    if settings.mail is not None and settings.mail_context is not None:
        mail = MailChannel(settings.mail, settings.mail_context, clock)
        stack.callback(mail.close)
        channels[ChannelType.EMAIL] = mail
    return channels


def _service_channel(target: Target, context: ssl.SSLContext, clock: Clock) -> Channel:
    """To wherever the operator says: no judge of addresses stands before it."""

    def plain(_: Sequence[str]) -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(verify=context, trust_env=False)

    return HttpChannel(RENDERERS[ChannelType.SERVICE], plain, clock, target)


async def _pool(dsn: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=CONNECTION_COUNT_MAX,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=QUERY_TIMEOUT_S,
        server_settings={
            "application_name": connection_name("horolog-notifier"),
            "timezone": "UTC",
            "search_path": SCHEMA,
        },
    )
