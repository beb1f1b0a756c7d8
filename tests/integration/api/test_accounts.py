"""The built-in issuer for real: PostgreSQL, Argon2id, HTTP, and two API processes over the same accounts."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts
from horolog.cli.preparation import bring_up_to_date
from horolog.cli.roles.api import run as run_api
from horolog.log.embedded.log import EmbeddedLog
from horolog.runtime.settings import Settings
from services.api.accounts.signing import new_key
from services.api.settings import from_environment as api_settings

DEADLINE_S = 30.0
PAUSE_S = 0.1
OURS = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
PASSWORD = "a password of some length"
TOLD = re.compile(r"horolog: user admin \(platform-admin\), one-time password: (\S+)\n")


@asynccontextmanager
async def serving(dsn: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An API over the accounts of a database, and a client of nobody."""
    clock, stop = SystemClock(), asyncio.Event()
    log = EmbeddedLog.open(None, clock)
    await log.create_topics()
    parts = Parts(Settings(home=folder, member="api", database_url=dsn), log, clock, RandomIds())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    environment = {"INTERNAL_SERVICE_TOKEN": "s3rv1ce-to-service-word", "HOROLOG_API_PORT": str(port)}
    key = {"HOROLOG_AUTH_KEY_FILE": str(folder / "key.pem")}
    task = asyncio.create_task(run_api(parts, stop, api_settings({**environment, **key})))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=DEADLINE_S) as client:
        await until_status(client, "nobody", 401)
        yield client
    stop.set()
    await task
    await log.close()


@pytest.fixture
async def apis(
    capfd: pytest.CaptureFixture[str], migrated_database: str, tmp_path: Path
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two of them; `capfd` has what they say from the beginning."""
    (tmp_path / "key.pem").write_bytes(new_key())
    (tmp_path / "key.pem").chmod(0o600)
    await bring_up_to_date(migrated_database)
    async with AsyncExitStack() as stack:
        opened = [stack.enter_async_context(serving(migrated_database, tmp_path)) for _ in range(2)]
        yield list(await asyncio.gather(*opened))


async def until_status(client: httpx.AsyncClient, token: str, status: int) -> None:
    """Wait until a question about jobs is answered so."""
    async with asyncio.timeout(DEADLINE_S):
        while await jobs(client, token) != status:
            await asyncio.sleep(PAUSE_S)


async def document(client: httpx.AsyncClient, token: str) -> tuple[int, str | None]:
    """How a token is answered where no database is read but to recognise its caller."""
    answer = await client.get("/openapi.json", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("error", {}).get("code")


async def jobs(client: httpx.AsyncClient, token: str) -> int:
    """How a question about jobs is answered to a token; 0 while nobody answers."""
    try:
        answer = await client.get("/api/v1/scheduler/jobs", headers={"Authorization": f"Bearer {token}"})
    except httpx.TransportError:
        return 0
    return answer.status_code


async def signed_in(client: httpx.AsyncClient, name: str, once: str) -> dict[str, Any]:
    """Tokens for who has been given a password for once."""
    own = {"name": name, "password": PASSWORD}
    changed = await client.post("/api/v1/auth/password", json={"name": name, "password": once, "newPassword": PASSWORD})
    assert changed.status_code == 204, changed.text
    tokens: dict[str, Any] = (await client.post("/api/v1/auth/token", json=own)).raise_for_status().json()
    return tokens


async def told_once(capfd: pytest.CaptureFixture[str]) -> str:
    """The password of the first user, which only one of the processes has told."""
    told = ""
    async with asyncio.timeout(DEADLINE_S):
        while not TOLD.search(told):
            told += capfd.readouterr().err
            await asyncio.sleep(PAUSE_S)
    (once,) = TOLD.findall(told + capfd.readouterr().err)
    return str(once)


async def test_from_the_first_start_to_a_user_who_is_disabled_on_the_other_process(
    apis: list[httpx.AsyncClient], capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = apis
    once = await told_once(capfd)
    refused = await first.post("/api/v1/auth/token", json={"name": "admin", "password": once})
    assert refused.json()["error"]["code"] == "PASSWORD_CHANGE_REQUIRED"
    root = await signed_in(first, "admin", once)
    as_root = {"Authorization": f"Bearer {root['accessToken']}"}
    body = {"name": "ada", "roles": ["developer"], "tenantId": OURS}
    made = (await second.post("/api/v1/users", json=body, headers=as_root)).raise_for_status().json()
    ada = await signed_in(second, "ada", made["oneTimePassword"])
    assert [await jobs(api, ada["accessToken"]) for api in apis] == [200, 200]
    assert await jobs(first, root["accessToken"]) == 403
    place = f"/api/v1/users/{made['user']['id']}"
    # There is no dispatcher here that could stop the user's jobs; it is disabled all the same.
    disabled = await first.patch(place, json={"disabled": True}, headers=as_root)
    assert (disabled.status_code, disabled.json()["error"]["code"]) == (503, "LOCK_ACQUISITION_FAILED")
    await until_status(second, ada["accessToken"], 401)
    refreshed = await second.post("/api/v1/auth/refresh", json={"refreshToken": ada["refreshToken"]})
    assert refreshed.status_code == 401


async def test_while_the_database_is_away_a_known_token_is_refused_in_the_end(
    apis: list[httpx.AsyncClient], capfd: pytest.CaptureFixture[str], postgres_dsn: str, migrated_database: str
) -> None:
    api, name = apis[0], migrated_database.partition("?")[0].rpartition("/")[2]
    root = await signed_in(api, "admin", await told_once(capfd))
    assert await document(api, root["accessToken"]) == (200, None)
    server = await asyncpg.connect(postgres_dsn)
    await server.execute(f'alter database "{name}" with allow_connections false')
    await server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    refused = await api.post("/api/v1/auth/token", json={"name": "admin", "password": PASSWORD})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "AUTH_UNAVAILABLE")
    async with asyncio.timeout(DEADLINE_S):
        while (told := await document(api, root["accessToken"])) == (200, None):
            await asyncio.sleep(PAUSE_S)
    assert told == (503, "AUTH_UNAVAILABLE")
    await server.execute(f'alter database "{name}" with allow_connections true')
    await server.close()
    assert await document(api, root["accessToken"]) == (200, None)


async def test_guesses_at_one_process_are_counted_at_the_other(apis: list[httpx.AsyncClient]) -> None:
    guess = {"name": "nobody", "password": "a guess of some length"}
    statuses = [(await apis[n % 2].post("/api/v1/auth/token", json=guess)).status_code for n in range(7)]
    assert statuses == [401] * 6 + [429]
