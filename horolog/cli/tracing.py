"""Traces, put together: where an address is named, the parts of a process get somewhere to send spans to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from horolog.cli.composition import Parts
from horolog.limits import TRACE_ANSWER_S_MAX
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import TlsFiles, client_context
from horolog.runtime.trace_settings import TraceSettings
from horolog.version import own_version


@asynccontextmanager
async def traced(parts: Parts) -> AsyncIterator[Parts]:
    """The parts, with traces where the settings name a collector; what is told by the end of the block is sent.

    Raises:
        SettingsError: the file of its authorities cannot be used.
    """
    settings = parts.settings.traces
    if settings is None:
        yield parts
        return
    # Loaded where there are traces.
    import httpx  # noqa: PLC0415

    from horolog.adapters.otlp import OtlpExporter  # noqa: PLC0415

    headers = {"content-type": "application/json", "user-agent": "horolog", **settings.headers}
    client = httpx.AsyncClient(headers=headers, timeout=TRACE_ANSWER_S_MAX, trust_env=False, verify=_tls(settings))
    async with client as http:
        resource = {
            "service.name": settings.service_name,
            "service.version": own_version(),
            "service.instance.id": parts.settings.member,
        }
        exporter = OtlpExporter(http, settings.url, parts.clock, resource, settings.ratio)
        parts.metrics.watch_spans(lambda: {"sent": exporter.sent_count, "dropped": exporter.dropped_count})
        sending = asyncio.create_task(exporter.run(), name="traces")
        try:
            yield replace(parts, tracing=exporter)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await exporter.close()


def _tls(settings: TraceSettings) -> ssl.SSLContext:
    try:
        return client_context(TlsFiles(settings.authorities), "")
    except SettingsError:
        raise SettingsError("OTEL_EXPORTER_OTLP_CERTIFICATE must be a file of certificates (PEM)") from None
