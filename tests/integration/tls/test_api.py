"""The API over TLS: 1.3 and nothing older, to whom it is meant for; and it believes no header about addresses."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from horolog.cli.roles.api import Server, http_config
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.tls import TlsFiles, client_context
from services.api.settings import ApiSettings, CallingService, digest_of, from_environment
from tests.integration.tls.certificates import Authority, authority

SETTINGS = ApiSettings(services=(CallingService(digest_of("service-token-0123456789")),))


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    """The authority that everybody here trusts."""
    return authority(tmp_path)


@asynccontextmanager
async def serving(tls: TlsFiles | None) -> AsyncIterator[int]:
    """A server as the API has one, in front of an application that tells from where it was asked."""
    app = FastAPI()

    async def where(request: Request) -> dict[str, str]:
        assert request.client is not None
        return {"address": request.client.host, "scheme": request.url.scheme}

    app.add_api_route("/where", where)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(http_config(app, replace(SETTINGS, tls=tls)))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await running


def _alone(files: TlsFiles) -> TlsFiles:
    """A server's files that ask its callers for no certificate."""
    return replace(files, authorities=None)


async def _ask(port: int, context: ssl.SSLContext) -> httpx.Response:
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        return await client.get(f"https://127.0.0.1:{port}/where")


async def test_it_speaks_tls_1_3_to_clients_that_trust_its_authority(ours: Authority) -> None:
    async with serving(_alone(ours.issue("api"))) as port:
        answer = await _ask(port, client_context(TlsFiles(ours.file), "X"))
        stream = answer.extensions["network_stream"]
    assert answer.json() == {"address": "127.0.0.1", "scheme": "https"}
    assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_older_versions_of_tls_are_refused(ours: Authority) -> None:
    older = client_context(TlsFiles(ours.file), "X")
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(_alone(ours.issue("api"))) as port:
        with pytest.raises(httpx.ConnectError):
            await _ask(port, older)


async def test_clients_do_not_talk_to_a_server_of_a_strange_authority_or_name(ours: Authority, tmp_path: Path) -> None:
    strange = authority(tmp_path, "strange")
    for files in (strange.issue("impostor"), ours.issue("elsewhere", "127.0.0.2")):
        async with serving(_alone(files)) as port:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await _ask(port, client_context(TlsFiles(ours.file), "X"))


async def test_with_an_authority_for_callers_nobody_gets_in_without_a_certificate(
    ours: Authority, tmp_path: Path
) -> None:
    strange = authority(tmp_path, "strange")
    impostor = replace(strange.issue("impostor"), authorities=ours.file)
    async with serving(ours.issue("api")) as port:
        assert (await _ask(port, client_context(ours.issue("caller"), "X"))).status_code == 200
        for files in (TlsFiles(ours.file), impostor):
            # With TLS 1.3 a client learns of the refusal when it reads.
            with pytest.raises(httpx.TransportError):
                await _ask(port, client_context(files, "X"))


async def test_a_header_does_not_say_from_where_a_request_comes() -> None:
    async with serving(None) as port, httpx.AsyncClient(trust_env=False) as client:
        forged = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https"}
        answer = await client.get(f"http://127.0.0.1:{port}/where", headers=forged)
    assert answer.json() == {"address": "127.0.0.1", "scheme": "http"}


def _broken(folder: Path) -> str:
    path = folder / "broken.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n")
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda files, folder: replace(files, certificate=str(folder / "none")), "CERT_FILE"),
        (lambda files, folder: replace(files, key=_broken(folder)), "KEY_FILE"),
        (lambda files, folder: replace(files, authorities=_broken(folder)), "CA_FILE"),
    ],
)
def test_files_that_cannot_be_used_stop_the_start_with_their_setting(
    ours: Authority, tmp_path: Path, spoil: Callable[[TlsFiles, Path], TlsFiles], named: str
) -> None:
    with pytest.raises(SettingsError, match=f"HOROLOG_TLS_{named}") as refused:
        http_config(FastAPI(), replace(SETTINGS, tls=spoil(ours.issue("api"), tmp_path)))
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize("given", ["CERT", "KEY", "CA"])
def test_a_certificate_without_its_key_or_authorities_alone_stop_the_start(given: str) -> None:
    environment = {"INTERNAL_SERVICE_TOKEN": "s3rv1ce-to-service-word", f"HOROLOG_TLS_{given}_FILE": "a.pem"}
    with pytest.raises(SettingsError, match=f"HOROLOG_TLS_{given}_FILE"):
        from_environment(environment)
