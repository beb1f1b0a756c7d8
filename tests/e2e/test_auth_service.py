"""Callers with the signed tokens of an auth service that is asked over HTTP for its keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from horolog.adapters.system import SystemClock
from tests.e2e.system import PREFIX, TENANT, TOKEN, System, job, running
from tests.unit.api.issuing import ISSUER, AuthService


@asynccontextmanager
async def shown(service: AuthService) -> AsyncIterator[str]:
    """The address of the service's keys."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        keys = await service.fetch()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(keys) + keys)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


def signed(service: AuthService, *roles: str) -> dict[str, str]:
    """The headers of a caller with these roles."""
    now = int(SystemClock().now().timestamp())
    token = service.token(iat=now, nbf=now, exp=now + 300, tenant_id=TENANT, roles=list(roles))
    return {"Authorization": f"Bearer {token}"}


async def create(system: System, headers: dict[str, str]) -> httpx.Response:
    """A request for a new job."""
    return await system.nobody.post(f"{PREFIX}/jobs", json=job(), headers=headers)


async def test_signed_tokens_open_what_their_roles_allow_beside_the_static_ones(migrated_database: str) -> None:
    service = AuthService()
    async with shown(service) as url:
        auth = {"AUTH_JWKS_URL": url, "AUTH_ISSUER": ISSUER.name, "AUTH_AUDIENCE": ISSUER.audience}
        async with running(migrated_database, **auth) as system:
            made = await create(system, signed(service, "developer"))
            assert (made.status_code, made.json()["createdBy"]) == (201, "user:ada")
            assert (await create(system, signed(service, "viewer"))).status_code == 403
            assert (await create(system, signed(AuthService(), "admin"))).status_code == 401
            assert (await create(system, {"Authorization": f"Bearer {TOKEN}"})).status_code == 201
            assert service.asked_count == 1
