"""Whom jobs, notifications and the operator's own services talk to over TLS: who proves its name, and nobody else.

An answer that sends them on is an answer: whom it names is not asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts
from horolog.cli.roles.audit_sink import open_post
from horolog.cli.roles.auth_service import open_signed_tokens
from horolog.cli.roles.decision_service import open_decisions
from horolog.cli.roles.notifier import open_channels
from horolog.cli.tracing import traced
from horolog.domain.audit import CALLS
from horolog.domain.notifications.rules import ChannelType, Target
from horolog.domain.notifications.wire import Letter
from horolog.domain.tracing import Span, SpanKind, child, own_trace
from horolog.log.embedded.log import EmbeddedLog
from horolog.runtime.settings import Settings
from horolog.runtime.tls import TlsFiles, client_context, server_context
from horolog.runtime.trace_settings import trace_settings
from projections.audit_sink.batching import Batch, beginning
from projections.audit_sink.settings import from_environment as sink_settings
from projections.notifications.settings import ChannelSettings
from projections.notifications.settings import from_environment as channel_settings
from schemas.jobs import HttpConfig
from services.api.errors import ApiError
from services.api.permissions import Permission
from services.api.ports import DecisionsUnavailable, Principal
from services.api.settings import AuthService, DecisionService
from services.executor.runners.http import HttpRunner
from tests.integration.executor.watching import THIS_MACHINE, failure_of, outcome_of
from tests.integration.notifications.receiving import Hook, answer
from tests.integration.notifications.world import SECRET
from tests.integration.projections.audit_service import SECRET as AUDIT_SECRET
from tests.integration.tls.certificates import Authority, authority
from tests.unit.api.issuing import ISSUER
from tests.unit.api.issuing import AuthService as Signer
from tests.unit.api.world import OURS, START, HandClock

DEADLINE_S = 30.0
Ask = Callable[[str, str], Awaitable[Any]]
"""Asks the service at an address, trusting the authority in a file; what comes of it is seen at the service."""


async def keys(url: str, trusted: str) -> None:
    async with AsyncExitStack() as stack:
        service = AuthService(ISSUER, url)
        callers = await open_signed_tokens(service, HandClock(), stack, {"AUTH_CA_FILE": trusted})
        with suppress(ApiError):
            await callers.recognise([(b"authorization", f"Bearer {Signer().token()}".encode())])


async def decisions(url: str, trusted: str) -> None:
    async with AsyncExitStack() as stack:
        service = DecisionService(url, "a-word")
        asked = await open_decisions(service, HandClock(), stack, {"RBAC_CA_FILE": trusted})
        with suppress(DecisionsUnavailable):
            await asked.allows(Principal(OURS, "user:ada", frozenset()), Permission.JOBS_READ)


async def audit(url: str, trusted: str) -> None:
    named = {"URL": url, "SECRET": AUDIT_SECRET, "CA_FILE": trusted}
    settings = sink_settings({f"HOROLOG_AUDIT_SINK_{name}": value for name, value in named.items()})
    assert settings is not None
    position = beginning((OURS, CALLS))
    async with AsyncExitStack() as stack:
        post = await open_post(settings, SystemClock(), stack)
        await post(Batch(position, "a-batch", position.head, b"{}"))


async def notifications(url: str, trusted: str) -> None:
    settings = channel_settings({"HOROLOG_NOTIFY_URL": url, "HOROLOG_NOTIFY_CA_FILE": trusted})
    async with AsyncExitStack() as stack:
        channels = open_channels(settings, (), SystemClock(), stack)
        await channels[ChannelType.SERVICE].send(Letter("an-id", ChannelType.SERVICE, "{}", Target()))


async def traces(url: str, trusted: str) -> None:
    told = trace_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_CERTIFICATE": trusted})
    log = EmbeddedLog.open(None, SystemClock())
    root = own_trace("root", 1.0)
    parts = Parts(Settings(home=Path("/nowhere"), member="tls", traces=told), log, SystemClock(), RandomIds())
    async with traced(parts) as traced_parts:
        assert traced_parts.tracing is not None
        end = START + timedelta(seconds=1)
        traced_parts.tracing.tell(Span("a span", SpanKind.CLIENT, child(root, "1"), root.span_id, START, end, {}, None))
    await log.close()


SERVICES: list[Ask] = [keys, decisions, audit, notifications, traces]


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    """The authority that everybody here trusts."""
    return authority(tmp_path)


def speaking(files: TlsFiles) -> Hook:
    """A service with this certificate, which asks for none."""
    return Hook(server_context(replace(files, authorities=None), "X"))


@pytest.mark.parametrize("ask", SERVICES)
async def test_operators_service_is_asked_where_it_proves_its_name(ours: Authority, ask: Ask) -> None:
    async with speaking(ours.issue("service")) as service:
        await asyncio.wait_for(ask(service.url, ours.file), DEADLINE_S)
        assert len(service.got) == 1


@pytest.mark.parametrize("ask", SERVICES)
async def test_operators_service_of_a_strange_authority_or_name_is_told_nothing(
    ours: Authority, tmp_path: Path, ask: Ask
) -> None:
    for files in (authority(tmp_path, "strange").issue("impostor"), ours.issue("elsewhere", "127.0.0.2")):
        async with speaking(files) as service:
            await asyncio.wait_for(ask(service.url, ours.file), DEADLINE_S)
            assert service.got == []


@pytest.mark.parametrize("ask", SERVICES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_whom_the_operators_service_names_instead_is_not_asked(ours: Authority, ask: Ask, status: int) -> None:
    async with speaking(ours.issue("service")) as service, speaking(ours.issue("other")) as other:
        service.answers = [answer(status, location=other.url)] * 3
        await asyncio.wait_for(ask(service.url, ours.file), DEADLINE_S)
        assert (len(service.got), other.got) == (1, [])


async def test_request_of_a_job_goes_only_to_who_proves_its_name(ours: Authority, tmp_path: Path) -> None:
    strange = authority(tmp_path, "strange").issue("impostor")
    runner = HttpRunner(2, SystemClock(), THIS_MACHINE, client_context(TlsFiles(ours.file), "X"))
    async with speaking(ours.issue("target")) as target, speaking(strange) as impostor:
        assert (await outcome_of(runner, HttpConfig(url=target.url, method="GET"))).failure is None
        failure = failure_of(await outcome_of(runner, HttpConfig(url=impostor.url, method="GET")))
        assert (failure.code, len(target.got), impostor.got) == ("CONNECT_FAILED", 1, [])
    await runner.close()


async def test_webhook_of_an_authority_that_the_system_does_not_know_is_told_nothing(ours: Authority) -> None:
    async with speaking(ours.issue("receiver")) as receiver, AsyncExitStack() as stack:
        channels = open_channels(ChannelSettings(), THIS_MACHINE, SystemClock(), stack)
        letter = Letter("an-id", ChannelType.WEBHOOK, "{}", Target(receiver.url, SECRET))
        attempted = await channels[ChannelType.WEBHOOK].send(letter)
        assert (attempted.failure, receiver.got) == ("CONNECT_FAILED", [])
