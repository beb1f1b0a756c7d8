"""Callers with tokens of an outside auth service, put together.

A module of its own, loaded where there is such a service: its libraries take 15 MB of memory.
"""

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import httpx

from horolog.ports import Clock
from horolog.runtime.tls import client_context, tls_files
from services.api.jwks import Keys, fetch_keys
from services.api.ports import Authenticator
from services.api.settings import AuthService
from services.api.signed_tokens import SignedTokens

KEYS_WAIT_S = 5.0


async def open_signed_tokens(
    service: AuthService, clock: Clock, stack: AsyncExitStack, environment: Mapping[str, str] = os.environ
) -> Authenticator:
    """Whoever believes the service's tokens; what it needs is closed with the stack.

    Its server is believed by the system's authorities, or by those that AUTH_CA_FILE names.

    Raises:
        SettingsError: that file cannot be used.
    """
    authorities = client_context(tls_files(environment, "AUTH"), "AUTH")
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=KEYS_WAIT_S, trust_env=False, verify=authorities))
    keys = Keys(partial(fetch_keys, http, service.keys_url), service.issuer.algorithm, clock)
    stack.push_async_callback(keys.close)
    return SignedTokens(service.issuer, keys, clock)
