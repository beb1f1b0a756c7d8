"""The address of the API is taken before anything else starts, or refused in a sentence."""

import socket
from dataclasses import replace

import pytest

from horolog.cli.roles.api import listener
from horolog.runtime.settings_error import SettingsError
from services.api.settings import from_environment

SETTINGS = from_environment(
    {
        "HOROLOG_TOKENS": "tOk3n-of-the-first-tenant=11111111-2222-4333-8444-555555555555",
        "INTERNAL_SERVICE_TOKEN": "s3rv1ce-to-service-word",
    }
)


def test_an_address_that_somebody_listens_on_is_refused_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}: .*another port"):
            listener(replace(SETTINGS, host="127.0.0.1", port=port))


def test_a_free_address_is_held_from_then_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = replace(SETTINGS, host="127.0.0.1", port=port)
    with listener(settings) as bound:
        assert bound.getsockname() == ("127.0.0.1", port)


def test_what_it_accepts_does_not_wait_for_acknowledgements() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with listener(replace(SETTINGS, host="127.0.0.1", port=port)) as bound:
        # asyncio sets TCP_NODELAY on accepted sockets of this protocol only.
        assert bound.proto == socket.IPPROTO_TCP
