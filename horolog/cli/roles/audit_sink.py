"""The sink of the audit trail, put together; loaded where an outside service is named."""

from contextlib import AsyncExitStack

import httpx

from horolog.adapters.system import system_chance
from horolog.cli.composition import Parts
from horolog.ports import Clock
from horolog.runtime.tls import client_context
from projections.audit_sink.posting import Post
from projections.audit_sink.settings import TLS_PREFIX, SinkSettings
from projections.audit_sink.sink import AuditSink


async def open_sink(settings: SinkSettings, parts: Parts, stack: AsyncExitStack) -> AuditSink:
    """The sink; what it needs is closed with the stack.

    Raises:
        SettingsError: a file of its TLS cannot be used, or there is no database.
    """
    post = await open_post(settings, parts.clock, stack)
    sink = AuditSink(settings, parts.database_url(), (parts.clock, system_chance), post, parts.metrics)
    parts.metrics.watch_faults("audit-sink", sink.counters)
    return sink


async def open_post(settings: SinkSettings, clock: Clock, stack: AsyncExitStack) -> Post:
    """What sends a batch; closed with the stack.

    Its server is believed by the system's authorities, or by those that HOROLOG_AUDIT_SINK_CA_FILE names.

    Raises:
        SettingsError: a file of its TLS cannot be used.
    """
    tls = client_context(settings.tls, TLS_PREFIX)
    http = await stack.enter_async_context(
        httpx.AsyncClient(timeout=settings.answer_s_max, trust_env=False, verify=tls)
    )
    return Post(http, settings, clock)
