"""An outside service that decides about permissions, put together; loaded where there is one."""

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import httpx

from horolog.ports import Clock
from horolog.runtime.tls import client_context, tls_files
from services.api.decision_service import ask
from services.api.decisions import OutsideDecisions
from services.api.ports import Decisions
from services.api.settings import DecisionService

ANSWER_S_MAX = 2.0


async def open_decisions(
    service: DecisionService, clock: Clock, stack: AsyncExitStack, environment: Mapping[str, str] = os.environ
) -> Decisions:
    """Whoever asks the service; what it needs is closed with the stack.

    Its server is believed by the system's authorities, or by those that RBAC_CA_FILE names.

    Raises:
        SettingsError: that file cannot be used.
    """
    authorities = client_context(tls_files(environment, "RBAC"), "RBAC")
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=ANSWER_S_MAX, trust_env=False, verify=authorities))
    headers = {"Authorization": f"Bearer {service.token}"} if service.token else {}
    decisions = OutsideDecisions(partial(ask, http, service.url, headers), clock)
    stack.push_async_callback(decisions.close)
    return decisions
